"""The memory that Martlet shares with this worker, for bodies that are too long for a frame.

Bodies from Martlet lie in its first half, bodies to Martlet in the second. Whoever puts a body there keeps the books of
its half; the other one says when it has read it. A body that finds no room goes through the socket.
"""

import mmap
import os
import struct
import sys
import threading
from typing import Dict, List, Optional, Tuple

from . import frames

_REFERENCE = struct.Struct("<QQI")
_PAGE = 4096


class Arena:
    """`half`: bytes for each direction. The descriptor is the caller's no more. Raises `OSError`, `ValueError`."""

    def __init__(self, descriptor: int, half: int):
        try:
            # Else the mapping keeps a descriptor of its own.
            options = {"trackfd": False} if sys.version_info >= (3, 13) else {}
            self._memory = mmap.mmap(descriptor, 2 * half, **options)
        finally:
            os.close(descriptor)
        self._half = half
        self._lock = threading.Lock()
        self._free: List[Tuple[int, int]] = [(half, 2 * half)]
        """From where to where nothing lies, in order."""
        self._used: Dict[int, Tuple[int, int]] = {}
        """The end and the generation of each body, by its place."""
        self._generation = 0

    def take(self, reference: bytes) -> Tuple[bytes, int, int]:
        """A copy of a body from Martlet; its place and generation, to be released. Raises `ProtocolError`."""
        if len(reference) != _REFERENCE.size:
            raise frames.ProtocolError("not a place in the shared memory")
        start, length, generation = _REFERENCE.unpack(reference)
        if start + length > self._half:
            raise frames.ProtocolError("a body outside the shared memory")
        return self._memory[start : start + length], start, generation

    def put(self, body: bytes) -> Optional[bytes]:
        """Puts a body there; what to send in its place, or None where there is no room."""
        length = len(body)
        with self._lock:
            start = self._allocate(length)
            if start is None:
                return None
            generation = self._generation
        self._memory[start : start + length] = body
        return _REFERENCE.pack(start, length, generation)

    def release(self, start: int, generation: int) -> None:
        """Martlet has read the body that lies at `start`."""
        with self._lock:
            end, there = self._used.get(start, (0, -1))
            if there != generation:
                return
            del self._used[start]
            self._free.append((start, end))
            self._free.sort()
            joined = [self._free[0]]
            for free in self._free[1:]:
                if free[0] == joined[-1][1]:
                    joined[-1] = (joined[-1][0], free[1])
                else:
                    joined.append(free)
            self._free = joined

    def _allocate(self, length: int) -> Optional[int]:
        """First fit, in whole pages: what is used often stays the same memory."""
        size = -(-length // _PAGE) * _PAGE
        for index, (start, end) in enumerate(self._free):
            if end - start < size:
                continue
            if end - start == size:
                del self._free[index]
            else:
                self._free[index] = (start + size, end)
            self._generation = (self._generation + 1) & 0xFFFFFFFF
            self._used[start] = (start + size, self._generation)
            return start
        return None
