"""The server as a user's file describes it. Martlet runs it; in a worker it is a description and nothing more."""

import os
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Union

from . import launch
from .callbacks import CallbackRunner
from .litapi import LitAPI, is_continuous
from .loggers import Logger
from .pipeline import Pipeline

DEFAULT_BODY = 100 * 1024 * 1024


class Described(BaseException):
    """Ends the running of a user's file once its server is known. Not an error."""

    def __init__(self, server: "LitServer"):
        super().__init__()
        self.server = server


def _refuse(given: Mapping[str, bool]) -> None:
    """Raises `ValueError` where a server is given what only the stages of its pipelines can say."""
    wrong = [name for name, is_given in given.items() if is_given]
    if wrong:
        places = "workers_per_device and devices to the pipeline, all else to its stages"
        others = "for other APIs, workers_per_device as a map by path, and devices once each stage has its own"
        raise ValueError(f"{', '.join(wrong)} cannot stand beside a pipeline: give {places} ({others})")


def _refuse_idle_weight(api: LitAPI) -> None:
    """Raises `ValueError` where `batch_weight` would bound nothing."""
    if api.batch_weight is None:
        return
    if is_continuous(api):
        raise ValueError("batch_weight cannot stand beside continuous batching: has_capacity() says what has room")
    if api.max_batch_size == 1:
        raise ValueError("batch_weight needs a max_batch_size above 1: it bounds what goes into one batch")


