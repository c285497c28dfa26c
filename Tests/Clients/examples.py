"""The examples, each served as its README says and asked as its clients would. Run it with the examples' Python."""

import base64
import concurrent.futures
import contextlib
import http.client
import io
import json
import math
import os
import re
import socket
import struct
import subprocess
import sys
import time
import urllib.error
import urllib.request

from PIL import Image
from support import CHECK_SECONDS, HOME, Child, binary, eventually, main

EXAMPLES = HOME / "Examples"
TEXTS = [f"text number {number}: {'a cat sleeps on the warm roof. ' * (number % 3)}" for number in range(48)]


class Served:
    """`martlet serve` of one example."""

    def __init__(self, app: str, environment: dict | None = None):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        words = [binary(), "serve", str(EXAMPLES / app), "--port", self.port, "--console", "off"]
        self._child = Child([*words, "--python", sys.executable], {"MARTLET_HOME": str(HOME), **(environment or {})})

    def __enter__(self) -> "Served":
        self._child.__enter__()
        eventually(self._is_ready, 30, f"it serves: {self.log()[-2000:]}")
        return self

    def __exit__(self, *error) -> None:
        self._child.__exit__(*error)

    def _is_ready(self) -> bool:
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"{self.url}/readyz", timeout=5).status == 200
        return False

    def log(self) -> str:
        return self._child.text("stdout") + self._child.text("stderr")

    def asks(self, path: str, value=None, body: bytes = b"", kind: str = "application/json"):
        """Status and body."""
        sent = json.dumps(value).encode() if value is not None else body
        request = urllib.request.Request(self.url + path, sent, {"Content-Type": kind})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()

    def begins(self, path: str, value, lines: int) -> http.client.HTTPConnection:
        """A client of a stream that has read some lines of it."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        client.request("POST", path, json.dumps(value), {"Content-Type": "application/json"})
        answer = client.getresponse()
        assert answer.status == 200, answer.read()
        for _ in range(lines):
            assert answer.readline(), "the stream ended"
        # The answer shares the connection's socket.
        client.answer = answer
        return client


def leaves(client: http.client.HTTPConnection) -> None:
    client.answer.close()
    client.close()


def ended_chats(served: Served, count: int) -> list:
    """Tokens made and tokens asked for, of each chat, once the log tells of so many. A client may have its answer whole
    before the model's line is there."""

    def seen() -> list:
        return [tuple(map(int, found)) for found in re.findall(r"made (\d+) tokens of (\d+)", served.log())]

    eventually(lambda: len(seen()) >= count, 2, f"{count} chats end")
    return seen()


def story(words: str, limit: int, **more) -> dict:
    return {"messages": [{"role": "user", "content": words}], "max_tokens": limit, "temperature": 0, **more}


def check_chat_stops_when_the_client_leaves() -> None:
    path = "/v1/chat/completions"
    with Served("chat/model.py") as served:
        status, body = served.asks(path, story("Name three birds.", 8))
        whole = json.loads(body)
        assert (status, whole["usage"]["completion_tokens"]) == (200, 8), body
        assert ended_chats(served, 1) == [(8, 8)]
        for number in range(3):
            client = served.begins(path, story("Tell me a long story.", 900, stream=True), 6)
            began = time.monotonic()
            leaves(client)
            made, asked = ended_chats(served, number + 2)[-1]
            print(f"stopped {(time.monotonic() - began) * 1000:.0f} ms after the client left: {made} of {asked}")
            assert made < 100
        status, body = served.asks(path, story("word " * 4000, 8))
        assert status == 400 and b"context" in body, (status, body)


def check_a_chain_passes_the_news_on_that_its_client_left() -> None:
    with Served("chat/model.py") as chat, Served("chain/chain.py", {"CHAT_URL": chat.url}) as chain:
        status, body = chain.asks("/story/invoke", {"input": {"topic": "a swift"}})
        assert status == 200 and json.loads(body)["output"].strip(), body
        whole = ended_chats(chat, 1)[0][0]
        client = chain.begins("/story/stream", {"input": {"topic": "a swift"}}, 12)
        leaves(client)
        left = ended_chats(chat, 2)[1][0]
        print(f"whole: {whole} tokens; left: {left}")
        assert left < whole / 2
        schema = urllib.request.urlopen(f"{chain.url}/story/input_schema", timeout=10).read()
        assert "topic" in json.loads(schema)["properties"], schema
        page = urllib.request.urlopen(f"{chain.url}/story/playground/", timeout=10).read()
        assert b"<html" in page.lower()


def vector(served: Served, text) -> list:
    status, body = served.asks("/v1/embeddings", {"model": "e5", "input": text, "encoding_format": "base64"})
    assert status == 200, body
    found = [base64.b64decode(one["embedding"]) for one in json.loads(body)["data"]]
    return [struct.unpack(f"<{len(one) // 4}f", one) for one in found]


def likeness(one, other) -> float:
    return sum(a * b for a, b in zip(one, other)) / math.hypot(*one) / math.hypot(*other)


def check_embeddings_are_the_same_alone_and_in_a_batch() -> None:
    with Served("embeddings/model.py") as served:
        began = time.monotonic()
        alone = [vector(served, text)[0] for text in TEXTS]
        half = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            together = [one[0] for one in pool.map(lambda text: vector(served, text), TEXTS)]
        print(f"one after the other {half - began:.2f} s, at once {time.monotonic() - half:.2f} s")
        for one, other in zip(alone, together):
            assert likeness(one, other) > 0.99999
        listed = vector(served, TEXTS)
        assert all(likeness(one, other) > 0.99999 for one, other in zip(alone, listed))
        question, *answers = vector(served, ["年假有几天？", "服务器在端口8080上监听。", "员工每年享有十天带薪年假。"])
        assert likeness(question, answers[1]) > likeness(question, answers[0])


def form(content: bytes) -> dict:
    head = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p"\r\n\r\n'
    return {"body": head + content + b"\r\n--b--\r\n", "kind": "multipart/form-data; boundary=b"}


def check_both_image_services_answer_alike() -> None:
    made = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(made, "PNG")
    seen = []
    for app in ("images/model.py", "images/service.py:app"):
        with Served(app) as served:
            status, body = served.asks("/classify", **form(made.getvalue()))
            assert status == 200, body
            seen.append(json.loads(body))
            status, body = served.asks("/classify", **form(b"no picture"))
            assert status == (400 if app.endswith("model.py") else 500), (status, body)
    assert seen[0] == seen[1], seen


def check_image_services_under_clients_who_leave() -> None:
    hammer = [sys.executable, str(EXAMPLES / "images/hammer.py"), "--seconds", "4", "--check", "--only"]
    environment = {**os.environ, "MARTLET_BINARY": binary(), "MARTLET_HOME": str(HOME)}
    for name in ("Martlet, service.py", "Martlet, model.py"):
        run = subprocess.run(
            [*hammer, name], stdout=subprocess.PIPE, env=environment, text=True, timeout=CHECK_SECONDS / 2)
        print(run.stdout)
        assert run.returncode == 0


if __name__ == "__main__":
    main(globals())
