"""The synchronous loop: one thread reads, computes and writes; no request passes between threads.

Unary calls run one after the other. Streams are generators that take turns, at most `concurrent` of them; one whose
client does not read is left standing.
"""

import time
from collections import deque
from typing import Any, Deque, List

from ..context import Context
from ..errors import RequestCancelled, is_out_of_memory
from ..litapi import overrides
from ..request import Batch, Request
from ..sinks import Slot, live
from ..watcher import Watcher
from .interrupt import Interrupt
from .memory import BatchLimit
from .prepare import Served, one_for_each, run_to_end
from .streams import BatchStream, SingleStream

POLL_EVERY = 0.0005
"""Seconds of work after which the loop looks at the socket again."""
_BACKLOG = 256
"""Chunks that a batched stream may keep for one reader that does not read, before the whole batch waits."""


class CallLoop:
    def __init__(self, served: Served, watcher: Watcher):
        self._served = served
        self._serving = served.serving
        self._hooks = served.hooks
        self._watcher = watcher
        self._batched = served.api.max_batch_size > 1
        self._limit = BatchLimit(served.serving, served.api.max_batch_size)
        self._concurrent = max(1, served.api.concurrent or 1)
        self._streams: Deque[Any] = deque()
        self._watches = served.api.interrupt or overrides(served.api, "on_cancel")
        self._interrupt = Interrupt()
        self._context = served.hooks.wants_context

    def run(self) -> None:
        """Serves until Martlet drains this worker. Raises `EOFError`, `ProtocolError`."""
        serving, connection = self._serving, self._serving.connection
        while True:
            seen = serving.receipts
            if serving.queue and len(self._streams) < self._concurrent:
                if time.monotonic() - serving.last_read > POLL_EVERY:
                    serving.try_read()
                batch = serving.next_batch()
                if batch is not None:
                    self._work(batch)
                    connection.flush_if_due(time.monotonic())
                    continue
            if self._streams and self._turn():
                serving.try_read()
                continue
            connection.flush()
            if serving.draining and not serving.requests:
                return
            serving.read(seen)

    def _work(self, batch: Batch) -> None:
        with self._watcher.work:
            requests = batch.claim()
            if self._served.api.stream:
                self._begin(requests)
            elif self._batched or self._hooks.spec is not None:
                self._together(requests)
            else:
                for request in requests:
                    self._alone(request)

    # One request, one call.

    def _alone(self, request: Request) -> None:
        hooks, served = self._hooks, self._served
        try:
            if self._watches:
                self._watch([request])
            if request.operation == "health":
                served.health(request, run_to_end(served.api.health()))
                return
            if hooks.authorize is not None:
                hooks.authorize(request)
            value = hooks.value(request)
            context = Context(request) if self._context else None
            if served.callbacks or self._watches:
                output = self._with_events(value, context)
            else:
                output = hooks.encode(hooks.predict(hooks.decode(value, context), context), context)
            served.reply(request, output)
        except RequestCancelled:
            request.give_up("computing")
        except Exception as error:
            served.failed(request, error)

    def _with_events(self, value: Any, context: Any) -> Any:
        served, hooks = self._served, self._hooks
        served.tell("on_before_decode_request")
        value = hooks.decode(value, context)
        served.tell("on_after_decode_request")
        served.tell("on_before_predict")
        with self._interrupt:
            value = hooks.predict(value, context)
        served.tell("on_after_predict")
        served.tell("on_before_encode_response")
        value = hooks.encode(value, context)
        served.tell("on_after_encode_response")
        return value

    # Several requests, one call.

    def _together(self, requests: List[Request]) -> None:
        if self._watches:
            self._watch(requests)
        self._limit.groups(self._slots(requests), self._compute)

    def _slots(self, requests: List[Request]) -> List[Slot]:
        """Decodes each request by itself: one that is wrong fails alone."""
        hooks, served = self._hooks, self._served
        made: List[Slot] = []
        for request in requests:
            try:
                if request.operation == "health":
                    served.health(request, run_to_end(served.api.health()))
                    continue
                if hooks.authorize is not None:
                    hooks.authorize(request)
                slots = served.slots(request, hooks.value(request))
                served.tell("on_before_decode_request")
                for slot in slots:
                    slot.input = hooks.decode(slot.payload, slot.context)
                served.tell("on_after_decode_request")
                made += slots
            except RequestCancelled:
                request.give_up("computing")
            except Exception as error:
                served.failed(request, error)
        return made

    def _compute(self, group: List[Slot]) -> None:
        hooks, served = self._hooks, self._served
        try:
            served.tell("on_before_predict")
            with self._interrupt:
                outputs = self._outputs(group)
            served.tell("on_after_predict")
        except RequestCancelled:
            rest = served.stopped(group)
            if rest:
                self._compute(rest)
            return
        except Exception as error:
            if len(group) > 1 and is_out_of_memory(error):
                raise
            served.failed_together(group, error)
            return
        served.tell("on_before_encode_response")
        for slot, output in zip(group, outputs):
            if slot.request.cancelled:
                slot.request.give_up("computing")
                continue
            try:
                slot.put(hooks.encode(output, slot.context))
                slot.end()
            except RequestCancelled as error:
                slot.fail(error)
            except Exception as error:
                served.log(error, slot.request)
                slot.fail(error)
        served.tell("on_after_encode_response")

    def _outputs(self, group: List[Slot]) -> List[Any]:
        hooks = self._hooks
        if not self._batched:
            return [hooks.predict(slot.input, slot.context) for slot in group]
        contexts = hooks.contexts([slot.context for slot in group])
        joined = hooks.batch([slot.input for slot in group], contexts)
        return one_for_each(group, hooks.unbatch(hooks.predict(joined, contexts), contexts))

    # Streams.

    def _begin(self, requests: List[Request]) -> None:
        slots = self._slots(requests)
        if self._batched:
            for start in range(0, len(slots), self._limit.size):
                group = live(slots[start : start + self._limit.size])
                if group:
                    self._add(BatchStream(self._served, group, _BACKLOG))
        else:
            by_request: dict = {}
            for slot in slots:
                by_request.setdefault(slot.request.id, []).append(slot)
            for group in by_request.values():
                self._add(SingleStream(self._served, group))

    def _add(self, stream: Any) -> None:
        if self._watches:
            self._watch(stream.requests)
        self._streams.append(stream)

    def _turn(self) -> bool:
        """Each stream that may go on does so for a moment. False where none can."""
        moved = False
        for _ in range(len(self._streams)):
            stream = self._streams.popleft()
            if stream.stalled and not stream.cancelled:
                self._streams.append(stream)
                continue
            moved = True
            with self._watcher.work:
                finished = self._advance(stream)
            if not finished:
                self._streams.append(stream)
        return moved

    def _advance(self, stream: Any) -> bool:
        """Steps for `POLL_EVERY`; True at the end."""
        serving, connection = self._serving, self._serving.connection
        until = time.monotonic() + POLL_EVERY
        while True:
            serving.turns += 1
            if self._watches:
                self._interrupt.requests = stream.requests
                with self._interrupt:
                    finished = stream.step()
            else:
                finished = stream.step()
            if finished:
                return True
            now = time.monotonic()
            connection.flush_if_due(now)
            if stream.stalled or now >= until:
                return False

    # Cancelling.

    def _watch(self, requests: List[Request]) -> None:
        """Tells the user's hook, and stops the call once all of its requests are given up."""
        for request in requests:
            self._served.watch(request)
        if not self._served.api.interrupt:
            return
        self._interrupt.requests = requests
        for request in requests:
            request.on_cancel = _then(request.on_cancel, requests, self._interrupt)


def _then(first: Any, requests: List[Request], interrupt: Interrupt) -> Any:
    def tell() -> None:
        if first is not None:
            first()
        if all(request.cancelled for request in requests):
            interrupt.fire(requests)

    return tell

