"""WSGI applications (Flask, Django, …) in a worker: a small pool of threads, one request in each at a time. Answers
that are made part by part go out as they are made."""

import io
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple
from urllib.parse import unquote_to_bytes

from . import frames, log
from .asgi import METHODS, host_of
from .litapi import LitAPI
from .loops.prepare import Served
from .loops.tasks import TaskLoop
from .request import Batch, Request
from .watcher import Watcher


class WSGIApplication(LitAPI):
    """Everything below `api_path` goes to the application. `concurrent`: threads; 1 where its code wants no more."""

    methods = METHODS

    def __init__(self, application: Callable[..., Any], api_path: str = "/*", concurrent: int = 4):
        super().__init__(api_path=api_path, stream=True, concurrent=concurrent)
        self.application = application

    def make_loop(self, served: Served, watcher: Watcher) -> "WSGILoop":
        return WSGILoop(served, watcher, self.application)


class WSGILoop(TaskLoop):
    def __init__(self, served: Served, watcher: Watcher, application: Callable[..., Any]):
        super().__init__(served, watcher)
        self._application = application
        self._threads = max(1, served.api.concurrent or 1)
        self._pool = ThreadPoolExecutor(self._threads, "wsgi")

    async def work(self, batch: Batch) -> None:
        await self._loop.run_in_executor(self._pool, self._answer, batch)

    def _answer(self, batch: Batch) -> None:
        """In a thread of the pool. Until it comes to this, a request that is given up costs nothing."""
        for request in batch.claim():
            if request.operation == "health":
                self._served.health(request, True)
            elif self._served.admits(request):
                Answer(self._served, request).run(self._application, self._threads > 1)


class Answer:
    """One call of the application and its answer: whole where it is one part, else part by part."""

    def __init__(self, served: Served, request: Request):
        self._served = served
        self._request = request
        self._status = 200
        self._meta: Dict[str, Any] = {}
        self._whole = False
        self._head_length: Optional[int] = 0 if request.meta.get("method") == "HEAD" else None
        """Of what a `HEAD` leaves out, so far."""
        self._first: Optional[bytes] = None
        self._begun = False
        self._written: List[bytes] = []
        self._news = threading.Event()
        request.on_cancel = request.on_credit = self._news.set

    def run(self, application: Callable[..., Any], threads: bool) -> None:
        request = self._request
        iterable: Any = None
        try:
            iterable = application(environment(request, threads), self._start_response)
            self._whole = isinstance(iterable, (list, tuple)) or self._whole
            for part in self._parts(iterable):
                self._put(part)
                if request.cancelled:
                    break
            self._end()
        except Exception as error:
            self._served.failed(request, error)
        finally:
            self._close(iterable)

    def _parts(self, iterable: Any) -> Iterator[bytes]:
        """What was written by the old way first, then what the application returned."""
        yield from self._taken()
        for part in iterable:
            yield from self._taken()
            yield part

    def _taken(self) -> List[bytes]:
        taken, self._written = self._written, []
        return taken

    def _put(self, part: bytes) -> None:
        if not part:
            return
        if self._head_length is not None:
            self._head_length += len(part)
        elif self._begun:
            self._send(part)
        elif self._whole and self._first is None:
            # An answer of one part goes out whole: wait for the end or the second.
            self._first = part
        else:
            self._begun = True
            self._request.begin(self._status, self._meta)
            if self._first is not None:
                self._send(self._first)
            self._send(part)

    def _send(self, part: bytes) -> None:
        """Waits, in this thread alone, while the client does not read."""
        request = self._request
        request.send(part)
        self._served.serving.connection.flush()
        while request.stalled and not request.cancelled:
            self._news.clear()
            if request.stalled and not request.cancelled:
                self._news.wait()

    def _end(self) -> None:
        if self._begun:
            self._request.send(b"", last=True)
        else:
            if self._head_length:
                self._meta.setdefault("length", self._head_length)
            self._request.reply(self._status, frames.dump(self._meta), self._first or b"")

    def _start_response(
        self, status: str, headers: List[Tuple[str, str]], error: Any = None
    ) -> Callable[[bytes], None]:
        if error is not None and self._begun:
            raise error[1].with_traceback(error[2])
        self._status = int(status.split(" ", 1)[0])
        self._meta = {"type": "application/octet-stream"}
        others: List[List[str]] = []
        for name, text in headers:
            key = name.lower()
            if key == "content-type":
                self._meta["type"] = text
            elif key == "content-length":
                self._whole = True
                if self._head_length is not None and text.strip().isdecimal():
                    self._meta["length"] = int(text)
            elif key not in ("transfer-encoding", "connection"):
                others.append([key, text])
        if others:
            self._meta["headers"] = others
        return self._written.append

    def _close(self, iterable: Any) -> None:
        close = getattr(iterable, "close", None)
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


def environment(request: Request, threads: bool) -> Dict[str, Any]:
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
        "wsgi.multithread": threads,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
        "wsgi.input_terminated": True,
    }
    if request.body or "type" in meta:
        made["CONTENT_TYPE"] = request.content_type
    for name, text in request.headers.items():
        # A name with an underscore would be read as the one with a dash that a proxy may vouch for.
        if "_" not in name and name.lower() not in ("content-type", "content-length", "transfer-encoding"):
            made["HTTP_" + name.upper().replace("-", "_")] = text
    return made
