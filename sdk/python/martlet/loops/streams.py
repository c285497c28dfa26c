"""Generators of users' code, stepped one item at a time by the thread that computes."""

from typing import Any, List

from ..errors import RequestCancelled
from ..sinks import Slot
from .prepare import Served


class SingleStream:
    """The generators of one request: one, or as many as the client wants choices."""

    def __init__(self, served: Served, slots: List[Slot]):
        self._served = served
        self._slots = slots
        self._request = slots[0].request
        self.requests = [self._request]
        self._open: List[Any] = []
        self._sources: List[Any] = []
        self._started = False
        self._next = 0

    @property
    def stalled(self) -> bool:
        return self._request.stalled

    @property
    def cancelled(self) -> bool:
        return self._request.cancelled

    def step(self) -> bool:
        """One item. True at the end, whatever it is."""
        if self._request.cancelled:
            self.close()
            self._request.give_up("streaming")
            return True
        try:
            if not self._started:
                self._start()
            turn = self._next % len(self._open)
            slot, generator = self._open[turn]
            try:
                output = next(generator)
            except StopIteration:
                slot.end()
                del self._open[turn]
                if self._open:
                    return False
                self._served.tell("on_after_encode_response")
                self.close()
                return True
            slot.put(output)
            self._next = turn + 1
            return False
        except RequestCancelled as error:
            self.close()
            self._slots[0].fail(error)
        except Exception as error:
            self._served.log(error, self._request)
            self.close()
            self._slots[0].fail(error)
        return True

    def _start(self) -> None:
        self._started = True
        hooks, served = self._served.hooks, self._served
        served.tell("on_before_predict")
        for slot in self._slots:
            outputs = hooks.predict(slot.input, slot.context)
            self._sources.append(outputs)
            self._open.append((slot, steps(hooks.encode(outputs, slot.context))))
        served.tell("on_after_predict")
        served.tell("on_before_encode_response")

    def close(self) -> None:
        """Closes the generators in the thread that steps them, so that their `finally` blocks run now."""
        for _, generator in self._open:
            _close(self._served, generator)
        for source in self._sources:
            _close(self._served, source)
        self._open = []
        self._sources = []


class BatchStream:
    """One generator for many requests: each step is a list, one element for each of them.

    A reader that does not read is waited for only when `backlog` chunks have gathered for it.
    """

    def __init__(self, served: Served, slots: List[Slot], backlog: int):
        self._served = served
        self._slots = slots
        self.requests = [slot.request for slot in slots]
        self._begun = False
        self._backlog = backlog
        self._generator: Any = None
        self._sources: List[Any] = []

    @property
    def stalled(self) -> bool:
        return any(slot.request.backlog >= self._backlog and not slot.request.cancelled for slot in self._slots)

    @property
    def cancelled(self) -> bool:
        return all(slot.request.cancelled for slot in self._slots)

    def step(self) -> bool:
        if self.cancelled:
            self.close()
            for slot in self._slots:
                slot.request.give_up("streaming")
            return True
        try:
            if self._generator is None:
                self._start()
            try:
                outputs = next(self._generator)
            except StopIteration:
                for slot in self._slots:
                    slot.end()
                self._served.tell("on_after_encode_response")
                self.close()
                return True
            if len(outputs) != len(self._slots):
                raise ValueError(f"a step of {len(outputs)} outputs for a batch of {len(self._slots)}")
            self._begun = True
            for slot, output in zip(self._slots, outputs):
                if slot.request.cancelled:
                    slot.request.give_up("streaming")
                else:
                    slot.put(output)
            return False
        except RequestCancelled:
            return self._stopped()
        except Exception as error:
            self.close()
            self._served.failed_together(self._slots, error)
        return True

    def _stopped(self) -> bool:
        """The model gave up. While nobody has seen anything of it, it begins anew for those who wait."""
        self.close()
        rest = self._served.stopped(self._slots, self._begun)
        self._slots = rest
        return not rest

    def _start(self) -> None:
        hooks, served = self._served.hooks, self._served
        contexts = hooks.contexts([slot.context for slot in self._slots])
        served.tell("on_before_predict")
        joined = hooks.batch([slot.input for slot in self._slots], contexts)
        outputs = hooks.predict(joined, contexts)
        self._sources.append(outputs)
        served.tell("on_after_predict")
        apart = hooks.unbatch(outputs, contexts)
        self._sources.append(apart)
        served.tell("on_before_encode_response")
        self._generator = steps(hooks.encode(apart, contexts))

    def close(self) -> None:
        for generator in [self._generator, *reversed(self._sources)]:
            _close(self._served, generator)
        self._generator = None
        self._sources = []


def steps(outputs: Any) -> Any:
    """The iterator that a hook returned; a hook that returned a value instead made one step."""
    if hasattr(outputs, "__next__"):
        return outputs
    return iter(outputs if isinstance(outputs, (list, tuple)) else [outputs])


def _close(served: Served, generator: Any) -> None:
    close = getattr(generator, "close", None)
    if close is None:
        return
    try:
        close()
    except (Exception, RequestCancelled) as error:
        served.log(error)
