"""What LangServe does not do: when the reader of a stream leaves, whatever computes it stops."""

import http.client
import json
import re
import urllib.parse

from support import eventually

WITHIN_SECONDS = 2


def leave(url: str, path: str, body: dict, chunks: int = 3) -> None:
    """Reads some of a stream, then closes the connection."""
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=10)
    connection.request("POST", path, json.dumps(body), {"content-type": "application/json"})
    answer = connection.getresponse()
    text = b""
    while text.count(b"event: data") < chunks:
        piece = answer.read1(1 << 16)
        assert piece, f"the stream ended: {text!r}"
        text += piece
    answer.close()
    connection.close()


def steps(server, name: str) -> list:
    """What the generator `name` of `chains.py` printed so far, in the server's log."""
    return re.findall(rf"{name}: (\w+)", server.text("stdout") + server.text("stderr"))


def check(server) -> list:
    """What was seen, a line for each kind of runnable. Raises `AssertionError`."""
    seen = []
    for name, kind in (("slow_async", "an asynchronous generator"), ("slow_sync", "a plain generator"),
                       ("slow_model", "a chat model's plain stream, in a chain")):
        leave(server.url, f"/others/{name}/stream", {"input": "x"})
        eventually(lambda name=name: "closed" in steps(server, name), WITHIN_SECONDS, f"{name} is closed")
        after = len(steps(server, name))
        assert after < 60, f"{name} went on: {after} steps"
        seen.append(f"{kind} is closed when its reader leaves")
    return seen
