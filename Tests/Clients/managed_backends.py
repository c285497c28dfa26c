"""Model processes that Martlet runs: replaced when they die or hang, gone when it is, and without its sockets."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import threading
import urllib.request

from support import HOME, MODEL_PYTHON, Martlet, eventually, main

INSTANCES = 2
CONFIGURATION = f"""
backends:
  e5:
    command: [{MODEL_PYTHON}, {HOME}/models/e5.py, --port, "{{port}}"]
    instances: {INSTANCES}
    ready: {{path: /health, interval: 200ms, timeout: 500ms, unhealthy: 2}}
    restart: {{backoff: 200ms}}
pools:
  e5: {{targets: [{{backend: e5}}]}}
"""


@contextlib.contextmanager
def two_instances():
    with Martlet(CONFIGURATION) as martlet:
        eventually(lambda: serving(martlet) == INSTANCES, 20, "both instances serve")
        yield martlet


def serving(martlet: Martlet) -> int:
    ready = [backend for backend in martlet.backends() if backend["state"] == "ready"]
    up = [target for target in martlet.pool("e5")["targets"] if target["state"] == "up"]
    return min(len(ready), len(up))


def instance(martlet: Martlet, number: int) -> dict:
    return next(backend for backend in martlet.backends() if backend["instance"] == number)


def exists(pid: int) -> bool:
    """Whether the process runs; one that has ended and waits to be reaped does not."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def links(pid: int) -> dict[int, str]:
    """Where each descriptor of the process leads; those that close meanwhile are left out."""
    found = {}
    for file in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found[int(file.name)] = os.readlink(file)
    return found


def embed(martlet: Martlet) -> int:
    body = json.dumps({"model": "e5", "input": "hello"}).encode()
    request = urllib.request.Request(f"{martlet.url}/v1/embeddings", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return len(json.load(answer)["data"])


class Caller(threading.Thread):
    """Asks one question after the other until the block ends, and remembers what went wrong."""

    def __init__(self, martlet: Martlet):
        super().__init__(daemon=True)
        self.martlet, self.served, self.troubles, self.over = martlet, 0, [], threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                self.served += embed(self.martlet)
            except OSError as error:
                self.troubles.append(error)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.join(15)


def is_replaced(number: int, reason: str, failures_allowed: int) -> None:
    with two_instances() as martlet:
        victim, sibling = instance(martlet, 0), instance(martlet, 1)
        with Caller(martlet) as caller:
            eventually(lambda: caller.served > 5, 10, "the caller is served")
            os.kill(victim["pid"], number)
            eventually(lambda: instance(martlet, 0)["restarts"] == 1, 15, "the end of the process is noticed")
            before = caller.served
            eventually(lambda: caller.served > before + 5, 10, "the sibling serves meanwhile")
            eventually(lambda: serving(martlet) == INSTANCES, 15, "a new process serves")
        replaced = instance(martlet, 0)
        assert replaced["pid"] != victim["pid"] and not exists(victim["pid"]), (victim, replaced)
        assert reason in replaced["last_exit"], replaced
        assert instance(martlet, 1)["pid"] == sibling["pid"] and instance(martlet, 1)["restarts"] == 0
        assert len(caller.troubles) <= failures_allowed, caller.troubles
        martlet.wait_until_idle()


def check_a_killed_process_is_replaced_while_its_sibling_serves() -> None:
    # The request that the process was working on may fail with it; no other may.
    is_replaced(signal.SIGKILL, "signal 9", failures_allowed=1)


def check_a_hanging_process_is_replaced_while_its_sibling_serves() -> None:
    is_replaced(signal.SIGSTOP, "hung", failures_allowed=1)


def check_stopping_martlet_stops_its_processes() -> None:
    with two_instances() as martlet:
        pids = [backend["pid"] for backend in martlet.backends()]
        assert martlet.stop(signal.SIGTERM) == 0
        assert not any(exists(pid) for pid in pids), "they were gone before it was"


def check_killing_martlet_leaves_no_orphan() -> None:
    with two_instances() as martlet:
        pids = [backend["pid"] for backend in martlet.backends()]
        martlet.stop(signal.SIGKILL)
        eventually(lambda: not any(exists(pid) for pid in pids), 5, "the processes of a killed Martlet end")


def check_a_process_holds_no_descriptor_of_the_gateway() -> None:
    with two_instances() as martlet, contextlib.ExitStack() as connections:
        host, port = martlet.url.removeprefix("http://").split(":")
        for _ in range(100):
            connections.enter_context(socket.create_connection((host, int(port)), timeout=5))
        eventually(lambda: martlet.status()["connections"]["client"] >= 100, 5, "100 clients are connected")
        victim = instance(martlet, 0)["pid"]
        os.kill(victim, signal.SIGKILL)
        eventually(lambda: instance(martlet, 0)["restarts"] == 1, 15, "the end of the process is noticed")
        eventually(lambda: serving(martlet) == INSTANCES, 15, "a new process serves")
        ours = set(links(martlet.serving_pid).values())
        held = links(instance(martlet, 0)["pid"])
        for number, link in held.items():
            # Beyond its streams, what the process opened itself: its listener, its engine's files; none of it is ours.
            assert number <= 2 or link not in ours or link.startswith(("/", "anon_inode:")), (number, link)
        assert {0, 1, 2} <= held.keys()


if __name__ == "__main__":
    main(globals())
