"""The asynchronous loop: every batch is a task; the socket is read by the event loop itself."""

import asyncio
import inspect
import threading
from typing import Any, AsyncIterator, Callable, List, Set

from .. import frames
from ..errors import RequestCancelled, is_out_of_memory
from ..request import Batch, Request
from ..sinks import Slot, live
from ..watcher import Watcher
from .memory import BatchLimit
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


class CoroutineLoop(TaskLoop):
    """A `LitAPI` whose hooks are coroutines and asynchronous generators, batched or not."""

    def __init__(self, served: Served, watcher: Watcher):
        super().__init__(served, watcher)
        self._limit = BatchLimit(served.serving, served.api.max_batch_size)
        self._batched = served.api.max_batch_size > 1

    async def work(self, batch: Batch) -> None:
        served = self._served
        requests = batch.claim()
        for request in requests:
            served.watch(request)
            self.cancels(request, requests, request.on_cancel)
        slots: List[Slot] = []
        try:
            for request in requests:
                slots += await self._slots(request)
            if served.api.stream:
                await self._stream(slots)
            else:
                await self._unary(slots)
        except asyncio.CancelledError:
            for request in requests:
                request.give_up("streaming" if served.api.stream else "computing")
        finally:
            for slot in slots:
                slot.close()
            self.flush()

    async def _call(self, hook: Any, threaded: bool, value: Any, context: Any) -> Any:
        if threaded:
            return await asyncio.get_running_loop().run_in_executor(None, hook, value, context)
        answer = hook(value, context)
        return await answer if inspect.isawaitable(answer) else answer

    async def _slots(self, request: Request) -> List[Slot]:
        hooks, served = self._served.hooks, self._served
        try:
            if request.operation == "health":
                answer = served.api.health()
                served.health(request, await answer if inspect.isawaitable(answer) else answer)
                return []
            if hooks.authorize is not None:
                allowed = hooks.authorize(request)
                if inspect.isawaitable(allowed):
                    await allowed
            slots = served.slots(request, hooks.value(request))
            served.tell("on_before_decode_request")
            for slot in slots:
                slot.input = await self._call(hooks.decode, hooks.threaded["decode"], slot.payload, slot.context)
            served.tell("on_after_decode_request")
            return slots
        except RequestCancelled:
            request.give_up("computing")
        except Exception as error:
            served.failed(request, error)
        return []

    # Whole answers.

    async def _unary(self, slots: List[Slot]) -> None:
        if not self._batched:
            for slot in slots:
                await self._group([slot])
            return
        waiting = slots
        while waiting:
            group = live(waiting[: self._limit.size])
            waiting = waiting[self._limit.size :]
            if group and not await self._group(group):
                waiting = group + waiting

    async def _group(self, group: List[Slot]) -> bool:
        """False where the device's memory was too small and the limit is lower now."""
        hooks, served = self._served.hooks, self._served
        try:
            served.tell("on_before_predict")
            outputs = await self._outputs(group)
            served.tell("on_after_predict")
        except RequestCancelled as error:
            for slot in group:
                slot.fail(error)
            return True
        except Exception as error:
            if len(group) > 1 and is_out_of_memory(error):
                self._limit.shrink(len(group))
                return False
            self._failed(group, error)
            return True
        served.tell("on_before_encode_response")
        for slot, output in zip(group, outputs):
            try:
                slot.put(await self._call(hooks.encode, hooks.threaded["encode"], output, slot.context))
                slot.end()
            except Exception as error:
                served.log(error, slot.request)
                slot.fail(error)
        served.tell("on_after_encode_response")
        return True

    async def _outputs(self, group: List[Slot]) -> List[Any]:
        hooks = self._served.hooks
        if not self._batched:
            return [await self._call(hooks.predict, False, slot.input, slot.context) for slot in group]
        contexts = hooks.contexts([slot.context for slot in group])
        joined = await self._call(hooks.batch, False, [slot.input for slot in group], contexts)
        together = await self._call(hooks.predict, False, joined, contexts)
        outputs = list(await self._call(hooks.unbatch, False, together, contexts))
        if len(outputs) != len(group):
            raise ValueError(f"predict answered {len(outputs)} outputs to a batch of {len(group)}")
        return outputs

    def _failed(self, group: List[Slot], error: BaseException) -> None:
        self._served.log(error, group[0].request)
        together = len({slot.request.id for slot in group}) > 1
        for slot in group:
            slot.fail(error, "batch" if together else "item")

    # Streams.

    async def _stream(self, slots: List[Slot]) -> None:
        if self._batched:
            if slots:
                await self._stream_together(slots)
            return
        for slot in slots:
            await self._stream_alone(slot)

    async def _stream_alone(self, slot: Slot) -> None:
        hooks, served, request = self._served.hooks, self._served, slot.request
        outputs: Any = None
        encoded: Any = None
        try:
            served.tell("on_before_predict")
            outputs = await self._call(hooks.predict, False, slot.input, slot.context)
            served.tell("on_after_predict")
            served.tell("on_before_encode_response")
            encoded = iterate(await self._call(hooks.encode, False, iterate(outputs), slot.context))
            async for output in encoded:
                slot.put(output)
                self.flush()
                if request.stalled:
                    await self.credit(request)
            slot.end()
            served.tell("on_after_encode_response")
        except RequestCancelled as error:
            slot.fail(error)
        except Exception as error:
            served.log(error, request)
            slot.fail(error)
        finally:
            await close(encoded)
            await close(outputs)

    async def _stream_together(self, slots: List[Slot]) -> None:
        hooks = self._served.hooks
        contexts = hooks.contexts([slot.context for slot in slots])
        outputs: Any = None
        encoded: Any = None
        try:
            joined = await self._call(hooks.batch, False, [slot.input for slot in slots], contexts)
            outputs = await self._call(hooks.predict, False, joined, contexts)
            apart = await self._call(hooks.unbatch, False, iterate(outputs), contexts)
            encoded = iterate(await self._call(hooks.encode, False, apart, contexts))
            async for step in encoded:
                if len(step) != len(slots):
                    raise ValueError(f"a step of {len(step)} outputs for a batch of {len(slots)}")
                for slot, output in zip(slots, step):
                    if slot.request.cancelled:
                        slot.request.give_up("streaming")
                    else:
                        slot.put(output)
                self.flush()
                for slot in slots:
                    if slot.request.backlog >= 256:
                        await self.credit(slot.request)
            for slot in slots:
                slot.end()
        except RequestCancelled as error:
            for slot in slots:
                slot.fail(error)
        except Exception as error:
            self._failed(slots, error)
        finally:
            await close(encoded)
            await close(outputs)


def iterate(values: Any) -> Any:
    """An asynchronous iterator over what a hook returned, whatever it is."""
    if hasattr(values, "__aiter__"):
        return values
    if hasattr(values, "__next__"):
        return _stepped(values)
    return _once(values)


async def _stepped(values: Any) -> AsyncIterator[Any]:
    try:
        for value in values:
            yield value
            await asyncio.sleep(0)
    finally:
        values.close()


async def _once(value: Any) -> AsyncIterator[Any]:
    yield value


async def close(generator: Any) -> None:
    """Runs the `finally` blocks of an asynchronous generator now."""
    aclose = getattr(generator, "aclose", None)
    if aclose is not None:
        try:
            await aclose()
        except (Exception, RequestCancelled):
            pass

