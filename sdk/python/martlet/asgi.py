"""ASGI applications (FastAPI, Starlette, …) in a worker: one task for each request, a lifespan, streamed answers."""

import asyncio
from typing import Any, Dict, List, Optional, Set
from urllib.parse import unquote

from . import frames
from .errors import RequestCancelled
from .litapi import LitAPI
from .loops.prepare import Served
from .loops.tasks import TaskLoop
from .request import Batch, Request
from .watcher import Watcher

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class ASGIApplication(LitAPI):
    """Everything below `api_path` goes to the application."""

    methods = METHODS

    def __init__(self, application: Any, api_path: str = "/*", concurrent: int = 256):
        super().__init__(api_path=api_path, stream=True, enable_async=True, concurrent=concurrent)
        self.application = application

    async def predict(self, x: Any) -> Any:
        raise NotImplementedError("an application answers by itself")

    def make_loop(self, served: Served, watcher: Watcher) -> "ASGILoop":
        return ASGILoop(served, watcher, self.application)


class ASGILoop(TaskLoop):
    def __init__(self, served: Served, watcher: Watcher, application: Any):
        super().__init__(served, watcher)
        self._application = application
        self._lifespan: Optional[Lifespan] = None

    async def open(self) -> None:
        if self._lifespan is None:
            self._lifespan = Lifespan(self._application)
            await self._lifespan.startup()

    async def close(self) -> None:
        if self._lifespan is not None:
            await self._lifespan.shutdown()

    async def work(self, batch: Batch) -> None:
        for request in batch.claim():
            await self._one(request)

    async def _one(self, request: Request) -> None:
        if request.operation == "health":
            self._served.health(request, True)
            return
        if not self._served.admits(request):
            self.flush()
            return
        exchange = Exchange(self, request)
        self.cancels(request, [request], first=lambda: self.soon(exchange.gone.set))
        try:
            await self._application(scope_of(request, self._lifespan), exchange.receive, exchange.send)
            exchange.finished()
        except asyncio.CancelledError:
            request.give_up("streaming")
        except RequestCancelled:
            request.give_up("computing")
        except Exception as error:
            self._served.failed(request, error)
        finally:
            self.flush()


class Exchange:
    """One request and its answer, as the application sees them."""

    def __init__(self, loop: ASGILoop, request: Request):
        self._loop = loop
        self._request = request
        self._sent_body = False
        self._status = 200
        self._meta: Dict[str, Any] = {}
        self._begun = False
        self._is_head = request.meta.get("method") == "HEAD"
        self._left_out = 0
        """Bytes of the body that a `HEAD` does not get."""
        self._done = asyncio.Event()
        self.gone = asyncio.Event()

    async def receive(self) -> Dict[str, Any]:
        if not self._sent_body:
            self._sent_body = True
            return {"type": "http.request", "body": self._request.body, "more_body": False}
        done = asyncio.ensure_future(self._done.wait())
        gone = asyncio.ensure_future(self.gone.wait())
        try:
            await asyncio.wait((done, gone), return_when=asyncio.FIRST_COMPLETED)
        finally:
            done.cancel()
            gone.cancel()
        return {"type": "http.disconnect"}

    async def send(self, message: Dict[str, Any]) -> None:
        request = self._request
        if message["type"] == "http.response.start":
            self._status = int(message["status"])
            headers = message.get("headers") or ()
            self._meta = meta_of(headers)
            if self._is_head:
                self._meta.update(("length", int(text)) for name, text in headers if name.lower() == b"content-length")
        elif message["type"] == "http.response.body":
            body = bytes(message.get("body") or b"")
            if self._is_head:
                self._left_out += len(body)
                if not message.get("more_body"):
                    self._end_head()
                return
            if not message.get("more_body"):
                self._last(body)
                return
            if not self._begun:
                self._begun = True
                request.begin(self._status, self._meta)
            if body:
                request.send(body)
                self._loop.flush()
                if request.stalled:
                    await self._loop.credit(request)

    def _last(self, body: bytes) -> None:
        if self._done.is_set():
            return
        self._done.set()
        if self._begun:
            self._request.send(body, last=True)
        else:
            self._request.reply(self._status, frames.dump(self._meta), body)
        self._loop.flush()

    def _end_head(self) -> None:
        if self._left_out:
            self._meta.setdefault("length", self._left_out)
        self._last(b"")

    def finished(self) -> None:
        """The application returned: an answer that it never ended is an error."""
        if not self._done.is_set():
            self._request.fail(500, "model_failed", "the application returned without an answer")


