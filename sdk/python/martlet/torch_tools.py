"""Stopping torch and Transformers between tokens and layers. Nothing here imports torch before it is used."""

import contextlib
from typing import Any, Iterator, List


class StoppingCriterion:
    """A stopping criterion of Transformers: one truth value for each row of the batch.

    Rows and contexts that do not pair up (beams) stop only when every request is cancelled.
    """

    def __init__(self, contexts: List[Any]):
        self._contexts = contexts

    def __call__(self, input_ids: Any, scores: Any = None, **_: Any) -> Any:
        import torch

        rows = int(input_ids.shape[0])
        if rows == len(self._contexts):
            stopped = [context.cancelled for context in self._contexts]
        else:
            stopped = [all(context.cancelled for context in self._contexts)] * rows
        return torch.tensor(stopped, dtype=torch.bool, device=input_ids.device)


@contextlib.contextmanager
def watch_module(module: Any, context: Any) -> Iterator[Any]:
    """Calls `context.check()` before each submodule's forward pass; raises `RequestCancelled` from there."""

    def check(*_: Any) -> None:
        context.check()

    handles = [part.register_forward_pre_hook(check) for part in module.modules()]
    try:
        yield module
    finally:
        for handle in handles:
            handle.remove()
