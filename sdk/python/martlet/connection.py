"""The socket to Martlet: reading whole frames, and writing many items with few system calls.

Posting an item does not write it. Items of one type share a frame while their bodies fit, and everything that is posted
goes out in one write at the next `flush`. Any thread may post and flush.
"""

import array
import os
import socket
import threading
import time
from typing import List, Optional, Tuple

from . import frames

READ_SIZE = 256 * 1024
FLUSH_BYTES = 16 * 1024
FLUSH_AFTER = 0.0005
"""A fast producer's items wait for each other at most so many seconds, or until `FLUSH_BYTES` are there."""

_FRAME_BYTES = 512 * 1024


class Connection:
    """One end of the socket pair. The descriptor is the caller's no more."""

    def __init__(self, sock: socket.socket):
        sock.setblocking(True)
        self._socket = sock
        self._reader = frames.FrameReader()
        self._room = memoryview(bytearray(READ_SIZE))
        """Read into each time: so much memory made anew for each read costs more than all else of a short item."""
        self._lock = threading.Lock()
        self._sealed: List[bytes] = []
        self._items: List[bytes] = []
        self._type = 0
        self._bodies = 0
        self._size = 0
        self.pending = 0
        """Bytes that are posted and not written."""
        self.written = 0.0
        """When the last write began, in `time.monotonic` seconds."""

    @classmethod
    def from_standard_input(cls) -> "Connection":
        """Takes the socket that Martlet passed as standard input, and leaves `/dev/null` there."""
        private = os.dup(0)
        os.set_inheritable(private, False)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        # A process that the model forks must not keep the connection open after this one's end.
        os.register_at_fork(after_in_child=lambda: os.close(private))
        return cls(socket.socket(fileno=private))

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def read_with_descriptor(self) -> Tuple[List[frames.Frame], Optional[int]]:
        """As `read` with `wait`, for what comes first: a descriptor may come with it, which is the caller's then."""
        try:
            received, passed, _, _ = self._socket.recvmsg(READ_SIZE, socket.CMSG_SPACE(4), socket.MSG_CMSG_CLOEXEC)
        except ConnectionError:
            raise EOFError from None
        descriptors = array.array("i")
        for level, type, data in passed:
            if (level, type) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                descriptors.frombytes(data[: len(data) // 4 * 4])
        if not received:
            raise EOFError
        return self._reader.feed(received), descriptors[0] if descriptors else None

    def read(self, wait: bool) -> List[frames.Frame]:
        """What has come. With `wait`, blocks until there are bytes (perhaps no whole frame yet).

        Raises `EOFError` at the end of the connection, `ProtocolError` on garbage.
        """
        try:
            count = self._socket.recv_into(self._room, 0, 0 if wait else socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return []
        except ConnectionError:
            count = 0
        if not count:
            raise EOFError
        return self._reader.feed(bytes(self._room[:count]))

    def post(self, type: int, item: bytes, body_length: int) -> None:
        """Puts one item into the next write. `body_length` is at most 64 KiB."""
        length = len(item)
        with self._lock:
            if (
                type != self._type
                or self._bodies + body_length > frames.MAX_BODIES
                or self._size + length > _FRAME_BYTES
                or len(self._items) == 0xFFFF
            ):
                self._seal()
                self._type = type
            self._items.append(item)
            self._bodies += body_length
            self._size += length
            self.pending += length

    def post_control(self, type: int, value: dict, id: int = 0) -> None:
        """Puts one control frame into the next write, after everything that is posted."""
        frame = frames.control(type, value, id)
        with self._lock:
            self._seal()
            self._sealed.append(frame)
            self.pending += len(frame)

    def _seal(self) -> None:
        if self._items:
            self._sealed.append(frames.data(self._type, self._items))
            self._items = []
            self._bodies = 0
            self._size = 0

    def flush(self) -> None:
        """Writes everything posted. Raises `EOFError` where Martlet is gone."""
        if not self.pending:
            return
        with self._lock:
            self._seal()
            out = b"".join(self._sealed)
            self._sealed.clear()
            self.pending = 0
            self.written = time.monotonic()
            try:
                self._socket.sendall(out)
            except OSError:
                raise EOFError from None

    def flush_if_due(self, now: float) -> None:
        """Writes where enough has gathered or the last write is long enough ago."""
        if self.pending >= FLUSH_BYTES or (self.pending and now - self.written >= FLUSH_AFTER):
            self.flush()
