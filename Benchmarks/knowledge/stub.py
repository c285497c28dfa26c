"""stub.py PORT [SECONDS [PIECES]]: a chat model that answers every question from source 1 and cites it.

It thinks for so long (0) before its first piece, and says the rest in so many pieces (4), SECONDS / PIECES apart.
`GET /stats`: {"active", "most", "begun", "ended", "cancelled"}; cancelled: whoever asked went before the end.
"""

import asyncio
import json
import re
import sys

SOURCE = re.compile(r'<source-(\S+) n="1"[^>]*>\n?(.*?)</source-\1>', re.DOTALL)
SENTENCE = re.compile(r"[^\n]+?(?:[。！？!?]|\.(?=\s|$)|$)", re.MULTILINE)


class Model:
    def __init__(self, seconds, pieces):
        self.seconds, self.pieces = seconds, pieces
        self.stats = dict.fromkeys(("active", "most", "begun", "ended", "cancelled"), 0)

    async def connected(self, reader, writer):
        try:
            while await self.request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def request(self, reader, writer):
        """False: nothing more comes."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        length = re.search(r"content-length: *(\d+)", head)
        body = await reader.readexactly(int(length.group(1)) if length else 0)
        if head.startswith("get"):
            whole(writer, self.stats)
            await writer.drain()
            return True
        asked = json.loads(body)
        self.stats["begun"] += 1
        self.stats["active"] += 1
        self.stats["most"] = max(self.stats["most"], self.stats["active"])
        answer = asyncio.create_task(self.answer(asked, writer))
        # Nobody sends a second request before the first is answered: what can be read is the end.
        gone = asyncio.create_task(reader.read(1))
        await asyncio.wait([answer, gone], return_when=asyncio.FIRST_COMPLETED)
        for task in (answer, gone):
            task.cancel()
        ended, _ = await asyncio.gather(answer, gone, return_exceptions=True)
        if ended is not True:
            self.stats["active"] -= 1
            self.stats["cancelled"] += 1
        return ended is True

    async def answer(self, asked, writer):
        text = said(asked.get("messages", []))
        if not asked.get("stream"):
            await asyncio.sleep(self.seconds)
            return self.end(whole, writer, {"choices": [
                {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]})
        await asyncio.sleep(self.seconds)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        size = max(1, -(-len(text) // self.pieces))
        for start in range(0, len(text), size):
            if start:
                await asyncio.sleep(self.seconds / self.pieces)
            event(writer, {"content": text[start:start + size]}, None)
            await writer.drain()
        event(writer, {}, "stop")
        piece(writer, b"data: [DONE]\n\n")
        return self.end(writer.write, b"0\r\n\r\n")

    def end(self, write, *what):
        """Whoever has the last byte may ask again: it is counted before that is sent."""
        self.stats["active"] -= 1
        self.stats["ended"] += 1
        write(*what)
        return True


def said(messages):
    content = messages[-1]["content"] if messages else ""
    source = SOURCE.search(content if isinstance(content, str) else "")
    lines = [line for line in source.group(2).strip().split("\n") if line and line[0] != "#"] if source else []
    sentence = SENTENCE.search("\n".join(lines))
    return f"{sentence.group(0)} [1]" if sentence else "There is no source."


def whole(writer, value):
    body = json.dumps(value).encode()
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body))


def event(writer, delta, reason):
    chunk = {"id": "stub", "object": "chat.completion.chunk", "model": "stub", "choices": [
        {"index": 0, "delta": delta, "finish_reason": reason}]}
    piece(writer, f"data: {json.dumps(chunk)}\n\n".encode())


def piece(writer, data):
    writer.write(b"%x\r\n%s\r\n" % (len(data), data))


async def main(port, seconds=0.0, pieces=4):
    model = Model(float(seconds), int(pieces))
    server = await asyncio.start_server(model.connected, "127.0.0.1", int(port), backlog=4096)
    async with server:
        await server.serve_forever()


asyncio.run(main(*sys.argv[1:]))
