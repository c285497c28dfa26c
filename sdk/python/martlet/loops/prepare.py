"""The first steps of every loop: from a request to slots, and what is done with an error."""

import asyncio
import inspect
from typing import Any, Iterable, List, Optional

from .. import answers
from ..callbacks import CallbackRunner
from ..errors import GivenUpUnasked, RequestCancelled, client_error
from ..hooks import Hooks
from ..litapi import LitAPI
from ..request import Request, log_fields
from ..serving import Serving
from ..sinks import PlainSink, Slot, StreamSink, live


class Served:
    """One API and everything that its loop needs."""

    def __init__(self, serving: Serving, api: LitAPI, callbacks: Optional[CallbackRunner] = None):
        self.serving = serving
        self.api = api
        self.hooks = Hooks(api)
        self.callbacks = callbacks or CallbackRunner()
        self._feeds = api._stage is not None and api._stage.then is not None

    def admits(self, request: Request) -> bool:
        """Whether the caller of an application may call; ends the request otherwise."""
        try:
            if self.hooks.authorize is not None:
                self.hooks.authorize(request)
        except Exception as error:
            self.failed(request, error)
            return False
        return True

    def reply(self, request: Request, output: Any) -> None:
        """Answers with an encoded output. Raises `TypeError` for one that cannot be sent."""
        if self._feeds:
            answers.pass_on(request, output)
        else:
            answers.reply(request, output, self.api.bytes_as_text)

    def slots(self, request: Request, value: Any) -> List[Slot]:
        """The runs of the model that a request needs. Raises `HTTPException` where the spec finds it wrong."""
        hooks, api = self.hooks, self.api
        if hooks.spec is not None:
            made: List[Slot] = hooks.spec.slots(request, value, api)
            return made
        sink = StreamSink(request) if api.stream else PlainSink(request, self.reply)
        return [Slot(sink, 0, hooks.context(request), value)]

    def tell(self, event: str) -> None:
        if self.callbacks:
            self.callbacks.trigger_event(event, lit_api=self.api)

    def watch(self, request: Request) -> None:
        """Calls the user's `on_cancel` when the request is given up."""
        api = self.api

        def tell() -> None:
            try:
                api.on_cancel(request.meta.get("id") or str(request.id))
            except Exception as error:
                self.serving.log_error("on_cancel failed", error)

        request.on_cancel = tell

    def failed(self, request: Request, error: BaseException, scope: str = "item") -> None:
        """Ends a request before it had slots."""
        self.log(error, request)
        answers.fail(request, error, scope)

    def failed_together(self, group: List[Slot], error: BaseException) -> None:
        """Ends a group whose one call failed: nobody knows whose fault it was, unless all are of one request."""
        self.log(error, group[0].request)
        together = len({slot.request.id for slot in group}) > 1
        for slot in group:
            slot.fail(error, "batch" if together else "item")

    def stopped(self, group: List[Slot], begun: bool = False) -> List[Slot]:
        """After a call for `group` was given up: ends those whose clients left. Gives those to compute it for again.
        They fail instead where nobody left, because it would stop again, or where their answers have `begun`."""
        rest = live(group)
        if len(rest) < len(group) and not begun:
            return rest
        if not rest:
            return []
        self.failed_together(rest, GivenUpUnasked("it was given up, and somebody waits for the answer"))
        return []

    def log(self, error: BaseException, request: Optional[Request] = None) -> None:
        """The whole traceback, unless the error was meant for the client."""
        if isinstance(error, RequestCancelled) or client_error(error) is not None:
            return
        fields = log_fields(request) if request is not None else {}
        self.serving.log_error(f"{type(self.api).__name__} failed", error, **fields)

    def health(self, request: Request, answer: Any) -> None:
        """Answers the operation `health` with what `LitAPI.health` gave."""
        text = b"ok" if answer else b"not ready"
        meta = b'{"type":"text/plain; charset=utf-8"}'
        request.reply(200 if answer else 503, meta, text)


def one_for_each(group: List[Slot], outputs: Iterable[Any]) -> List[Any]:
    """The outputs of a batch. Raises `ValueError` where they are not as many as its slots."""
    made = list(outputs)
    if len(made) != len(group):
        raise ValueError(f"predict answered {len(made)} outputs to a batch of {len(group)}")
    return made


def run_to_end(value: Any) -> Any:
    """The value of something that may be a coroutine."""
    if inspect.isawaitable(value):
        async def wait() -> Any:
            return await value

        return asyncio.run(wait())
    return value
