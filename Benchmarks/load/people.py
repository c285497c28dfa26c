"""Clients on raw sockets, which leave exactly when they are told to and know when that was.

`martlet load` makes the load; these make the moments: a close is one system call right after one reading of the clock.
And they can say when an answer was there, which on a machine without a free core is long before they get to read it:
the kernel stamps what comes in (`SO_TIMESTAMPING`), whoever computes at that moment.
"""

import asyncio
import contextlib
import dataclasses
import socket
import struct
import time

STREAM = '{"model":"mock","stream":true,"messages":[{"role":"user","content":"hello"}]}'
UNARY = '{"model":"mock","messages":[{"role":"user","content":"hello"}]}'

# linux/net_tstamp.h: stamps of what is received, made by the kernel, by CLOCK_REALTIME. Python has no names for them.
SO_TIMESTAMPING = 37
STAMPS = 1 << 3 | 1 << 4


@dataclasses.dataclass
class Visit:
    """What became of one client."""
    id: str
    status: int = 0
    head: str = ""
    bytes: int = 0
    # connect (refused, or no route), reset, closed, answered, left, timeout
    end: str = ""
    seconds: float = 0.0
    # Seconds from right before the request was sent until the first bytes of the answer had reached this machine's
    # socket, where that was asked for.
    reached_after: float = 0.0
    # CLOCK_MONOTONIC microseconds, right before the socket was closed.
    left_at: int = 0


def request(body, id="", path="/v1/chat/completions", fields=(), length=None):
    lines = [
        f"POST {path} HTTP/1.1", "host: bench", "content-type: application/json",
        f"content-length: {len(body) if length is None else length}"]
    if id:
        lines.append(f"x-mock-id: {id}")
    return "\r\n".join([*lines, *fields, "", body]).encode()


def microseconds():
    return time.monotonic_ns() // 1000


def realtime():
    """Nanoseconds of the clock that the kernel's stamps are of."""
    return time.clock_gettime_ns(time.CLOCK_REALTIME)


@contextlib.contextmanager
def stamps():
    """The kernel stamps what comes in as long as some socket wants it, and begins a moment after the first one does."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, STAMPS)
        yield


async def connect(port, stamped=False):
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if stamped:
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, STAMPS)
    try:
        await loop.sock_connect(sock, ("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return sock


async def first_bytes(sock):
    """The first of what comes, and when it reached the socket by the kernel's stamp (`realtime`). Where there is none,
    the time of reading stands for it: no answer looks earlier than it was.
    """
    loop = asyncio.get_running_loop()
    readable = loop.create_future()
    loop.add_reader(sock, lambda: readable.done() or readable.set_result(None))
    try:
        await readable
    finally:
        loop.remove_reader(sock)
    # The stamp is that of the last byte read: one byte has the stamp of the first segment, not of a later one.
    received, notes, _, _ = sock.recvmsg(1, socket.CMSG_SPACE(48))
    now = realtime()
    for level, type, data in notes:
        if (level, type) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
            seconds, nanoseconds = struct.unpack_from("@qq", data)
            return received, seconds * 10**9 + nanoseconds or now
    return received, now


async def leave(port, id, payload, after, once_answered=False):
    """Sends and leaves `after` seconds later; counted from the first byte of the answer with `once_answered`."""
    loop, visit = asyncio.get_running_loop(), Visit(id)
    try:
        sock = await connect(port)
    except OSError:
        visit.end = "connect"
        return visit
    try:
        await loop.sock_sendall(sock, payload)
        if once_answered:
            visit.bytes = len(await asyncio.wait_for(loop.sock_recv(sock, 65536), 20))
            if not visit.bytes:
                visit.end = "closed"
                return visit
        await asyncio.sleep(after)
        visit.end = "left"
    except OSError:
        visit.end = "reset"
    except asyncio.TimeoutError:
        visit.end = "timeout"
    finally:
        visit.left_at = microseconds()
        sock.close()
    return visit


async def ask(port, payload, id="", seconds=30, stamped=False):
    """Sends and reads the whole answer, whose length must be stated, or the connection to its end. With `stamped`, the
    visit knows when the answer was there (`reached_after`), not only when it was read.
    """
    visit, began = Visit(id), time.monotonic()
    try:
        await asyncio.wait_for(_ask(port, payload, visit, stamped), seconds)
    except asyncio.TimeoutError:
        visit.end = "timeout"
    except OSError as error:
        connecting = visit.end == "connecting"
        visit.end = "connect" if connecting else "reset"
        visit.head = visit.head or str(error)
    visit.seconds = time.monotonic() - began
    return visit


async def _ask(port, payload, visit, stamped):
    loop = asyncio.get_running_loop()
    visit.end = "connecting"
    sock = await connect(port, stamped)
    try:
        visit.end = "sending"
        sent = realtime()
        await loop.sock_sendall(sock, payload)
        received = b""
        if stamped:
            received, reached = await first_bytes(sock)
            if not received:
                visit.end = "closed"
                return
            visit.reached_after = (reached - sent) / 1e9
        while b"\r\n\r\n" not in received:
            piece = await loop.sock_recv(sock, 65536)
            if not piece:
                visit.end = "closed"
                return
            received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        visit.head = head.decode("latin-1").lower()
        visit.status = int(visit.head.split()[1])
        length = next(
            (int(line.split(":")[1]) for line in visit.head.split("\r\n") if line.startswith("content-length:")), None)
        visit.bytes = len(body)
        while length is None or visit.bytes < length:
            piece = await loop.sock_recv(sock, 65536)
            if not piece:
                break
            visit.bytes += len(piece)
        visit.end = "answered" if length is None or visit.bytes == length else "closed"
    finally:
        sock.close()


def as_report(visits):
    """The visits in the form of a load report, for the ledger."""
    ends = {end: sum(visit.end == end for visit in visits) for end in {visit.end for visit in visits}}
    statuses = {}
    for visit in visits:
        if visit.end == "answered":
            statuses[str(visit.status)] = statuses.get(str(visit.status), 0) + 1
    return {
        "requests": len(visits), "completed": ends.get("answered", 0), "left": ends.get("left", 0), "unfinished": 0,
        "statuses": statuses,
        "failures": {
            "connect": ends.get("connect", 0), "reset": ends.get("reset", 0) + ends.get("closed", 0),
            "timeout": ends.get("timeout", 0)}}
