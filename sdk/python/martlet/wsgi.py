"""WSGI applications (Flask, Django, …) in a worker. Requests run one after the other; answers that are iterables of
many parts go out as they are made and take turns where `concurrent` is above 1."""

import io
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import unquote_to_bytes

from . import frames, log
from .asgi import METHODS, host_of
from .litapi import LitAPI
from .loops.calls import CallLoop
from .loops.prepare import Served
from .request import Request
from .watcher import Watcher


class WSGIApplication(LitAPI):
    """Everything below `api_path` goes to the application."""

    methods = METHODS

    def __init__(self, application: Callable[..., Any], api_path: str = "/*", concurrent: int = 1):
        super().__init__(api_path=api_path, stream=True, concurrent=concurrent)
        self.application = application

    def make_loop(self, served: Served, watcher: Watcher) -> "WSGILoop":
        return WSGILoop(served, watcher, self.application)


class WSGILoop(CallLoop):
    """The synchronous loop with applications' answers for streams."""

    def __init__(self, served: Served, watcher: Watcher, application: Callable[..., Any]):
        super().__init__(served, watcher)
        self._application = application

    def _begin(self, requests: List[Request]) -> None:
        for request in requests:
            if request.operation == "health":
                self._served.health(request, True)
            else:
                self._streams.append(Answer(self._served, request, self._application))


class Answer:
    """One call of the application and its answer, stepped part by part. Whole where it is one part."""

    def __init__(self, served: Served, request: Request, application: Callable[..., Any]):
        self._served = served
        self._request = request
        self._application = application
        self._parts: Optional[Iterator[bytes]] = None
        self._iterable: Any = None
        self._status = 200
        self._meta: Dict[str, Any] = {}
        self._first: Optional[bytes] = None
        self._begun = False
        self._written: List[bytes] = []

    @property
    def stalled(self) -> bool:
        return self._begun and self._request.stalled

    @property
    def cancelled(self) -> bool:
        return self._request.cancelled

    def step(self) -> bool:
        request = self._request
        if request.cancelled:
            self.close()
            request.give_up("streaming")
            return True
        try:
            if self._parts is None:
                self._iterable = self._application(environment(request), self._start_response)
                self._parts = iter(self._iterable)
            part = b"".join(self._written) or next(self._parts, None)
            self._written = []
            if part is None:
                self._end()
                return True
            self._put(part)
            return False
        except Exception as error:
            self._served.failed(request, error)
            self.close()
            return True

    def _put(self, part: bytes) -> None:
        if not part:
            return
        if self._first is None and not self._begun:
            # An answer of one part goes out whole: wait for the end or the second.
            self._first = part
            if self._is_stream():
                self._begin()
            return
        if not self._begun:
            self._begin()
        self._request.send(part)

    def _is_stream(self) -> bool:
        """Lists and tuples are all there; only what is made step by step must not wait for its second part."""
        return not isinstance(self._iterable, (list, tuple)) and "length" not in self._meta

    def _begin(self) -> None:
        self._begun = True
        self._request.begin(self._status, {key: value for key, value in self._meta.items() if key != "length"})
        if self._first is not None:
            self._request.send(self._first)

    def _end(self) -> None:
        if self._begun:
            self._request.send(b"", last=True)
        else:
            meta = {key: value for key, value in self._meta.items() if key != "length"}
            self._request.reply(self._status, frames.dump(meta), self._first or b"")
        self.close()

    def _start_response(
        self, status: str, headers: List[Tuple[str, str]], error: Any = None
    ) -> Callable[[bytes], None]:
        if error is not None and self._begun:
            raise error[1].with_traceback(error[2])
        self._status = int(status.split(" ", 1)[0])
        meta: Dict[str, Any] = {"type": "application/octet-stream"}
        others: List[List[str]] = []
        for name, text in headers:
            key = name.lower()
            if key == "content-type":
                meta["type"] = text
            elif key == "content-length":
                meta["length"] = text
            elif key not in ("transfer-encoding", "connection"):
                others.append([key, text])
        if others:
            meta["headers"] = others
        self._meta = meta
        return self._written.append

    def close(self) -> None:
        close = getattr(self._iterable, "close", None)
        self._iterable = None
        if close is not None:
            try:
                close()
            except Exception as error:
                self._served.log(error, self._request)


class _ErrorStream(io.TextIOBase):
    def write(self, text: str) -> int:
        if text.strip():
            log.line("error", text.rstrip())
        return len(text)


def environment(request: Request) -> Dict[str, Any]:
    """The request as WSGI says it."""
    meta = request.meta
    host, port = host_of(request)
    made: Dict[str, Any] = {
        "REQUEST_METHOD": meta.get("method") or "POST",
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(meta.get("path") or "/").decode("latin-1"),
        "QUERY_STRING": meta.get("query") or "",
        "SERVER_NAME": host,
        "SERVER_PORT": str(port),
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": meta.get("client") or "",
        "CONTENT_LENGTH": str(len(request.body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.headers.get("x-forwarded-proto") or "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": _ErrorStream(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    if request.body or "type" in meta:
        made["CONTENT_TYPE"] = request.content_type
    for name, text in request.headers.items():
        if name.lower() not in ("content-type", "content-length", "transfer-encoding"):
            made["HTTP_" + name.upper().replace("-", "_")] = text
    return made
