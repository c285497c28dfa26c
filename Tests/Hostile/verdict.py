"""What the corpus says of a case, and whether Martlet does it."""

import dataclasses

# The statuses of `MartletError.Code`.
STATUS = {
    "bad_request": 400,
    "method_not_allowed": 405,
    "body_too_large": 413,
    "uri_too_long": 414,
    "expectation_failed": 417,
    "headers_too_large": 431,
    "transfer_coding_not_supported": 501,
    "http_version_not_supported": 505,
}

# Of a request's fields none of these may reach a backend; what frames the message is checked by h11.
NEVER_PASSED = {
    "connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade", "http2-settings",
    "proxy-authorization", "proxy-authenticate", "expect", "forwarded", "x-forwarded-host", "x-forwarded-port",
}

PROBE = b"GET /probe HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
PROBED = "GET /probe 0"


@dataclasses.dataclass
class Expected:
    """An outcome of the corpus in parts."""

    messages: list
    closes: bool = False
    status: int = 0
    waits: bool = False

    @classmethod
    def of(cls, outcome):
        expected = cls([])
        for part in outcome.split("; "):
            if part == "...":
                expected.waits = True
            elif part.startswith("!"):
                expected.status = STATUS[part[1:]]
            else:
                expected.closes = part.endswith("+close") or is_for_the_server(part)
                expected.messages.append(part.removesuffix("+close"))
        return expected

    @property
    def methods(self):
        return [message.split(" ")[0] for message in self.messages]

    @property
    def keeps(self):
        """Whether the connection serves another request afterwards."""
        return not (self.closes or self.status or self.waits)

    @property
    def statuses(self):
        passed = [404 if is_for_the_server(message) else 200 for message in self.messages]
        return passed + ([self.status] if self.status else [])

    @property
    def passed(self):
        return [message for message in self.messages if not is_for_the_server(message)]


def is_for_the_server(message):
    """Asks for no resource: answered with 404 and closed, because no route of the run has the path `*`."""
    return message == "OPTIONS * 0"


async def play(case, expected, client, in_pieces):
    """Sends the case, then, where the connection should serve on, one more request that must be read as itself."""
    await client.send(case.data, in_pieces)
    await client.listen(until=len(expected.statuses), quiet=2)
    if expected.keeps:
        await client.send(PROBE)
        await client.listen(quiet=2)
    else:
        await client.listen(quiet=0.2 if expected.waits else 2)


def faults(case, expected, heard, messages, address, in_pieces):
    """What is wrong with how Martlet treated the case; nothing as a rule."""
    probe = [200] if expected.keeps else []
    if heard.statuses != expected.statuses + probe:
        yield f"answers {heard.statuses}, not {expected.statuses + probe}"
    ends = ["open" if expected.waits else "closed"]
    # A piece that comes behind the request that ends the connection meets a closed socket: TCP answers with a reset.
    if in_pieces and expected.closes:
        ends.append("reset")
    if heard.end not in ends:
        yield f"connection {heard.end}, not {ends[0]}"
    if heard.rest:
        yield f"bytes behind the answers: {heard.rest[:80]!r}"
    whole = [message for message in messages if message.is_whole]
    wanted = expected.passed + ([PROBED] if expected.keeps else [])
    if [str(message) for message in whole] != wanted:
        yield f"backend saw {[str(message)[:200] for message in whole]}, not {wanted}"
    if len(whole) < len(messages) and not (expected.status or expected.waits):
        yield "backend saw a request that never ended"
    seen = [answer.fields.get("x-seen") for answer in heard.answers if answer.status == 200]
    if seen != [f"{address}#{order} {message.method}" for order, message in enumerate(whole)]:
        yield f"answers of others: {seen}"
    for message in messages:
        for name in NEVER_PASSED.intersection(name for name, _ in message.fields):
            yield f"{name} was passed on"
    if case.fields and whole:
        last = whole[len(expected.passed) - 1]
        for field in case.fields:
            if bool(last.values(field[1:])) != (field[0] == "+"):
                yield f"{field[1:]}: {last.values(field[1:])}"