class LitServer:
    """One or more APIs, each on a path of its own.

    Arguments:
        lit_api: a `LitAPI`, a `Pipeline`, or a list of them.
        accelerator: `auto`, `cpu`, `cuda` (or `gpu`), `mps`.
        devices: how many, a list of their numbers, or `auto` for all.
        workers_per_device: processes for each device: a number, a list in the order of the APIs, or a map by path.
        timeout: seconds a request may take, queue included; False or -1: no limit.
        healthcheck_path, info_path, shutdown_path: the server's own paths.
        model_metadata: what `info_path` says of the model.
        max_payload_size: bytes of a body, or text as in `"100MB"`.
        callbacks, loggers: see `Callback`, `Logger`.
        enable_shutdown_api: whether a POST to `shutdown_path` with the token of `LIT_SHUTDOWN_API_KEY` ends the server.
        disable_openapi_url: whether `/openapi.json` is left out.
        track_requests, fast_queue, restart_workers: accepted; Martlet counts requests, restarts workers and keeps its
            queue in one process in any case.
        middlewares: refused with a warning: Martlet's own settings do their work.

    Beside a pipeline, `devices` (unless each of its stages has its own), `workers_per_device` (but for a map by path of
    other APIs) and what concerns one API (`max_batch_size`, `batch_timeout`, `stream`, `api_path`, `spec`, `loop`) are
    refused: they are its stages' own.

    Raises `ValueError` where two APIs share a path or an argument makes no sense.
    """

    index: Optional[str] = None
    """What `/` answers; None: nothing is there."""

    def __init__(
        self,
        lit_api: Union[LitAPI, Pipeline, Sequence[Union[LitAPI, Pipeline]]],
        accelerator: str = "auto",
        devices: Union[int, str, Sequence[int]] = "auto",
        workers_per_device: Union[int, Sequence[int], Mapping[str, int]] = 1,
        timeout: Union[float, bool] = 30,
        healthcheck_path: str = "/health",
        info_path: str = "/info",
        shutdown_path: str = "/shutdown",
        enable_shutdown_api: bool = False,
        model_metadata: Optional[dict] = None,
        spec: Any = None,
        max_payload_size: Union[int, str, None] = None,
        track_requests: bool = False,
        callbacks: Any = None,
        middlewares: Any = None,
        loggers: Union[Logger, Sequence[Logger], None] = None,
        fast_queue: bool = False,
        disable_openapi_url: bool = False,
        max_batch_size: Optional[int] = None,
        batch_timeout: float = 0.0,
        stream: bool = False,
        api_path: Optional[str] = None,
        loop: Any = None,
        restart_workers: bool = False,
    ):
        given = [lit_api] if isinstance(lit_api, (LitAPI, Pipeline)) else list(lit_api)
        self._entries = [one.stages if isinstance(one, Pipeline) else [one] for one in given]
        self.apis: List[LitAPI] = [api for entry in self._entries for api in entry]
        if not self.apis:
            raise ValueError("a server needs at least one API")
        for path in (healthcheck_path, info_path, shutdown_path):
            if not path.startswith("/"):
                raise ValueError(f"the path {path!r} must start with '/'")
        if any(api._stage is not None for api in self.apis):
            _refuse(
                {
                    "max_batch_size": max_batch_size is not None,
                    "batch_timeout": bool(batch_timeout),
                    "stream": bool(stream),
                    "api_path": api_path is not None,
                    "spec": spec is not None,
                    "loop": loop is not None,
                    "devices": devices != "auto" and self._has_stages_without_devices(),
                    "workers_per_device": self._says_workers_of_stages(workers_per_device),
                }
            )
        for api in self.apis:
            if max_batch_size is not None:
                api.max_batch_size, api.batch_timeout = max_batch_size, batch_timeout
            if stream:
                api.stream = True
            if api_path is not None:
                api.api_path = api_path
            if spec is not None:
                api.spec = spec
            if loop is not None:
                api.loop = loop
            _refuse_idle_weight(api)
        self.version: Optional[str] = None
        """Of the code: what workers of one group must have in common. Set when the file is loaded."""
        self.accelerator = accelerator
        self.devices_wanted = devices
        self.workers_per_device = workers_per_device
        self.timeout = timeout
        self.healthcheck_path = healthcheck_path
        self.info_path = info_path
        self.shutdown_path = shutdown_path
        self.enable_shutdown_api = enable_shutdown_api
        self.disable_openapi_url = disable_openapi_url
        self.model_metadata = model_metadata
        self.max_payload_size = max_payload_size
        self.track_requests = track_requests
        self.callback_runner = CallbackRunner(callbacks)
        self.middlewares = middlewares
        self.loggers: List[Logger] = [loggers] if isinstance(loggers, Logger) else list(loggers or ())
        paths = [healthcheck_path, info_path]
        for api in self.apis:
            if api.api_path in paths:
                raise ValueError(f"the path {api.api_path} is in use already")
            paths.append(api.api_path)
            api._loggers = self.loggers

    def _says_workers_of_stages(self, workers: Union[int, Sequence[int], Mapping[str, int]]) -> bool:
        if isinstance(workers, Mapping):
            return any(api.api_path in workers for api in self.apis if api._stage is not None)
        return workers != 1

    def _has_stages_without_devices(self) -> bool:
        return any(api._stage is not None and api._stage.devices is None for api in self.apis)

    @property
    def lit_api(self) -> LitAPI:
        return self.apis[0]

    @property
    def devices(self) -> List[str]:
        """As `setup` gets them: `["cpu"]`, `["cuda:0", "cuda:1"]`."""
        return devices(self.accelerator, self.devices_wanted)

    def devices_of(self, api: LitAPI) -> List[str]:
        """Those of this API: a pipeline's stage may have its own."""
        stage = api._stage
        if stage is None or (stage.accelerator is None and stage.devices is None):
            return self.devices
        wanted = self.devices_wanted if stage.devices is None else stage.devices
        return devices(stage.accelerator or self.accelerator, wanted)

    def workers_of(self, api: LitAPI) -> int:
        """Processes for each device that serve this API."""
        if api._stage is not None:
            return int(api._stage.workers_per_device or 1)
        wanted = self.workers_per_device
        if isinstance(wanted, Mapping):
            return int(wanted.get(api.api_path, 1))
        if isinstance(wanted, Sequence):
            return int(wanted[self.apis.index(api)])
        return int(wanted)

    def run(
        self,
        host: str = "0.0.0.0",
        port: Union[int, str] = 8000,
        num_api_servers: Optional[int] = None,
        log_level: str = "info",
        **_: Any,
    ) -> NoReturn:
        """Serves. In a worker of Martlet's the running of the file ends here; otherwise this process becomes
        `martlet serve` for the file that was started.

        The program is `$MARTLET_BINARY`, else `martlet` on the search path; without one: `FileNotFoundError`.
        """
        if os.environ.get("MARTLET_WORKER"):
            raise Described(self)
        try:
            number = int(port)
        except ValueError:
            raise ValueError(f"port must be a number, not {port!r}") from None
        if not 1024 <= number <= 65535 and os.geteuid() != 0:
            raise ValueError("port must be between 1024 and 65535")
        self._launch(Path(sys.argv[0]).resolve(), host, number)

    def _launch(self, file: Path, host: str, port: int) -> NoReturn:
        launch.serve(file, host, port)

    def settings(self) -> Dict[str, Any]:
        """What Martlet must know of the whole server."""
        return {
            "health_path": self.healthcheck_path,
            "info_path": self.info_path,
            "shutdown_path": self.shutdown_path if self.enable_shutdown_api else None,
            "index": self.index,
            "openapi": not self.disable_openapi_url,
            "info": {
                "model": self.model_metadata,
                "server": {
                    "devices": self.devices,
                    "workers_per_device": self._workers_said(),
                    "timeout": self.timeout,
                    "stream": {entry[0].api_path: bool(entry[-1].stream) for entry in self._entries},
                    "max_payload_size": self.max_payload_size,
                    "track_requests": self.track_requests,
                },
            },
        }

    def _workers_said(self) -> Any:
        wanted = self.workers_per_device
        return dict(wanted) if isinstance(wanted, Mapping) else list(wanted) if isinstance(wanted, Sequence) else wanted


