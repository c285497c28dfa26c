"""A client that sends bytes as they are, and reads the answers."""

import asyncio
import dataclasses
import random


@dataclasses.dataclass
class Answer:
    status: int
    fields: dict
    body: bytes


@dataclasses.dataclass
class Heard:
    answers: list
    # closed, reset, or open where the other side still waits.
    end: str
    # Bytes behind the last whole answer.
    rest: bytes

    @property
    def statuses(self):
        return [answer.status for answer in self.answers]


class Client:
    """One connection from a source address of its own."""

    def __init__(self, reader, writer, methods):
        self.reader, self.writer = reader, writer
        # Of the requests to come, in order: an answer to HEAD has no body.
        self.methods = list(methods)
        self.answers = []
        self.buffer = bytearray()
        self.end = "open"

    @classmethod
    async def connect(cls, port, address, methods=()):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
        return cls(reader, writer, methods)

    async def send(self, data, in_pieces=False):
        """All of it, or as much as the other side takes."""
        try:
            for piece in pieces(data) if in_pieces else [data]:
                self.writer.write(piece)
                await self.writer.drain()
                if in_pieces:
                    await asyncio.sleep(0.002)
        except ConnectionError:
            pass

    async def listen(self, until=None, quiet=None):
        """Reads to the end of the connection, to this many answers, or until nothing came for `quiet` seconds."""
        while self.end == "open" and (until is None or len(self.answers) < until):
            try:
                data = await asyncio.wait_for(self.reader.read(65536), quiet)
            except asyncio.TimeoutError:
                return
            except ConnectionError:
                self.end = "reset"
                return
            if not data:
                self.end = "closed"
            self.buffer += data
            while (answer := self.take()) is not None:
                if answer.status >= 200:
                    self.answers.append(answer)

    def take(self):
        """The next whole answer in the buffer."""
        head_end = self.buffer.find(b"\r\n\r\n")
        if head_end < 0:
            return None
        lines = bytes(self.buffer[:head_end]).decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) < 2 or not words[0].startswith("HTTP/1.") or not words[1].isdigit():
            return None
        status = int(words[1])
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        method = self.methods[len(self.answers)] if len(self.answers) < len(self.methods) else "GET"
        start = head_end + 4
        body = None
        if status < 200 or status in (204, 304) or method == "HEAD":
            end = start
        elif "content-length" in fields:
            end = start + int(fields["content-length"])
        elif fields.get("transfer-encoding") == "chunked":
            end, body = self.chunks(start)
        else:
            end = len(self.buffer) if self.end != "open" else None
        if end is None or end > len(self.buffer):
            return None
        answer = Answer(status, fields, bytes(self.buffer[start:end]) if body is None else body)
        del self.buffer[:end]
        return answer

    def chunks(self, index):
        """Where a chunked body ends, if it does, and what it says."""
        body = b""
        while (line_end := self.buffer.find(b"\r\n", index)) >= 0:
            size = int(bytes(self.buffer[index:line_end]).split(b";")[0], 16)
            body += self.buffer[line_end + 2 : line_end + 2 + size]
            index = line_end + 2 + size + 2
            if size == 0:
                return (index, body) if len(self.buffer) >= index else (None, body)
        return None, body

    async def close(self):
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            pass

    @property
    def heard(self):
        return Heard(self.answers, self.end, bytes(self.buffer))


def pieces(data):
    """The same bytes in two to five pieces, the same ones each time."""
    chooser = random.Random(data)
    cuts = sorted({chooser.randrange(1, max(2, len(data))) for _ in range(chooser.randint(1, 4))})
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)]) if start < end]
