"""Clients that are slow on purpose, many of each kind at once, while others want to be served.

The limits of the run are a second each, so that it takes seconds. Every slow client must be gone soon after its second,
with the answer that is due to it; what it asked for must be called off; requests of others are answered meanwhile.
"""

import asyncio
import socket
import time

import client
import listening

CONFIGURATION = """
threads: 2
limits: {{header_timeout: 1s, body_grace: 1s, body_rate: 1000, keepalive: 1s, slow_reader: 1s}}
routes: [{{path: /, pool: backend}}]
pools:
  backend:
    health: off
    breaker: off
    keepalive: {{idle: 300ms}}
    targets: [{{url: "http://127.0.0.1:{port}", max_fails: 0}}]
"""
POST = b"POST /slow HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"

# What a client sends at once, what it sends a byte of ten times a second from then on, and the statuses it must get.
KINDS = {
    "sends nothing": (b"", b"", []),
    "stops in the head": (b"GET / HTTP/1.1\r\nHost:", b"", [408]),
    "drips the request line": (b"GET /", b"a", [408]),
    "drips a field": (b"GET / HTTP/1.1\r\nHost: a\r\nX: ", b"y", [408]),
    "drips fields": (b"GET / HTTP/1.1\r\nHost: a\r\n", b"X: y\r\n", [408]),
    "stops in the body": (POST + b"Content-Length: 50000\r\n\r\n{", b"", [408]),
    "drips the body": (POST + b"Content-Length: 50000\r\n\r\n", b"x", [408]),
    "drips a chunk": (CHUNKED + b"c350\r\n", b"x", [408]),
    "drips chunks": (CHUNKED, b"1\r\nx\r\n", [408]),
    "drips an extension": (CHUNKED + b"5;", b"a", [408]),
    "drips trailers": (CHUNKED + b"1\r\nx\r\n0\r\n", b"X: y\r\n", [408]),
    "idles behind a request": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"", [200]),
    "drips behind a request": (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"GET / HTTP/1.1\r\n", [200, 408]),
}
OF_EACH = 20
LATEST = 8  # seconds; the machine may be busy


class Backend(listening.Listening):
    """Answers everything at once, and /large with more than any buffer holds."""

    def __init__(self):
        self.large = self.called_off = 0

    async def converse(self, reader, writer):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"GET /large"):
                await self.flood(writer)
            if head.startswith(b"POST"):
                return await self.wait_for_the_rest(reader)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()

    @staticmethod
    async def wait_for_the_rest(reader):
        while await reader.read(65536):
            pass

    async def flood(self, writer):
        self.large += 1
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 268435456\r\n\r\n")
        try:
            for _ in range(4096):
                writer.write(bytes(65536))
                await writer.drain()
        except ConnectionError:
            self.called_off += 1
            raise


def addresses():
    """One for each client: what one address may have open at a time is not the matter here."""
    for number in range(250 * 250):
        yield f"127.200.{number // 250}.{1 + number % 250}"


async def is_slow(port, address, name):
    """What is wrong with the end of one slow client; empty as a rule."""
    first, drip, statuses = KINDS[name]
    peer = await client.Client.connect(port, address)
    began = time.monotonic()
    await peer.send(first)
    dripping = asyncio.create_task(keep_dripping(peer, drip))
    await peer.listen(quiet=LATEST + 1)
    dripping.cancel()
    took = time.monotonic() - began
    await peer.close()
    if peer.heard.statuses != statuses:
        return f"{name}: {peer.heard}"
    return f"{name}: gone after {took:.1f} s" if peer.end == "open" or not 0.8 < took < LATEST else ""


async def keep_dripping(peer, drip):
    while drip:
        for byte in drip:
            await peer.send(bytes([byte]))
            await asyncio.sleep(0.1)


async def reads_nothing(port, address):
    """Asks for much and takes none of it, until the connection is reset."""
    loop = asyncio.get_running_loop()
    with socket.socket() as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        peer.setblocking(False)
        peer.bind((address, 0))
        await loop.sock_connect(peer, ("127.0.0.1", port))
        await loop.sock_sendall(peer, b"GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        began = time.monotonic()
        while time.monotonic() - began < LATEST:
            await asyncio.sleep(0.1)
            if peer.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                return ""
    return "reads nothing: still there"


async def is_served(port, until):
    """One ordinary client after the other."""
    times = []
    while time.monotonic() < until:
        began = time.monotonic()
        peer = await client.Client.connect(port, "127.0.0.1")
        await peer.send(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        await peer.listen(quiet=LATEST)
        await peer.close()
        if peer.heard.statuses != [200]:
            return f"another request meanwhile: {peer.heard}"
        times.append(time.monotonic() - began)
        await asyncio.sleep(0.02)
    # Not the slowest: the machine may be busy with something else.
    usual = sorted(times)[len(times) // 2]
    return f"other requests took {usual:.1f} s as a rule" if usual > 1 else ""


async def judge(port, backend):
    """How many slow clients there were, and what went wrong."""
    own = addresses()
    slow = [is_slow(port, next(own), name) for name in KINDS for _ in range(OF_EACH)]
    stalled = [reads_nothing(port, next(own)) for _ in range(OF_EACH)]
    others = is_served(port, time.monotonic() + 3)
    found = [text for text in await asyncio.gather(*slow, *stalled, others) if text]
    if backend.large != OF_EACH or backend.called_off != OF_EACH:
        found.append(f"{backend.called_off} of {backend.large} answers that nobody took were called off")
    return len(slow) + len(stalled), found
