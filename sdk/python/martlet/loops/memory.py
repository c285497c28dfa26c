"""A batch that was too large for the device's memory is halved, and the limit remembered."""

import gc
import sys
from typing import Callable, List

from .. import frames
from ..errors import is_out_of_memory
from ..serving import Serving
from ..sinks import Slot, live


class BatchLimit:
    """How many inputs one call may have. Shrinks when memory runs out, never grows again in this process."""

    def __init__(self, serving: Serving, largest: int):
        self._serving = serving
        self.size = largest

    def groups(self, slots: List[Slot], compute: Callable[[List[Slot]], None]) -> None:
        """Computes all slots in groups of at most `size`. Errors other than too little memory come out as they are, for
        the group that was being computed; `compute` handles them."""
        waiting = slots
        while waiting:
            group, waiting = waiting[: self.size], waiting[self.size :]
            group = live(group)
            if not group:
                continue
            try:
                compute(group)
            except Exception as error:
                if len(group) == 1 or not is_out_of_memory(error):
                    raise
                self.shrink(len(group))
                waiting = group + waiting

    def shrink(self, failed: int) -> None:
        """A call with so many inputs did not fit."""
        self.size = max(1, failed // 2)
        self._serving.connection.post_control(frames.LIMIT, {"max_batch": self.size})
        self._serving.log("warning", f"out of device memory with a batch of {failed}; from now on {self.size}")
        free_memory()


def free_memory() -> None:
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()
