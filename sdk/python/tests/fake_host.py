"""Martlet's side of the protocol, for tests: starts a real worker process and speaks to it over a socket pair."""

import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
from collections import deque
from pathlib import Path
from typing import Any, Deque, Dict, List, NamedTuple, Optional, Sequence, Tuple

START = "import sys; sys.path = [one for one in sys.path if one]; from martlet.worker import main; main(sys.argv[1:])"
"""As Martlet starts a worker: the working directory is not searched for modules before the application asks for it."""
SDK = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SDK))

from martlet import frames  # noqa: E402


class Got(NamedTuple):
    """One item or control frame from the worker."""

    type: int
    id: int
    status: int
    flags: int
    meta: dict
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class FakeHost:
    """Use as a context manager. `others`: files beside the application, by name. `command`: a worker that is another
    program. Every wait has a limit and fails with what the worker printed."""

    def __init__(
        self,
        source: str,
        api: Optional[str] = None,
        purpose: str = "serve",
        name: str = "model.py",
        application: Optional[str] = None,
        device: str = "cpu",
        environment: Optional[Dict[str, str]] = None,
        hello: bool = True,
        others: Optional[Dict[str, str]] = None,
        command: Optional[List[str]] = None,
    ):
        self._folder = tempfile.TemporaryDirectory()
        path = Path(self._folder.name) / name
        path.write_text(textwrap.dedent(source))
        for other, text in (others or {}).items():
            beside = Path(self._folder.name) / other
            beside.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(textwrap.dedent(text))
        self.folder = Path(self._folder.name)
        self._output = open(self.folder / "output", "wb")
        self.socket, other = socket.socketpair()
        words = command or [sys.executable, "-c", START, application or str(path)]
        variables = {**os.environ, "MARTLET_WORKER": "1", "PYTHONPATH": str(SDK), **(environment or {})}
        self.process = subprocess.Popen(
            words, stdin=other, stdout=self._output, stderr=self._output, env=variables, cwd=self.folder
        )
        other.close()
        self._reader = frames.FrameReader(frames.FROM_WORKER)
        self._got: Deque[Got] = deque()
        self.logs: List[dict] = []
        self.metrics: List[dict] = []
        self.ended: List[int] = []
        self._next = 0
        if hello:
            said = {"protocol": 1, "worker": "test/0", "app": name, "purpose": purpose, "device": device}
            self.control(frames.HELLO, {**said, "api": api, "max_frame": 65536, "settings": {}})
            self.ready = self.take(frames.READY, frames.ERROR, wait=30)

    def __enter__(self) -> "FakeHost":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError("the worker outlived its socket") from None
        finally:
            self._output.close()
            self._folder.cleanup()

    def output(self) -> str:
        return (self.folder / "output").read_text()

    # Sending.

    def control(self, type: int, value: Optional[dict] = None, id: int = 0) -> None:
        self.socket.sendall(frames.control(type, value, id))

    def batch(self, requests: Sequence[Tuple[dict, bytes]]) -> List[int]:
        """One `EXEC`; gives the ids."""
        ids, items = [], []
        for meta, body in requests:
            self._next += 1
            ids.append(self._next)
            items.append(frames.item(self._next, 0, 0, frames.dump(meta) if meta else b"", body))
        self.socket.sendall(frames.data(frames.EXEC, items, id=self._next))
        return ids

    def execute(self, value: Any = None, body: Optional[bytes] = None, **meta: Any) -> int:
        raw = body if body is not None else json.dumps(value).encode()
        if len(raw) <= frames.MAX_BODIES:
            return self.batch([(meta, raw)])[0]
        self._next += 1
        for start in range(0, len(raw), frames.MAX_BODIES):
            more = frames.MORE if start + frames.MAX_BODIES < len(raw) else 0
            said = frames.dump(meta) if start == 0 else b""
            piece = frames.item(self._next, 0, more, said, raw[start : start + frames.MAX_BODIES])
            self.socket.sendall(frames.data(frames.BODY if start else frames.EXEC, [piece]))
        return self._next

    def cancel(self, *ids: int, reason: str = "disconnect") -> None:
        self.control(frames.CANCEL, {"ids": list(ids), "reason": reason})

    def grant(self, id: int, chunks: int, bytes: int) -> None:
        header = frames.pack_item_header(id, chunks, 0, bytes, 0)
        self.socket.sendall(frames.data(frames.CREDIT, [header]))

    # Receiving.

    def next(self, wait: float = 10) -> Got:
        """The next frame or item that is no log line."""
        until = time.monotonic() + wait
        while not self._got:
            left = until - time.monotonic()
            if left <= 0 or not select.select([self.socket], [], [], left)[0]:
                raise AssertionError(f"the worker said nothing for {wait} s; it printed:\n{self.output()}")
            received = self.socket.recv(1 << 20)
            if not received:
                raise EOFError(self.output())
            for type, id, count, payload in self._reader.feed(received):
                self._sort(type, id, count, payload)
        return self._got.popleft()

    def _sort(self, type: int, id: int, count: int, payload: bytes) -> None:
        if type == frames.LOG:
            self.logs.append(json.loads(payload))
        elif type == frames.METRIC:
            self.metrics.append(json.loads(payload))
        elif type in (frames.READY, frames.PROGRESS, frames.PONG, frames.LIMIT):
            self._got.append(Got(type, id, 0, 0, json.loads(payload), b""))
        else:
            for item, status, flags, meta, body in frames.items(type, count, payload):
                if type != frames.RELEASED and (type != frames.CHUNK or flags & frames.LAST):
                    if item in self.ended:
                        raise AssertionError(f"a second end of request {item}")
                    self.ended.append(item)
                self._got.append(Got(type, item, status, flags, json.loads(meta or b"{}"), body))

    def take(self, *types: int, wait: float = 10) -> Got:
        """The next of these types; `PROGRESS` is skipped."""
        while True:
            got = self.next(wait)
            if got.type in types:
                return got
            if got.type != frames.PROGRESS:
                raise AssertionError(f"not expected: {got}; the worker printed:\n{self.output()}")

    def result(self, value: Any = None, body: Optional[bytes] = None, **meta: Any) -> Any:
        """The JSON that one request is answered with."""
        self.execute(value, body, **meta)
        return self.take(frames.RESULT).json()

    def stream(self, id: int, wait: float = 10) -> List[Got]:
        """All chunks of a request, granting as it goes."""
        chunks: List[Got] = []
        while True:
            got = self.take(frames.CHUNK, frames.ERROR, wait=wait)
            if got.id != id:
                raise AssertionError(f"a chunk of request {got.id}")
            chunks.append(got)
            if got.type == frames.ERROR or got.flags & frames.LAST:
                return chunks
            self.grant(id, 1, len(got.body))

    def ping(self, wait: float = 2) -> dict:
        self.control(frames.PING, id=77)
        got = self.take(frames.PONG, wait=wait)
        assert got.id == 77
        return got.meta
