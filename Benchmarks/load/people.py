"""Clients on raw sockets, which leave exactly when they are told to and know when that was.

`martlet load` makes the load; these make the moments: a close is one system call right after one reading of the clock.
"""

import asyncio
import dataclasses
import socket
import time

STREAM = '{"model":"mock","stream":true,"messages":[{"role":"user","content":"hello"}]}'
UNARY = '{"model":"mock","messages":[{"role":"user","content":"hello"}]}'


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


async def connect(port):
    loop = asyncio.get_running_loop()
    sock = socket.socket()
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        await loop.sock_connect(sock, ("127.0.0.1", port))
    except BaseException:
        sock.close()
        raise
    return sock


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


async def ask(port, payload, id="", seconds=30):
    """Sends and reads the whole answer, whose length must be stated, or the connection to its end."""
    visit, began = Visit(id), time.monotonic()
    try:
        await asyncio.wait_for(_ask(port, payload, visit), seconds)
    except asyncio.TimeoutError:
        visit.end = "timeout"
    except OSError as error:
        connecting = visit.end == "connecting"
        visit.end = "connect" if connecting else "reset"
        visit.head = visit.head or str(error)
    visit.seconds = time.monotonic() - began
    return visit


async def _ask(port, payload, visit):
    loop = asyncio.get_running_loop()
    visit.end = "connecting"
    sock = await connect(port)
    try:
        visit.end = "sending"
        await loop.sock_sendall(sock, payload)
        received = b""
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
