"""`ctx.http`: one small HTTP client for the whole worker, so that no request opens a pool of its own."""

import http.client
import json as json_module
import threading
from typing import Any, Dict, List, Mapping, Optional, Tuple
from urllib.parse import urlencode, urlsplit


class ClientResponse:
    """A whole answer. `status`, `headers` (names in lower case), `content` (bytes), `text`, `json()`."""

    def __init__(self, status: int, headers: Dict[str, str], content: bytes):
        self.status = self.status_code = status
        self.headers = headers
        self.content = content

    @property
    def text(self) -> str:
        return self.content.decode("utf-8", "replace")

    def json(self) -> Any:
        return json_module.loads(self.content)

    def raise_for_status(self) -> "ClientResponse":
        """Raises `OSError` where the status is 400 or more."""
        if self.status >= 400:
            raise OSError(f"HTTP status {self.status}: {self.text[:200]}")
        return self


class HTTPClient:
    """Keep-alive connections, at most `limit` idle ones for each origin. May be used from any thread.

    A request on a connection that turns out to be closed is sent once more on a new one, where no byte of an answer had
    come. `timeout` in seconds bounds each read and write. Raises `OSError` and `http.client.HTTPException`.
    """

    def __init__(self, limit: int = 8, timeout: float = 60.0):
        self._idle: Dict[Tuple[str, str], List[http.client.HTTPConnection]] = {}
        self._lock = threading.Lock()
        self._limit = limit
        self._timeout = timeout

    def get(self, url: str, **options: Any) -> ClientResponse:
        return self.request("GET", url, **options)

    def post(self, url: str, **options: Any) -> ClientResponse:
        return self.request("POST", url, **options)

    def request(
        self,
        method: str,
        url: str,
        *,
        json: Any = None,
        data: Any = None,
        params: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        timeout: Optional[float] = None,
    ) -> ClientResponse:
        """Sends one request and reads its whole answer. `data`: bytes, text, or a mapping (sent as a form)."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"not an http URL: {url}")
        path = parts.path or "/"
        query = "&".join(filter(None, (parts.query, urlencode(params or {}, doseq=True))))
        if query:
            path += "?" + query
        sent = {"Accept": "*/*", **(headers or {})}
        body = data
        if json is not None:
            body = json_module.dumps(json).encode()
            sent.setdefault("Content-Type", "application/json")
        elif isinstance(data, Mapping):
            body = urlencode(data, doseq=True).encode()
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        elif isinstance(data, str):
            body = data.encode()
        origin = (parts.scheme, parts.netloc)
        wait = timeout if timeout is not None else self._timeout
        connection = self._take(origin, wait)
        reused = connection.sock is not None
        try:
            try:
                response = self._send(connection, method, path, body, sent)
            except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
                if not reused:
                    raise
                connection.close()
                response = self._send(connection, method, path, body, sent)
            content = response.read()
        except BaseException:
            connection.close()
            raise
        if response.will_close:
            connection.close()
        else:
            self._give_back(origin, connection)
        return ClientResponse(response.status, {k.lower(): v for k, v in response.getheaders()}, content)

    @staticmethod
    def _send(
        connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        connection.request(method, path, body=body, headers=dict(headers))
        return connection.getresponse()

    def _take(self, origin: Tuple[str, str], timeout: float) -> http.client.HTTPConnection:
        with self._lock:
            idle = self._idle.get(origin)
            connection = idle.pop() if idle else None
        if connection is not None:
            connection.timeout = timeout
            if connection.sock is not None:
                connection.sock.settimeout(timeout)
            return connection
        kind = http.client.HTTPSConnection if origin[0] == "https" else http.client.HTTPConnection
        return kind(origin[1], timeout=timeout)

    def _give_back(self, origin: Tuple[str, str], connection: http.client.HTTPConnection) -> None:
        with self._lock:
            idle = self._idle.setdefault(origin, [])
            if len(idle) < self._limit:
                idle.append(connection)
                return
        connection.close()

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, {}
        for connections in idle.values():
            for connection in connections:
                connection.close()


_shared: Optional[HTTPClient] = None
_shared_lock = threading.Lock()


def shared() -> HTTPClient:
    """The worker's one client."""
    global _shared
    with _shared_lock:
        if _shared is None:
            _shared = HTTPClient()
        return _shared
