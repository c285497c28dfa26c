"""A backend that notes every request it is sent, as h11 reads it, and answers each with who sent it.

Whose request it was is told by `X-Forwarded-For`: the runner gives every case an address of its own on loopback, and
every server in front writes that field itself. A request without a known address was smuggled.
"""

import collections
import dataclasses

import h11

import listening

# A head as large as Martlet passes on.
LARGEST_HEAD = 256 << 10


@dataclasses.dataclass
class Message:
    method: str
    target: str
    fields: list
    body: int = 0
    is_whole: bool = False

    def __str__(self):
        return f"{self.method} {self.target} {self.body}"

    def values(self, name):
        return [value for key, value in self.fields if key == name]


class Recorder(listening.Listening):
    def __init__(self):
        self.messages = collections.defaultdict(list)
        # What h11 could not read.
        self.broken = []

    def of(self, address):
        """The requests that came from this address, those that never ended among them."""
        return self.messages.get(address, [])

    async def converse(self, reader, writer):
        connection = h11.Connection(h11.SERVER, max_incomplete_event_size=LARGEST_HEAD)
        message = None
        while True:
            try:
                event = connection.next_event()
            except h11.RemoteProtocolError as error:
                if connection.their_state is not h11.MUST_CLOSE and not self.is_cut(connection, error):
                    self.broken.append(f"{error}: {bytes(connection.trailing_data[0])[:200]!r}")
                return
            if event is h11.NEED_DATA:
                connection.receive_data(await reader.read(65536))
            elif isinstance(event, h11.Request):
                message = self.note(event)
            elif isinstance(event, h11.Data):
                message.body += len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                message.is_whole = True
                if message.method == "CONNECT" or not await self.answer(connection, message, writer):
                    return
            else:
                return

    @staticmethod
    def is_cut(connection, error):
        """The sender went away in the middle, as it should when its client's request turned out to be none."""
        return connection.trailing_data[1] and "closed" in str(error)

    def note(self, event):
        fields = [(name.decode(), value.decode("latin-1")) for name, value in event.headers]
        message = Message(event.method.decode(), event.target.decode(), fields)
        self.messages[", ".join(message.values("x-forwarded-for"))].append(message)
        return message

    async def answer(self, connection, message, writer):
        address = ", ".join(message.values("x-forwarded-for"))
        order = self.messages[address].index(message)
        head = h11.Response(
            status_code=200, headers=[("content-length", "2"), ("x-seen", f"{address}#{order} {message.method}")])
        writer.write(connection.send(head))
        writer.write(connection.send(h11.Data(b"" if message.method == "HEAD" else b"ok")) or b"")
        writer.write(connection.send(h11.EndOfMessage()) or b"")
        await writer.drain()
        if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
            return False
        connection.start_next_cycle()
        return True
