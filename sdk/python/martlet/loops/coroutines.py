"""A `LitAPI` whose hooks are coroutines and asynchronous generators."""

import asyncio
import inspect
from typing import Any, AsyncIterator, List

from ..errors import RequestCancelled, is_out_of_memory
from ..request import Batch, Request
from ..sinks import Slot, live
from ..watcher import Watcher
from .memory import BatchLimit
from .prepare import Served, one_for_each
from .tasks import TaskLoop


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
        except RequestCancelled:
            rest = served.stopped(group)
            return not rest or await self._group(rest)
        except Exception as error:
            if len(group) > 1 and is_out_of_memory(error):
                self._limit.shrink(len(group))
                return False
            served.failed_together(group, error)
            return True
        served.tell("on_before_encode_response")
        for slot, output in zip(group, outputs):
            try:
                slot.put(await self._call(hooks.encode, hooks.threaded["encode"], output, slot.context))
                slot.end()
            except RequestCancelled as error:
                slot.fail(error)
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
        return one_for_each(group, await self._call(hooks.unbatch, False, together, contexts))

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
        begun = False
        rest: List[Slot] = []
        try:
            joined = await self._call(hooks.batch, False, [slot.input for slot in slots], contexts)
            outputs = await self._call(hooks.predict, False, joined, contexts)
            apart = await self._call(hooks.unbatch, False, iterate(outputs), contexts)
            encoded = iterate(await self._call(hooks.encode, False, apart, contexts))
            async for step in encoded:
                if len(step) != len(slots):
                    raise ValueError(f"a step of {len(step)} outputs for a batch of {len(slots)}")
                begun = True
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
        except RequestCancelled:
            rest = self._served.stopped(slots, begun)
        except Exception as error:
            self._served.failed_together(slots, error)
        finally:
            await close(encoded)
            await close(outputs)
        if rest:
            await self._stream_together(rest)


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

