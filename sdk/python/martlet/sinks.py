"""Where encoded outputs go: a plain answer, a plain stream, or what a spec makes of them.

A request may need several runs of the model (choices of a chat, texts of an embedding request): each is a slot, and the
sink puts their outputs together.
"""

from typing import Any, Callable, List, Optional

from . import answers
from .context import Context
from .errors import RequestCancelled
from .request import Request


class Sink:
    """Takes the outputs of all slots of one request. `put` for each output, `end` once for each slot."""

    def __init__(self, request: Request, slots: int = 1):
        self.request = request
        self._open = slots

    def put(self, index: int, output: Any) -> None:
        raise NotImplementedError

    def end(self, index: int) -> None:
        self._open -= 1
        if self._open == 0:
            self.finish()

    def finish(self) -> None:
        """All slots have ended."""

    def fail(self, error: BaseException, scope: str = "item") -> None:
        answers.fail(self.request, error, scope)


class PlainSink(Sink):
    """One output, the answer."""

    def __init__(self, request: Request, reply: Callable[[Request, Any], None]):
        super().__init__(request)
        self._reply = reply

    def put(self, index: int, output: Any) -> None:
        self._reply(self.request, output)


class StreamSink(Sink):
    """Outputs one after the other, as LitServe sends them: text as it is, objects as lines of JSON."""

    def __init__(self, request: Request, head: Optional[dict] = None):
        super().__init__(request)
        request.begin(200, head or {"type": answers.TEXT})

    def put(self, index: int, output: Any) -> None:
        self.request.send(answers.chunk(output))

    def finish(self) -> None:
        self.request.send(b"", last=True)


class Slot:
    """One run of the model for a request."""

    __slots__ = ("sink", "index", "context", "payload", "input")

    def __init__(self, sink: Sink, index: int, context: Optional[Context], payload: Any):
        self.sink = sink
        self.index = index
        self.context = context
        self.payload = payload
        self.input: Any = None

    @property
    def request(self) -> Request:
        return self.sink.request

    def put(self, output: Any) -> None:
        self.sink.put(self.index, output)

    def end(self) -> None:
        self.sink.end(self.index)

    def fail(self, error: BaseException, scope: str = "item") -> None:
        if isinstance(error, RequestCancelled):
            self.request.give_up("computing")
        else:
            self.sink.fail(error, scope)


def live(slots: List[Slot]) -> List[Slot]:
    """Those whose clients still wait; ends the others."""
    found = []
    for slot in slots:
        if slot.request.cancelled:
            slot.request.give_up("computing")
        else:
            found.append(slot)
    return found
