"""What is said of a run: its progress, line by line, and its outcome.

The answer is one JSON object, the outcome. Where the run told of progress, the answer is lines of JSON, the outcome the
last of them, each before it `{"progress": …}`.
"""

import reprlib
import traceback
from typing import Any, Dict, Optional

from ..answers import to_json
from ..request import Request

REPR_LIMIT = 1024
"""Characters of a value or an exception that logs and monitors get."""
TRACEBACK_LIMIT = 100_000
_BACKLOG = 64
"""Lines that wait to be read: what is told beyond them is dropped, the next one is newer."""


class Reply:
    """The answer to one request for a run."""

    def __init__(self, request: Request):
        self._request = request
        self._begun = False

    @property
    def cancelled(self) -> bool:
        return self._request.cancelled

    def progress(self, value: Any, place: Optional[int] = None) -> None:
        """`place`: in the batch. Raises `TypeError`, `ValueError` where JSON cannot say it."""
        told = {"progress": value} if place is None else {"progress": value, "of": place}
        line = to_json(told) + b"\n"
        request = self._request
        if request.backlog >= _BACKLOG:
            return
        if not self._begun:
            self._begun = True
            request.begin(200, {"type": "application/x-ndjson"})
        request.send(line)
        request.serving.connection.flush()

    def end(self, outcome: Dict[str, Any]) -> None:
        """Raises `TypeError`, `ValueError` where JSON cannot say it; nothing was sent then."""
        body = to_json(outcome)
        if self._begun:
            self._request.send(body, last=True)
        else:
            self._request.reply(200, b"", body)


class ReplyInBatch:
    """What one task of a batch tells of itself."""

    def __init__(self, reply: Reply, place: int):
        self._reply = reply
        self._place = place

    @property
    def cancelled(self) -> bool:
        return self._reply.cancelled

    def progress(self, value: Any) -> None:
        self._reply.progress(value, self._place)


class _Repr(reprlib.Repr):
    def __init__(self) -> None:
        super().__init__()
        self.maxstring = self.maxother = self.maxlong = REPR_LIMIT
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = self.maxfrozenset = 50


_repr = _Repr()


def text_of(value: Any) -> str:
    """A `repr` of bounded length."""
    try:
        return _repr.repr(value)[:REPR_LIMIT]
    except Exception as error:
        return f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"


def failure(error: BaseException) -> Dict[str, Any]:
    """An exception as Celery's clients raise it: type, module, and arguments, as text where JSON cannot say them."""
    arguments = []
    for one in error.args:
        try:
            to_json(one)
            arguments.append(one)
        except Exception:
            arguments.append(text_of(one))
    lines = traceback.format_exception(type(error), error, error.__traceback__)
    return {
        "exc_type": type(error).__name__,
        "exc_message": arguments,
        "exc_module": type(error).__module__,
        "exception": text_of(error),
        "traceback": "".join(lines)[-TRACEBACK_LIMIT:],
    }
