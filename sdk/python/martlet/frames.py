"""The bytes of the worker protocol WP/1: frames, items, and nothing else. Pure: no socket, no clock.

A frame is a header of 16 bytes and a payload. A control frame's payload is a JSON object or nothing; a data frame's is
`count` items, each a header of 20 bytes, a JSON object (the meta) and a body. All numbers are little-endian.
"""

import json
import struct
from typing import Any, List, Optional, Tuple

PROTOCOL = 1
MAX_BODIES = 65536
"""A frame carries at most so many bytes of bodies, so that no `CANCEL` waits long behind one."""
MAX_PAYLOAD = 1 << 20
"""A longer payload ends the connection."""

HELLO, EXEC, CANCEL, CREDIT, BODY, PING, DRAIN, RELEASE = range(1, 9)
READY, PROGRESS, RESULT, CHUNK, ERROR, PONG, CANCELLED, LOG, METRIC, LIMIT, RELEASED = range(65, 76)

LAST, MORE, SHM = 1, 2, 4

CREDIT_CHUNKS = 64
CREDIT_BYTES = 256 * 1024
"""What a request may send as chunks before the first `CREDIT`."""

_HEADER = struct.Struct("<IBBHQ")
_ITEM = struct.Struct("<QHHII")
_FROM_HOST = frozenset(range(HELLO, RELEASE + 1))
_DATA = frozenset((EXEC, CREDIT, BODY, RELEASE, RESULT, CHUNK, ERROR, CANCELLED, RELEASED))

pack_item_header = _ITEM.pack

Frame = Tuple[int, int, int, bytes]
"""Type, id, count, payload."""
Item = Tuple[int, int, int, bytes, bytes]
"""Request id, status, flags, meta, body."""


class ProtocolError(Exception):
    """The other side broke the protocol: the connection must end."""


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode


def dump(value: Any) -> bytes:
    """JSON as the protocol's metas and control payloads carry it."""
    return _encode(value).encode("utf-8", "replace")


def control(type: int, value: Optional[dict] = None, id: int = 0) -> bytes:
    """A whole control frame."""
    payload = dump(value) if value is not None else b""
    return _HEADER.pack(len(payload), type, 0, 0, id) + payload


def item(id: int, status: int, flags: int, meta: bytes, body: bytes) -> bytes:
    """One item of a data frame."""
    return pack_item_header(id, status, flags, len(meta), len(body)) + meta + body


def data(type: int, items: List[bytes], id: int = 0) -> bytes:
    """A whole data frame of items that `item` made."""
    payload = b"".join(items)
    return _HEADER.pack(len(payload), type, 0, len(items), id) + payload


def items(type: int, count: int, payload: bytes) -> List[Item]:
    """The items of a data frame. Raises `ProtocolError` where they do not fill it exactly or have unknown flags."""
    found: List[Item] = []
    at, end = 0, len(payload)
    for _ in range(count):
        if end - at < 20:
            raise ProtocolError("an item's header does not fit its frame")
        id, status, flags, meta_length, body_length = _ITEM.unpack_from(payload, at)
        at += 20
        if flags > 7:
            raise ProtocolError(f"an item with flags {flags}")
        if type in (CREDIT, RELEASE, RELEASED):
            # A number of bytes to send, or a generation: no bytes follow.
            found.append((id, status, meta_length, b"", b""))
            continue
        middle = at + meta_length
        last = middle + body_length
        if last > end:
            raise ProtocolError("an item does not fit its frame")
        found.append((id, status, flags, payload[at:middle], payload[middle:last]))
        at = last
    if at != end:
        raise ProtocolError("bytes after a frame's last item")
    return found


def load(payload: bytes) -> dict:
    """The object of a control payload or of a meta. Raises `ProtocolError` where it is none."""
    if not payload:
        return {}
    try:
        value = json.loads(payload)
    except ValueError as error:
        raise ProtocolError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise ProtocolError("not a JSON object")
    return value


class FrameReader:
    """Bytes in, whole frames out. `known` are the types that may come; others raise `ProtocolError`."""

    def __init__(self, known: frozenset = _FROM_HOST):
        self._known = known
        self._rest = b""

    def feed(self, received: bytes) -> List[Frame]:
        buffer = self._rest + received if self._rest else received
        frames: List[Frame] = []
        at, end = 0, len(buffer)
        while end - at >= 16:
            length, type, flags, count, id = _HEADER.unpack_from(buffer, at)
            if length > MAX_PAYLOAD:
                raise ProtocolError(f"a payload of {length} bytes")
            if type not in self._known:
                raise ProtocolError(f"a frame of unknown type {type}")
            if flags or (count == 0) == (type in _DATA):
                raise ProtocolError(f"a frame of type {type} with flags {flags} and {count} items")
            if end - at - 16 < length:
                break
            start = at + 16
            at = start + length
            frames.append((type, id, count, buffer[start:at]))
        self._rest = buffer[at:] if at else buffer
        return frames


FROM_WORKER = frozenset(range(READY, RELEASED + 1))
"""For a reader on Martlet's side (tests and other hosts)."""
