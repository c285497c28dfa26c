"""Several models one after the other behind one path, each in worker processes of its own."""

import dataclasses
from typing import Any, List, Optional, Sequence, Union

from .litapi import LitAPI


@dataclasses.dataclass(frozen=True)
class Stage:
    """What a pipeline says of one of its APIs."""

    index: int
    """Counted from 0. Clients ask the first one."""
    then: Optional[str]
    """The path of the next stage; None: the answer is the client's."""
    workers_per_device: Optional[int]
    accelerator: Optional[str]
    devices: Any


class Pipeline:
    """Stages that a request goes through one after the other: `Pipeline([Prepare(), Model()])`.

    Each stage is a `LitAPI` with worker processes, batches and a device of its own. The client's body goes to
    `decode_request` of the first; what `encode_response` of a stage returns is the body that `decode_request` of the
    next gets; what the last one returns is the client's answer. Between stages travel bytes, as they are, and what JSON
    can say as it is: dict, list, str, int, float, bool and None. Anything else fails the request. When the client
    leaves, the request is called off in the stage where it is.

    Arguments:
        stages: the APIs, at least one; only the last may stream, and none has a spec.
        api_path: where clients ask.
        workers_per_device, accelerator, devices: as of `LitServer`: one for all stages, or a list with one for each
            stage, as in `workers_per_device=[4, 1], accelerator=["cpu", "cuda"]`. Where nothing is said: one worker, the
            server's `accelerator`, all devices of that kind.

    Raises `ValueError` where an argument makes no sense.
    """

    def __init__(
        self,
        stages: Sequence[LitAPI],
        api_path: str = "/predict",
        workers_per_device: Union[int, Sequence[int], None] = None,
        accelerator: Union[str, Sequence[str], None] = None,
        devices: Any = None,
    ):
        self.stages: List[LitAPI] = list(stages)
        if not self.stages:
            raise ValueError("a pipeline needs at least one stage")
        if not api_path.startswith("/") or api_path.endswith("*") or "#" in api_path:
            raise ValueError("api_path must be one path that starts with '/', as in '/predict'")
        paths = [api_path] + [f"{api_path}#{number}" for number in range(2, len(self.stages) + 1)]
        workers = self._each("workers_per_device", workers_per_device)
        accelerators = self._each("accelerator", accelerator)
        places = self._each("devices", devices)
        for index, api in enumerate(self.stages):
            name = type(api).__name__
            is_last = index == len(self.stages) - 1
            if not isinstance(api, LitAPI):
                raise ValueError(f"{name} is no LitAPI")
            if api._stage is not None:
                raise ValueError(f"this {name} is a stage already: make one for each place")
            if api.spec is not None:
                raise ValueError(f"{name} has a spec: a stage of a pipeline cannot")
            if api.stream and not is_last:
                raise ValueError(f"{name} streams: only the last stage of a pipeline can")
            api.api_path = paths[index]
            api._stage = Stage(
                index, None if is_last else paths[index + 1], workers[index], accelerators[index], places[index]
            )

    def _each(self, name: str, given: Any) -> List[Any]:
        count = len(self.stages)
        if not isinstance(given, (list, tuple)):
            return [given] * count
        if len(given) != count:
            raise ValueError(f"{name} has {len(given)} values for {count} stages")
        return list(given)
