"""What a hook may know of the request it works for."""

import time
from typing import Any, Iterable, List, Mapping, Optional

from .client import HTTPClient, shared
from .errors import RequestCancelled
from .request import Request


class Context(dict):
    """A dictionary of your own for one request (what one hook puts in, the next finds), and:

    `id`: the request's id in the logs. `headers`: names in lower case. `cancelled`: whether nobody waits for the answer
    any more. `remaining`: seconds until the client's patience ends, None without a limit. `http`: the worker's client.
    """

    def __init__(self, request: Optional[Request] = None, values: Optional[Mapping[str, Any]] = None):
        super().__init__(values or {})
        self._request = request
        self._batch: Optional["ContextList"] = None

    @property
    def id(self) -> str:
        if self._request is None:
            return ""
        return self._request.meta.get("id") or str(self._request.id)

    @property
    def headers(self) -> Mapping[str, str]:
        return self._request.headers if self._request is not None else {}

    @property
    def priority(self) -> str:
        """`interactive`, `batch` or `background`."""
        return (self._request.meta.get("priority") if self._request is not None else None) or "interactive"

    @property
    def client(self) -> str:
        """The client's address."""
        return (self._request.meta.get("client") if self._request is not None else None) or ""

    @property
    def cancelled(self) -> bool:
        return self._request is not None and self._request.cancelled

    @property
    def remaining(self) -> Optional[float]:
        deadline = self._request.deadline() if self._request is not None else None
        return None if deadline is None else deadline - time.monotonic()

    def check(self) -> None:
        """Raises `RequestCancelled` once nobody waits for the answer. Cheap: call it between steps.

        In a call for a whole batch it raises only once nobody waits for any of it: to stop there would take the others'
        answers with it.
        """
        if self.cancelled and (self._batch is None or self._batch.cancelled):
            raise RequestCancelled

    @property
    def http(self) -> HTTPClient:
        return shared()

    def stopping_criterion(self) -> Any:
        """For Transformers' `generate(stopping_criteria=[…])`: stops at the next token once nobody waits."""
        from .torch_tools import StoppingCriterion

        return StoppingCriterion([self])

    def watch(self, module: Any) -> Any:
        """A context manager: `check` is called between the layers of a torch module while it is entered."""
        from .torch_tools import watch_module

        return watch_module(module, self)


class ContextList(List[Context]):
    """The contexts of a batch, one for each input in order. The batch is cancelled when all of its requests are."""

    def __init__(self, contexts: Iterable[Context] = ()):
        super().__init__(contexts)
        for context in self:
            context._batch = self

    @property
    def cancelled(self) -> bool:
        return bool(self) and all(context.cancelled for context in self)

    def check(self) -> None:
        if self.cancelled:
            raise RequestCancelled

    @property
    def http(self) -> HTTPClient:
        return shared()

    def stopping_criterion(self) -> Any:
        """As `Context.stopping_criterion`; a batch stops row by row, and as a whole when all are cancelled."""
        from .torch_tools import StoppingCriterion

        return StoppingCriterion(list(self))

    def watch(self, module: Any) -> Any:
        from .torch_tools import watch_module

        return watch_module(module, self)
