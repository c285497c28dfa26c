"""A backend that answers each path with the bytes of one case of answers.txt, and a client that hears what comes."""

import asyncio
import pathlib
import socket
import struct

import client
import corpus
import listening

FILE = pathlib.Path(__file__).with_name("answers.txt")
# What the backend answers to the question behind every case.
NEXT = b"HTTP/1.1 200 OK\r\nX-Next: yes\r\nContent-Length: 4\r\n\r\nnext"
# Of an answer's fields none of these may reach a client.
NEVER_PASSED = {"keep-alive", "proxy-connection", "te", "trailer", "upgrade", "proxy-authenticate", "x-hop"}


def cases():
    return list(corpus.read(FILE))


class Backend(listening.Listening):
    def __init__(self, cases):
        self.cases = cases

    async def converse(self, reader, writer):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split(b" ")[1].decode()
            if path == "/next":
                writer.write(NEXT)
            elif not await self.play(self.cases[int(path[1:])], writer):
                return
            await writer.drain()

    async def play(self, case, writer):
        """Answers as the case says; whether the connection stays."""
        for piece in [bytes([byte]) for byte in case.data] if "drip" in case.fields else [case.data]:
            writer.write(piece)
            await writer.drain()
            if "drip" in case.fields:
                await asyncio.sleep(0.001)
        if "reset" in case.fields:
            await asyncio.sleep(0.05)  # a reset overtakes what its receiver did not read yet
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return not {"close", "reset"}.intersection(case.fields)


async def judge(case, number, port, address):
    """What is wrong with what a client at this address hears of a case; empty as a rule."""
    method = "HEAD" if "head" in case.fields else "GET"
    peer = await client.Client.connect(port, address, [method, "GET"])
    try:
        await peer.send(f"{method} /{number} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        await peer.listen(until=1, quiet=3)
        status, _, size = case.outcome.partition(" ")
        if size == "cut":
            return cut(peer, int(status))
        found = list(whole(peer.heard, int(status), size))
        if not found and peer.end == "open":
            await peer.send(b"GET /next HTTP/1.1\r\nHost: a\r\n\r\n")
            await peer.listen(until=2, quiet=3)
            found += after(peer.heard)
        return "; ".join(found)
    finally:
        await peer.close()


def cut(peer, status):
    """The head came, and the end of the connection came before the end of the body."""
    head = bytes(peer.buffer).split(b" ")[1:2]
    if peer.answers or head != [str(status).encode()] or peer.end == "open":
        return f"not cut: {peer.heard}"[:300]
    return ""


def whole(heard, status, size):
    if heard.statuses != [status]:
        yield f"answers {heard.statuses}, not {status}; {heard.end}, {heard.rest[:100]!r}"
        return
    answer = heard.answers[0]
    if size and len(answer.body) != int(size):
        yield f"{len(answer.body)} bytes, not {size}"
    for name in NEVER_PASSED.intersection(answer.fields):
        yield f"{name} was passed on"
    if "content-length" in answer.fields and "transfer-encoding" in answer.fields:
        yield "two framings"


def after(heard):
    """The next answer on the connection must be the one to the next question."""
    if len(heard.answers) < 2 or heard.answers[1].body != b"next" or "x-next" not in heard.answers[1].fields:
        yield f"the next answer is {heard.answers[1:]}, {heard.rest[:100]!r}"
