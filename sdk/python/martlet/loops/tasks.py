"""The event loop of a worker: every batch is a task, and the socket is read by the loop itself."""

import asyncio
import threading
from typing import Any, Callable, List, Set

from .. import frames
from ..request import Batch, Request
from ..watcher import Watcher
from .prepare import Served


class TaskLoop:
    """Runs tasks for batches until Martlet drains the worker. What a batch does is up to `work`."""

    def __init__(self, served: Served, watcher: Watcher):
        self._served = served
        self._serving = served.serving
        self._watcher = watcher
        self._tasks: Set["asyncio.Task[None]"] = set()
        self._thread = 0
        self._flushing = False

    async def open(self) -> None:
        """Before `READY`."""

    async def close(self) -> None:
        """After the last batch."""

    async def work(self, batch: Batch) -> None:
        raise NotImplementedError

    async def run(self) -> None:
        """Raises `EOFError`, `ProtocolError`."""
        serving = self._serving
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        self._ended: "asyncio.Future[None]" = self._loop.create_future()
        self._watcher.takes_over = False
        serving.arrived = lambda: self.soon(self._start)
        self._loop.add_reader(serving.connection.fileno(), self._readable)
        # The watcher may have read the first batches while the model was still being loaded.
        self._start()
        try:
            await self._ended
            while serving.requests:
                await asyncio.sleep(0.01)
        finally:
            self._loop.remove_reader(serving.connection.fileno())
        await self.close()
        serving.connection.flush()

    def soon(self, call: Callable[..., Any], *arguments: Any) -> None:
        """Calls on the event loop, from whatever thread reads the socket."""
        if threading.get_ident() == self._thread:
            call(*arguments)
        else:
            self._loop.call_soon_threadsafe(call, *arguments)

    def flush(self) -> None:
        """What is posted goes out once the event loop has gone round."""
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        try:
            self._serving.connection.flush()
        except EOFError as error:
            self._stop(error)

    def _readable(self) -> None:
        serving = self._serving
        serving.turns += 1
        self._watcher.rouse()
        try:
            serving.try_read()
        except (EOFError, frames.ProtocolError) as error:
            self._stop(error)
        self.flush()

    def _stop(self, error: BaseException) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)

    def _start(self) -> None:
        serving = self._serving
        while True:
            batch = serving.next_batch()
            if batch is None:
                break
            task = self._loop.create_task(self.work(batch))
            self._tasks.add(task)
            task.add_done_callback(self._finished)
        if serving.draining and not self._ended.done():
            self._ended.set_result(None)

    def _finished(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            if isinstance(error, EOFError):
                self._stop(error)
            elif error is not None:
                self._serving.log_error("a task failed", error)
        self.flush()

    def cancels(self, request: Request, requests: List[Request], first: Any = None) -> None:
        """The running task is cancelled once nobody waits for any of `requests`."""
        task = asyncio.current_task()

        def tell() -> None:
            if first is not None:
                first()
            if all(one.cancelled for one in requests) and task is not None:
                self.soon(task.cancel)

        request.on_cancel = tell
        if request.cancelled:
            tell()

    async def credit(self, request: Request) -> None:
        """Waits while the client does not read."""
        waiter = asyncio.Event()
        request.on_credit = lambda: self.soon(waiter.set)
        while request.stalled and not request.cancelled:
            self.flush()
            waiter.clear()
            if request.stalled:
                await waiter.wait()
