"""A real model server (llama.cpp's own) behind Martlet: its slots say whether it still works for a client that left."""

import json
import re
import socket
import subprocess
import time

from support import HOME, MODEL_PYTHON, Child, Martlet, eventually, get, main

STORY = {"model": "smollm2", "max_tokens": 1500, "messages": [{"role": "user", "content": "Write a very long story."}]}
IDLE_WITHIN_SECONDS = 1


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def busy_slots(server: str) -> int:
    return sum(slot["is_processing"] for slot in json.loads(get(f"{server}/slots")))


class Caller:
    """One request on a connection of its own, that can leave at any moment."""

    def __init__(self, martlet: Martlet, **fields):
        body = json.dumps({**STORY, **fields}).encode()
        host, port = re.fullmatch(r"http://(.+):(\d+)", martlet.url).groups()
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
        self.socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    def reads(self, word: bytes) -> None:
        heard = b""
        while word not in heard:
            piece = self.socket.recv(65536)
            assert piece, heard
            heard += piece

    def leaves(self) -> None:
        self.socket.close()


def stops_when_the_client_leaves(martlet: Martlet, server: str) -> None:
    """For a stream: what is not streamed this server finishes whoever is left to read it, without a gateway too."""
    for _ in range(3):
        caller = Caller(martlet, stream=True)
        caller.reads(b"data: ")
        assert busy_slots(server) == 1, "the server works for the caller"
        began = time.monotonic()
        caller.leaves()
        eventually(lambda: busy_slots(server) == 0, IDLE_WITHIN_SECONDS, "the slot is free")
        print(f"idle {(time.monotonic() - began) * 1000:.0f} ms after the client left")
        martlet.wait_until_idle()


def check_closing_the_client_stops_a_plain_upstream() -> None:
    server = f"http://127.0.0.1:{(port := free_port())}"
    with Child([MODEL_PYTHON, HOME / "models/smollm2.py", "--port", port]) as model:
        model.prints(r"^(smollm2 listens)")
        with Martlet(arguments=("--upstream", server)) as martlet:
            eventually(lambda: martlet.status()["pools"][0]["targets"][0]["state"] == "up", 10, "the target is up")
            stops_when_the_client_leaves(martlet, server)
            listed = json.loads(get(f"{martlet.url}/v1/models"))["data"]
            assert [entry["id"] for entry in listed] == ["smollm2"], listed


def check_closing_the_client_stops_a_managed_backend() -> None:
    with Martlet() as martlet:
        martlet.wait_for("smollm2")
        [port] = [backend["port"] for backend in martlet.backends() if backend["name"] == "smollm2"]
        stops_when_the_client_leaves(martlet, f"http://127.0.0.1:{port}")


def check_one_that_leaves_the_queue_never_reaches_the_server() -> None:
    configuration = f"""
backends:
  smollm2: {{command: [{MODEL_PYTHON}, {HOME}/models/smollm2.py, --port, "{{port}}", --slots, 1]}}
pools:
  chat: {{targets: [{{backend: smollm2, max_inflight: 1}}]}}
"""
    with Martlet(configuration) as martlet:
        martlet.wait_for("chat")
        server = f"http://127.0.0.1:{martlet.backends()[0]['port']}"
        first = Caller(martlet, stream=True)
        first.reads(b"data: ")
        second = Caller(martlet, stream=True)
        eventually(lambda: martlet.pool("chat")["queued"]["interactive"] == 1, 2, "the second waits")
        [before] = [slot["id_task"] for slot in json.loads(get(f"{server}/slots"))]
        second.leaves()
        eventually(lambda: martlet.pool("chat")["queued"]["interactive"] == 0, 1, "its place is free")
        [after] = [slot["id_task"] for slot in json.loads(get(f"{server}/slots"))]
        assert before == after and busy_slots(server) == 1, "the first is still served, and only it"
        first.leaves()
        eventually(lambda: busy_slots(server) == 0, IDLE_WITHIN_SECONDS, "the slot is free")


def check_the_line_that_up_printed_works_when_pasted() -> None:
    with Martlet() as martlet:
        assert "tiny, English only" in martlet.text("stdout")
        martlet.wait_for("smollm2")
        line = martlet.prints(r"^(curl .*)$")
        pasted = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=30)
        events = re.findall(r"^data: (.*)$", pasted.stdout, re.MULTILINE)
        assert pasted.returncode == 0 and events[-1] == "[DONE]", pasted
        deltas = [choice["delta"] for event in events[:-1] for choice in json.loads(event)["choices"]]
        assert "".join(delta.get("content") or "" for delta in deltas).strip(), events


if __name__ == "__main__":
    main(globals())
