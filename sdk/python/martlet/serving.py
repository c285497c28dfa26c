"""What a worker knows of the requests it was sent, and what each frame from Martlet does to them.

Whoever has the reading turn (`reading`) hands frames in: the loop that computes, or the watcher while that is busy.
"""

import os
import sys
import threading
import time
import traceback
from collections import deque
from typing import Any, Callable, Deque, Dict, List, Optional

from . import frames
from .arena import Arena
from .connection import Connection
from .request import Batch, Request


class Serving:
    """The table of requests of one connection.

    `lock` guards states and credit; `reading` is held while bytes are read and handed in, so that frames stay in order.
    """

    def __init__(self, connection: Connection, arena: Optional[Arena] = None):
        self.connection = connection
        self.arena = arena
        self.lock = threading.RLock()
        self.reading = threading.Lock()
        self.requests: Dict[int, Request] = {}
        self.queue: Deque[Batch] = deque()
        self.draining = False
        self.last_read = 0.0
        self.turns = 0
        """Grows with each call of a user's code and each read: who stands still for long is seen by it."""
        self.receipts = 0
        """Grows when frames were received, by whatever thread, and what they say is done: who finds nothing in `queue`
        and then waits for more must not have counted a batch that is about to be put there."""
        self.busy = False
        """Whether the loop is in a user's code."""
        self.arrived: Optional[Callable[[], None]] = None
        """Called, in the reading thread, when batches were put into `queue`, and when draining begins."""
        self.rouse: Callable[[], None] = lambda: None
        """Wakes the watcher, which writes out what is posted."""
        self._incomplete: Dict[int, Request] = {}

    def read(self, seen: int) -> None:
        """Waits for bytes and does what the frames say; returns at once where something was received since `receipts`
        was `seen`, by the other thread. Raises `EOFError`, `ProtocolError`."""
        with self.reading:
            if self.receipts != seen:
                return
            received = self.connection.read(True)
            self.last_read = time.monotonic()
            self.turns += 1
            if received:
                self.receive(received)

    def try_read(self) -> bool:
        """Reads what is there, without waiting; False where another thread is reading."""
        if not self.reading.acquire(False):
            return False
        try:
            received = self.connection.read(False)
            self.last_read = time.monotonic()
            if received:
                self.receive(received)
            return True
        finally:
            self.reading.release()

    def receive(self, received: List[frames.Frame]) -> None:
        arrived = False
        for type, id, count, payload in received:
            if type == frames.EXEC:
                self._exec(id, frames.items(type, count, payload))
                arrived = True
            elif type == frames.CREDIT:
                for request_id, chunks, granted, _, _ in frames.items(type, count, payload):
                    request = self.requests.get(request_id)
                    if request is not None:
                        request.grant(chunks, granted)
            elif type == frames.CANCEL:
                self._cancel(frames.load(payload))
            elif type == frames.BODY:
                for request_id, _, flags, _, body in frames.items(type, count, payload):
                    self._body(request_id, flags, body)
                arrived = True
            elif type == frames.RELEASE:
                for place, _, generation, _, _ in frames.items(type, count, payload):
                    if self.arena is not None:
                        self.arena.release(place, generation)
            elif type == frames.PING:
                self.connection.post_control(
                    frames.PONG, {"rss": resident_bytes(), "active": len(self.requests)}, id=id
                )
                self.connection.flush()
            elif type == frames.DRAIN:
                self._drain(frames.load(payload))
                arrived = True
            elif type == frames.HELLO:
                raise frames.ProtocolError("a second HELLO")
        self.receipts += 1
        if arrived and self.arrived is not None:
            self.arrived()

    def next_batch(self) -> Optional[Batch]:
        """The first batch whose bodies are all there."""
        queue = self.queue
        if not self._incomplete:
            return queue.popleft() if queue else None
        for batch in queue:
            if batch.complete:
                queue.remove(batch)
                return batch
        return None

    def _exec(self, batch_id: int, received: List[frames.Item]) -> None:
        now = time.monotonic()
        batch: List[Request] = []
        for id, _, flags, meta, body in received:
            if flags & frames.SHM:
                body = self._shared(body)
            if id in self.requests:
                raise frames.ProtocolError("a request's id came twice")
            request = Request(self, id, meta, body, not flags & frames.MORE, now)
            if not request.complete:
                self._incomplete[id] = request
            self.requests[id] = request
            batch.append(request)
        self.queue.append(Batch(batch_id, batch))

    def _shared(self, reference: bytes) -> bytes:
        """A body that lies in shared memory. Its place is free at once: it is copied."""
        if self.arena is None:
            raise frames.ProtocolError("shared memory was not agreed on")
        body, place, generation = self.arena.take(reference)
        self.connection.post(frames.RELEASED, frames.pack_item_header(place, 0, 0, generation, 0), 0)
        self.connection.flush()
        return body

    def _body(self, id: int, flags: int, body: bytes) -> None:
        request = self._incomplete.get(id)
        if request is None:
            return
        request.add(body, bool(flags & frames.MORE))
        if request.complete:
            del self._incomplete[id]

    def _cancel(self, order: dict) -> None:
        reason = str(order.get("reason") or "disconnect")
        ids = order.get("ids")
        if not isinstance(ids, list) or not all(isinstance(id, int) for id in ids):
            raise frames.ProtocolError("a CANCEL without ids")
        for id in ids:
            self._incomplete.pop(id, None)
            request = self.requests.get(id)
            if request is not None:
                request.stop(reason)

    def _drain(self, order: dict) -> None:
        self.draining = True
        grace = order.get("grace_ms")
        if isinstance(grace, (int, float)):
            timer = threading.Timer(max(grace, 0) / 1000, os._exit, (0,))
            timer.daemon = True
            timer.start()

    # Log lines and figures.

    def log(self, level: str, message: str, **fields: Any) -> None:
        """A line of Martlet's log. `level`: debug, info, notice, warning, error."""
        self.connection.post_control(
            frames.LOG, {"level": level, "message": message[:100_000], "fields": fields}
        )
        self.rouse()

    def log_error(self, message: str, error: BaseException, **fields: Any) -> None:
        """A whole traceback, for the log alone."""
        text = "".join(traceback.format_exception(type(error), error, error.__traceback__))
        self.log("error", f"{message}\n{text}", **fields)

    def metric(self, name: str, value: float) -> None:
        self.connection.post_control(frames.METRIC, {"name": name, "value": value})
        self.rouse()


def resident_bytes() -> int:
    """Resident memory of this process."""
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def end_process(status: int) -> None:
    """Ends the worker now: no thread, device context or exit handler of a model's may hold it up."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            pass
    os._exit(status)
