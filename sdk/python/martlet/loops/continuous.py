"""Continuous batching: requests join and leave a running computation between two of its steps.

The API has `add(uid, input)`, `step()` (a list of `(uid, output, finished)` made by one step), `remove(uid)` and
`has_capacity()`. LitServe's names work too: `add_request`, `step(previous)` with objects of `uid, output, status`.
"""

import time
from typing import Any, Dict, Iterable, List, Tuple

from ..errors import GivenUpUnasked, RequestCancelled
from ..hooks import parameter_names
from ..sinks import Slot
from ..watcher import Watcher
from .prepare import Served, run_to_end

POLL_EVERY = 0.0005


class ContinuousLoop:
    def __init__(self, served: Served, watcher: Watcher):
        api: Any = served.api
        self._served = served
        self._serving = served.serving
        self._watcher = watcher
        self._add = getattr(api, "add", None) or api.add_request
        self._remove = getattr(api, "remove", None) or getattr(api, "remove_request", None)
        self._has_capacity = getattr(api, "has_capacity", None)
        self._passes_previous = bool(parameter_names(api.step))
        self._previous: Any = []
        self._slots: Dict[str, Slot] = {}
        self._waiting: List[Slot] = []

    def run(self) -> None:
        """Serves until Martlet drains this worker. Raises `EOFError`, `ProtocolError`."""
        serving = self._serving
        while True:
            seen = serving.receipts
            self._accept()
            self._leave()
            self._join()
            if self._slots:
                self._guard(self._step)
                now = time.monotonic()
                serving.connection.flush_if_due(now)
                if now - serving.last_read > POLL_EVERY:
                    serving.try_read()
                continue
            serving.connection.flush()
            if serving.draining and not serving.requests:
                return
            serving.read(seen)

    def _guard(self, call: Any) -> None:
        with self._watcher.work:
            call()

    def _accept(self) -> None:
        served, hooks = self._served, self._served.hooks
        while True:
            batch = self._serving.next_batch()
            if batch is None:
                return
            for request in batch.claim():
                try:
                    if request.operation == "health":
                        served.health(request, run_to_end(served.api.health()))
                        continue
                    if hooks.authorize is not None:
                        hooks.authorize(request)
                    slots = served.slots(request, hooks.value(request))
                    for slot in slots:
                        slot.input = hooks.decode(slot.payload, slot.context)
                    served.watch(request)
                    self._waiting += slots
                except RequestCancelled:
                    request.give_up("computing")
                except Exception as error:
                    served.failed(request, error)

    def _leave(self) -> None:
        """Takes those out that nobody waits for."""
        for uid in [uid for uid, slot in self._slots.items() if slot.request.cancelled]:
            slot = self._slots.pop(uid)
            if self._remove is not None:
                try:
                    self._remove(uid)
                except Exception as error:
                    self._served.log(error, slot.request)
            slot.request.give_up("streaming")

    def _join(self) -> None:
        waiting, self._waiting = self._waiting, []
        for at, slot in enumerate(waiting):
            if slot.request.cancelled:
                slot.request.give_up("waiting")
                continue
            if self._has_capacity is not None and not self._has_capacity():
                self._waiting = waiting[at:]
                return
            uid = f"{slot.request.id}.{slot.index}"
            try:
                self._guard(lambda uid=uid, slot=slot: self._add(uid, slot.input))
                self._slots[uid] = slot
            except RequestCancelled as error:
                slot.fail(error)
            except Exception as error:
                self._served.log(error, slot.request)
                slot.fail(error)

    def _step(self) -> None:
        try:
            api: Any = self._served.api
            outputs = list((api.step(self._previous) if self._passes_previous else api.step()) or ())
        except RequestCancelled:
            # Those who left are taken out before the next step; without any, it would stop here for ever.
            if not any(slot.request.cancelled for slot in self._slots.values()):
                self._all_failed(GivenUpUnasked("a step was given up, and nobody had left"))
            return
        except Exception as error:
            self._all_failed(error)
            return
        self._previous = outputs
        for uid, output, finished in map(_parts, outputs):
            slot = self._slots.get(uid)
            if slot is None:
                continue
            try:
                if output is not None and not (finished and output == ""):
                    for encoded in self._encoded(output, slot):
                        slot.put(encoded)
                if finished:
                    del self._slots[uid]
                    slot.end()
            except RequestCancelled as error:
                self._slots.pop(uid, None)
                slot.fail(error)
            except Exception as error:
                self._slots.pop(uid, None)
                self._served.log(error, slot.request)
                slot.fail(error)

    def _encoded(self, output: Any, slot: Slot) -> Iterable[Any]:
        """`encode_response` is a generator in a stream: it gets this one output to go through."""
        answer = self._served.hooks.encode([output], slot.context)
        return answer if hasattr(answer, "__iter__") and not isinstance(answer, (str, bytes, dict)) else [answer]

    def _all_failed(self, error: Exception) -> None:
        self._served.log(error)
        slots, self._slots = list(self._slots.values()), {}
        for slot in slots:
            slot.fail(error, "batch" if len(slots) > 1 else "item")


def _parts(output: Any) -> Tuple[str, Any, bool]:
    """Of a tuple `(uid, output, finished)` or an object with `uid`, `output` and `status` or `finished`."""
    if isinstance(output, (tuple, list)):
        uid, value, finished = output
    else:
        uid, value = output.uid, output.output
        finished = output.finished if hasattr(output, "finished") else output.status
    return uid, value, finished if isinstance(finished, bool) else "FINISH" in str(finished).upper()