class Lifespan:
    """The application's start and end. One that knows no lifespan is none the worse."""

    def __init__(self, application: Any):
        self._application = application
        self._inbox: "asyncio.Queue[Dict[str, Any]]" = asyncio.Queue()
        self._started: "asyncio.Future[bool]" = asyncio.get_running_loop().create_future()
        self._stopped = asyncio.Event()
        self._task: Optional["asyncio.Task[None]"] = None
        self.state: Dict[str, Any] = {}

    async def startup(self) -> None:
        """Raises `RuntimeError` where the application says that it cannot start."""
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._inbox.put({"type": "lifespan.startup"})
        await self._started

    async def shutdown(self) -> None:
        if self._task is None or self._task.done():
            return
        await self._inbox.put({"type": "lifespan.shutdown"})
        try:
            await asyncio.wait_for(self._stopped.wait(), 10)
        except asyncio.TimeoutError:
            pass

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": self.state}
        try:
            await self._application(scope, self._inbox.get, self._send)
        except Exception:
            # An application that raises here does not support the lifespan; one that failed has said so by a message.
            pass
        finally:
            self._stopped.set()
            if not self._started.done():
                self._started.set_result(True)

    async def _send(self, message: Dict[str, Any]) -> None:
        if message["type"] == "lifespan.startup.complete" and not self._started.done():
            self._started.set_result(True)
        elif message["type"] == "lifespan.startup.failed" and not self._started.done():
            self._started.set_exception(RuntimeError(f"the application cannot start: {message.get('message', '')}"))
        elif message["type"].startswith("lifespan.shutdown"):
            self._stopped.set()


def scope_of(request: Request, lifespan: Optional[Lifespan]) -> Dict[str, Any]:
    """The request as ASGI says it."""
    meta = request.meta
    headers = [(b"content-type", request.content_type.encode("latin-1", "replace"))] if has_body(request) else []
    known: Set[str] = {"content-type", "content-length", "transfer-encoding"}
    for name, text in request.headers.items():
        if name.lower() not in known:
            headers.append((name.lower().encode("latin-1", "replace"), text.encode("latin-1", "replace")))
    headers.append((b"content-length", str(len(request.body)).encode()))
    path = meta.get("path") or "/"
    client = meta.get("client") or ""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": meta.get("method") or "POST",
        "scheme": request.headers.get("x-forwarded-proto") or "http",
        "path": unquote(path),
        "raw_path": path.encode("latin-1", "replace"),
        "query_string": (meta.get("query") or "").encode("latin-1", "replace"),
        "root_path": "",
        "headers": headers,
        "client": (client, 0) if client else None,
        "server": host_of(request),
        "state": dict(lifespan.state) if lifespan is not None else {},
        "extensions": {},
    }


def has_body(request: Request) -> bool:
    return bool(request.body) or "type" in request.meta


def host_of(request: Request) -> List[Any]:
    """Name and port that the client asked for."""
    host, _, port = (request.headers.get("host") or "localhost").rpartition(":")
    return [host, int(port)] if host and port.isdigit() else [host or port, 80]


def meta_of(headers: Any) -> Dict[str, Any]:
    """Type and headers of an answer from ASGI's pairs of bytes."""
    meta: Dict[str, Any] = {"type": "application/octet-stream"}
    others: List[List[str]] = []
    for name, text in headers:
        key, value = name.decode("latin-1").lower(), text.decode("latin-1")
        if key == "content-type":
            meta["type"] = value
        elif key not in ("content-length", "transfer-encoding", "connection"):
            others.append([key, value])
    if others:
        meta["headers"] = others
    return meta