def bytes_of(size: Union[int, str, None]) -> Optional[int]:
    """`"10MB"` as a number of bytes; a unit is 1024 of the one before. Raises `ValueError` for anything else."""
    if size is None or isinstance(size, int):
        return size
    match = re.fullmatch(r"\s*([\d.]+)\s*([KMGT]?)I?B?\s*", size.upper())
    if match is None:
        raise ValueError(f"not a size: {size!r}")
    return int(float(match.group(1)) * 1024 ** " KMGT".index(match.group(2) or " "))


def devices(accelerator: str, wanted: Union[int, str, Sequence[int]]) -> List[str]:
    """The names of the devices to use. Raises `ValueError` for an accelerator that nobody knows."""
    if accelerator in ("auto", None):
        accelerator = "cuda" if nvidia_devices() else "cpu"
    if accelerator == "gpu":
        accelerator = "cuda" if nvidia_devices() or sys.platform != "darwin" else "mps"
    if accelerator not in ("cpu", "cuda", "mps"):
        raise ValueError(f"accelerator must be auto, cpu, cuda or mps, not {accelerator!r}")
    if accelerator == "cuda":
        if isinstance(wanted, (list, tuple)):
            return [f"cuda:{number}" for number in wanted]
        count = len(nvidia_devices()) if wanted == "auto" else int(wanted)  # type: ignore[arg-type]
        return [f"cuda:{number}" for number in range(max(1, count))]
    count = len(wanted) if isinstance(wanted, (list, tuple)) else 1 if wanted == "auto" else int(wanted)  # type: ignore
    return [accelerator] * max(1, count)


def nvidia_devices() -> List[str]:
    """The graphics cards that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [one for one in visible.split(",") if one.strip() and one.strip() != "-1"]
    try:
        return [name for name in os.listdir("/dev") if re.fullmatch(r"nvidia\d+", name)]
    except OSError:
        return []
