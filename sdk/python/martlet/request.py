"""One request: what came, how far it is, and what may be sent of its answer."""

import time
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, List, Mapping, Optional, Tuple

from . import frames

if TYPE_CHECKING:
    from .serving import Serving

WAITING, RUNNING, ENDING, DONE = range(4)
"""`ENDING`: computed, but parts of the answer still wait for credit."""


class Request:
    """Made for each item of an `EXEC`. Its methods that send may be called from any thread, and each request ends with
    exactly one terminal frame, whichever of them come first."""

    __slots__ = (
        "id",
        "serving",
        "state",
        "reason",
        "pieces",
        "body",
        "complete",
        "received",
        "started",
        "on_cancel",
        "on_credit",
        "form",
        "_meta_bytes",
        "_meta",
        "_backlog",
        "_chunks",
        "_bytes",
        "_number",
        "_head",
    )

    def __init__(self, serving: "Serving", id: int, meta: bytes, body: bytes, complete: bool, now: float):
        self.id = id
        self.serving = serving
        self.state = WAITING
        self.reason: Optional[str] = None
        self.pieces: Optional[List[bytes]] = None if complete else [body]
        self.body = body
        self.complete = complete
        self.received = now
        self.started = 0.0
        self.on_cancel: Optional[Callable[[], None]] = None
        self.on_credit: Optional[Callable[[], None]] = None
        self.form: Optional[Any] = None
        """What its body was read as, where that has files: they are closed with the request."""
        self._meta_bytes = meta
        self._meta: Optional[dict] = None
        self._backlog: Optional[Deque[Tuple[bytes, bool]]] = None
        self._chunks = frames.CREDIT_CHUNKS
        self._bytes = frames.CREDIT_BYTES
        self._number = 0
        self._head = b""

    # What came.

    @property
    def meta(self) -> dict:
        if self._meta is None:
            self._meta = frames.load(self._meta_bytes)
        return self._meta

    @property
    def headers(self) -> Mapping[str, str]:
        """Names in lower case."""
        return self.meta.get("headers") or {}

    @property
    def content_type(self) -> str:
        """The media type of the body, with its parameters."""
        # The key's bytes are in no value: there its quotes are escaped. Most requests need not be parsed for it.
        return (b'"type":' in self._meta_bytes and self.meta.get("type")) or "application/json"

    @property
    def operation(self) -> str:
        if self._meta is None and self._meta_bytes.startswith(b'{"op":"predict"'):
            return "predict"
        return (self._meta_bytes and self.meta.get("op")) or "predict"

    def deadline(self) -> Optional[float]:
        """When the client's patience ends, in `time.monotonic` seconds."""
        ms = self.meta.get("ms")
        return self.received + ms / 1000 if isinstance(ms, (int, float)) else None

    def add(self, piece: bytes, more: bool) -> None:
        """The next piece of a body that did not fit one frame."""
        if self.pieces is None:
            return
        self.pieces.append(piece)
        if not more:
            self.body = b"".join(self.pieces)
            self.pieces = None
            self.complete = True

    # How far it is.

    @property
    def cancelled(self) -> bool:
        return self.reason is not None

    def claim(self) -> bool:
        """Begins to compute. False where it was given up before."""
        with self.serving.lock:
            if self.state != WAITING:
                return False
            self.state = RUNNING
            self.started = time.monotonic()
            return True

    # The answer. Everything after the terminal frame is ignored.

    def reply(self, status: int, meta: bytes, body: bytes) -> None:
        """The whole answer. What does not fit one frame goes through shared memory, or as chunks, as far as there is
        credit."""
        serving = self.serving
        with serving.lock:
            if self.state != RUNNING:
                return
            if self.reason is not None:
                self._give_up("computing")
                return
            flags = 0
            if len(body) > frames.MAX_BODIES:
                place = serving.arena.put(body) if serving.arena is not None else None
                if place is None:
                    self.begin(status, {**frames.load(meta), "length": len(body)})
                    self.send(body, last=True)
                    return
                body, flags = place, frames.SHM
            self._ended()
            serving.connection.post(frames.RESULT, frames.item(self.id, status, flags, meta, body), len(body))

    def begin(self, status: int, meta: dict) -> None:
        """What the first chunk says of the answer: its HTTP status, `type` and `headers`."""
        self._head = frames.dump({"status": status, **meta} if status != 200 else meta)

    def send(self, body: bytes, last: bool = False) -> bool:
        """A piece of the answer; waits in memory where there is no credit. False where the producer should pause."""
        serving = self.serving
        with serving.lock:
            if self.state != RUNNING:
                return True
            if self.reason is not None and last:
                self._give_up("streaming")
                return True
            if self._backlog is None and self._chunks > 0 and self._bytes > 0 and len(body) <= frames.MAX_BODIES:
                self._post(body, last)
                if last:
                    self._ended()
                return self._chunks > 0 and self._bytes > 0
            if self._backlog is None:
                self._backlog = deque()
            for start in range(0, len(body) or 1, frames.MAX_BODIES):
                end = start + frames.MAX_BODIES
                self._backlog.append((body[start:end], last and end >= len(body)))
            if last:
                self.state = ENDING
                self._close_form()
            self._pump()
            return self._backlog is None

    def fail(
        self,
        status: int,
        code: str,
        message: str,
        scope: str = "item",
        body: bytes = b"",
        type: str = "application/json",
        headers: Optional[List[Tuple[str, str]]] = None,
    ) -> None:
        """The request failed; its answer ends here."""
        meta: dict = {"code": code, "message": message, "scope": scope}
        if body:
            meta["type"] = type
        if headers:
            meta["headers"] = headers
        serving = self.serving
        with serving.lock:
            if self.state == DONE:
                return
            if self.reason is not None:
                self._give_up("computing")
                return
            self._drain_backlog()
            self._ended()
            body = body[: frames.MAX_BODIES]
            serving.connection.post(frames.ERROR, frames.item(self.id, status, 0, frames.dump(meta), body), len(body))

    def give_up(self, phase: str) -> None:
        """Nobody listens: ends the request with `CANCELLED`."""
        with self.serving.lock:
            if self.state != DONE:
                self._give_up(phase)

    def stop(self, reason: str) -> None:
        """Martlet cancelled it. What computes it learns of that by `on_cancel` and by `cancelled`."""
        with self.serving.lock:
            if self.state == DONE or self.reason is not None:
                return
            self.reason = reason
            if self.state == WAITING:
                self._give_up("waiting")
                return
            if self.state == ENDING:
                self._give_up("streaming")
                return
            tell = self.on_cancel
        if tell is not None:
            tell()

    # Credit.

    @property
    def stalled(self) -> bool:
        """Whether the client has not yet taken what was sent."""
        return self._backlog is not None or self._chunks <= 0 or self._bytes <= 0

    @property
    def backlog(self) -> int:
        """Chunks that wait for credit."""
        return len(self._backlog) if self._backlog is not None else 0

    def grant(self, chunks: int, bytes: int) -> None:
        """More credit has come."""
        with self.serving.lock:
            self._chunks += chunks
            self._bytes += bytes
            self._pump()
            tell = self.on_credit
        if tell is not None:
            tell()

    def _pump(self) -> None:
        backlog = self._backlog
        while backlog and self._chunks > 0 and self._bytes > 0:
            body, last = backlog.popleft()
            self._post(body, last)
            if last:
                self._ended()
        if not backlog:
            self._backlog = None

    def _drain_backlog(self) -> None:
        """Before an error: what was made before it reaches the client as far as there is credit; the rest is lost."""
        self._pump()
        self._backlog = None

    def _post(self, body: bytes, last: bool) -> None:
        number = self._number
        meta, self._head = self._head, b""
        length = len(body)
        self.serving.connection.post(
            frames.CHUNK,
            frames.pack_item_header(self.id, number, frames.LAST if last else 0, len(meta), length) + meta + body,
            length,
        )
        self._number = number + 1 & 0xFFFF
        self._chunks -= 1
        self._bytes -= length

    def _give_up(self, phase: str) -> None:
        spent = (time.monotonic() - self.started) * 1000 if self.started else 0.0
        meta = frames.dump({"compute_ms": round(spent, 3), "phase": phase})
        self._backlog = None
        self._ended()
        self.serving.connection.post(frames.CANCELLED, frames.item(self.id, 0, 0, meta, b""), 0)

    def _ended(self) -> None:
        self.state = DONE
        self.on_cancel = self.on_credit = None
        self._close_form()
        self.serving.requests.pop(self.id, None)

    def _close_form(self) -> None:
        if self.form is not None:
            self.form.close()
            self.form = None


class Batch:
    """The requests of one `EXEC`, to be computed together."""

    __slots__ = ("id", "requests")

    def __init__(self, id: int, requests: List[Request]):
        self.id = id
        self.requests = requests

    @property
    def complete(self) -> bool:
        return all(request.complete or request.state != WAITING for request in self.requests)

    def claim(self) -> List[Request]:
        """Begins to compute those that nobody gave up."""
        return [request for request in self.requests if request.claim()]


def log_fields(request: Request) -> Mapping[str, Any]:
    """What identifies a request in a log line."""
    return {"request": request.meta.get("id") or str(request.id)}
