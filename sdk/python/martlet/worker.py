"""`python -m martlet.worker APP`: a worker of Martlet's. Standard input is its socket; see docs/worker-protocol.md."""

import asyncio
import faulthandler
import inspect
import io
import os
import platform
import signal
import sys
import traceback
from typing import Any, Dict, List, Optional, Tuple

from . import apps, frames, log
from ._version import __version__
from .arena import Arena
from .chains.chain import Chain
from .compat import used
from .connection import Connection
from .hooks import request_model
from .litapi import LitAPI, is_continuous
from .litserver import DEFAULT_BODY, LitServer, bytes_of
from .loops.calls import CallLoop
from .loops.continuous import ContinuousLoop
from .loops.coroutines import CoroutineLoop
from .loops.prepare import Served
from .serving import Serving, end_process
from .watcher import Watcher

COROUTINES = 256
"""How many batches an asynchronous API works on at once, where it does not say."""


def main(arguments: List[str]) -> None:
    if len(arguments) != 1 or not os.environ.get("MARTLET_WORKER"):
        sys.exit("usage: started by Martlet: MARTLET_WORKER=1 python -m martlet.worker APP")
    connection = Connection.from_standard_input()
    # Ctrl-C in a terminal reaches the workers too; it is Martlet that ends them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(line_buffering=True)
    try:
        hello, arena = first_frame(connection)
        status = work(connection, hello, arguments[0], arena)
    except EOFError:
        status = 0
    except frames.ProtocolError as error:
        print(f"martlet: {error}; ending", file=sys.stderr)
        status = 1
    end_process(status)


def first_frame(connection: Connection) -> Tuple[dict, Optional[Arena]]:
    """`HELLO`, and the memory that came with it. Raises `ProtocolError` where anything else comes first."""
    passed: Optional[int] = None
    while True:
        received, descriptor = connection.read_with_descriptor()
        passed = descriptor if descriptor is not None else passed
        if not received:
            continue
        type, _, _, payload = received[0]
        if type != frames.HELLO or len(received) != 1:
            raise frames.ProtocolError("the first frame was no HELLO")
        hello = frames.load(payload)
        if hello.get("protocol") != frames.PROTOCOL:
            raise frames.ProtocolError(f"Martlet speaks protocol {hello.get('protocol')}, this is {frames.PROTOCOL}")
        return hello, _arena(passed, hello)


def _arena(descriptor: Optional[int], hello: dict) -> Optional[Arena]:
    if descriptor is None:
        return None
    try:
        return Arena(descriptor, int(hello.get("shm") or 0))
    except (OSError, ValueError):
        # A limit on address space, perhaps: bodies go through the socket.
        return None


def work(connection: Connection, hello: dict, application: str, arena: Optional[Arena] = None) -> int:
    """Does what `HELLO` says; gives the status to end with."""
    serving = Serving(connection, arena)
    log.connect(serving)
    watcher = Watcher(serving)
    serving.busy = True
    watcher.start()
    try:
        server = _loaded(application)
        for package in used():
            log.line("notice", f"the application imports {package}: Martlet's compatible module stands in for it")
        _warn(server)
        if hello.get("purpose") == "describe":
            _ready(serving, watcher, server, server.apis)
            serving.busy = False
            while True:
                serving.read(serving.receipts)
        api = _wanted(server, hello.get("api"))
        _set_up(api, server, str(hello.get("device") or "cpu"))
        loop = _loop(Served(serving, api, server.callback_runner), watcher)
        if not hasattr(loop, "open"):
            _ready(serving, watcher, server, [api])
            serving.busy = False
            loop.run()
        else:
            asyncio.run(_run_tasks(loop, serving, watcher, server, api))
    except (EOFError, frames.ProtocolError):
        raise
    except BaseException:
        text = traceback.format_exc()
        sys.stderr.write(text)
        body = text.encode("utf-8", "replace")[-frames.MAX_BODIES :]
        meta = frames.dump({"code": "load_failed", "message": text.strip().rsplit("\n", 1)[-1], "scope": "item"})
        connection.post(frames.ERROR, frames.item(0, 500, 0, meta, body), len(body))
        connection.flush()
        return 1
    server.callback_runner.trigger_event("on_server_end", litserver=server)
    return 0


def _loaded(application: str) -> LitServer:
    """Where `martlet worker` started it, the tasks of the application; else what it serves."""
    if not os.environ.get("MARTLET_TASKS"):
        return apps.load(application)
    from .tasks import load

    return load.load(application)


async def _run_tasks(loop: Any, serving: Serving, watcher: Watcher, server: LitServer, api: LitAPI) -> None:
    await loop.open()
    _ready(serving, watcher, server, [api])
    serving.busy = False
    try:
        await loop.run()
    except EOFError:
        # Not by way of asyncio's own end, which waits for threads that users' code keeps busy.
        end_process(0)


def _wanted(server: LitServer, path: Optional[str]) -> LitAPI:
    for api in server.apis:
        if api.api_path == path or path is None:
            return api
    raise apps.NothingToServe(f"no API at {path}; there are {', '.join(api.api_path for api in server.apis)}")


def _set_up(api: LitAPI, server: LitServer, device: str) -> None:
    callbacks = server.callback_runner
    api.device = device
    callbacks.trigger_event("on_server_start", litserver=server)
    callbacks.trigger_event("on_before_setup", lit_api=api)
    api.setup(device)
    callbacks.trigger_event("on_after_setup", lit_api=api)


def _loop(served: Served, watcher: Watcher) -> Any:
    own = getattr(served.api, "make_loop", None)
    if own is not None:
        return own(served, watcher)
    if is_continuous(served.api):
        return ContinuousLoop(served, watcher)
    if served.api.enable_async:
        return CoroutineLoop(served, watcher)
    return CallLoop(served, watcher)


def _ready(serving: Serving, watcher: Watcher, server: LitServer, described: List[LitAPI]) -> None:
    watcher.loading = None
    ready = {
        "protocol": frames.PROTOCOL,
        "language": f"python {platform.python_version()}",
        "sdk": __version__,
        "pid": os.getpid(),
        "version": os.environ.get("MARTLET_APP_VERSION") or server.version or "",
        "apis": [describe(server, api) for api in described],
        "shm": serving.arena is not None,
        "settings": server.settings(),
    }
    _fit(ready)
    serving.connection.post_control(frames.READY, ready)
    serving.connection.flush()


def _fit(ready: Dict[str, Any]) -> None:
    """Leaves the schemas of chains out, those of the last ones first, until a frame can carry what is said."""
    for api in reversed(ready["apis"]):
        if len(frames.dump(ready)) <= frames.MAX_PAYLOAD:
            return
        if "chain" in api:
            api["chain"].update(input={}, output={}, config={})
            log.line("warning", f"the schemas of the chain at {api['path']} are not told: there are too many")


def describe(server: LitServer, api: LitAPI) -> Dict[str, Any]:
    """One API as `READY` says it."""
    timeout = api.timeout if api.timeout is not None else server.timeout
    unlimited = timeout is False or timeout is None or timeout == -1
    body = api.max_body if api.max_body is not None else bytes_of(server.max_payload_size)
    described: Dict[str, Any] = {
        "path": api.api_path,
        "methods": list(api.methods),
        "operation": api.operation,
        "stream": bool(api.stream),
        "max_batch": _batch(api),
        "batch_timeout_ms": round(api.batch_timeout * 1000, 3),
        "batch_weight": api.batch_weight,
        "weight_by": api.weight_by,
        "concurrent": _concurrent(api),
        "timeout_ms": None if unlimited else round(float(timeout) * 1000),
        "workers_per_device": server.workers_of(api),
        "devices": server.devices_of(api),
        "max_body": body if body is not None else DEFAULT_BODY,
        "authorizes": True,
        "authorizes_by_key": not getattr(api, "authorize", None),
        "schemas": _schemas(api),
    }
    if api._stage is not None:
        described["then"] = api._stage.then
    chain = getattr(api, "chain", None)
    if isinstance(chain, Chain):
        described["chain"] = chain.described()
    if api.mcp is not None:
        described["mcp"] = {
            "name": getattr(api.mcp, "name", None) or api.api_path.strip("/").replace("/", "_") or "predict",
            "description": getattr(api.mcp, "description", None) or inspect.getdoc(type(api)) or "",
            "schema": getattr(api.mcp, "input_schema", None) or described["schemas"].get("request") or {},
        }
    return described


def _batch(api: LitAPI) -> int:
    return 1 if is_continuous(api) else api.max_batch_size


def _concurrent(api: LitAPI) -> int:
    if api.concurrent is not None:
        return max(1, api.concurrent)
    if is_continuous(api):
        return max(api.max_batch_size, 1)
    return COROUTINES if api.enable_async else 1


def _schemas(api: LitAPI) -> Dict[str, Any]:
    """The JSON Schema of the request: the spec's, or that of the pydantic model that it is."""
    if api.spec is not None:
        return {"request": api.spec.request_schema} if getattr(api.spec, "request_schema", None) else {}
    model = request_model(api.decode_request)
    return {"request": model.model_json_schema()} if model is not None else {}


def _warn(server: LitServer) -> None:
    if server.middlewares:
        log.line("warning", "middlewares are not run: Martlet's own settings do their work")
    for api in server.apis:
        if api.loop not in (None, "auto") and not is_continuous(api):
            log.line("warning", f"the loop {type(api.loop).__name__} is not run: Martlet has loops of its own")


if __name__ == "__main__":
    main(sys.argv[1:])
