"""The console's page of tasks, in a real browser: Chromium, driven by WebDriver, at the width of a desk and of a phone."""

import base64
import contextlib
import json
import re
import socket
import tempfile
import time

from browser import EVIL, browser, request
from support import Martlet, eventually, main


class Broker:
    """Speaks to the broker as a worker would: the commands of a few lines of RESP."""

    def __init__(self, port: int):
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._file = self._socket.makefile("rb")

    def __call__(self, *words):
        parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
        self._socket.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
        return self._reply()

    def _reply(self):
        line = self._file.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        assert kind != b"-", rest
        if kind == b"$":
            return None if rest == b"-1" else self._file.read(int(rest) + 2)[:-2]
        if kind == b"*":
            return [self._reply() for _ in range(int(rest))]
        return int(rest) if kind == b":" else rest

    def event(self, kind: str, **fields) -> None:
        body = base64.b64encode(json.dumps({"type": kind, "timestamp": time.time(), "hostname": "w1@host", **fields}).encode())
        message = {"body": body.decode(), "content-type": "application/json", "properties": {"body_encoding": "base64"}}
        self("PUBLISH", f"/0.celeryev/{kind.replace('-', '.')}", json.dumps(message))

    def close(self) -> None:
        self._file.close()
        self._socket.close()


class Place:
    """A server with tasks, and a hand in its broker."""

    def __init__(self):
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            self.martlet = stack.enter_context(
                Martlet(f"tasks: {{broker: {{listen: '127.0.0.1:{port}', store: {folder}/tasks}}}}\n"))
            self.page = f"{self.martlet.console}/tasks"
            self.broker = Broker(port)
            stack.callback(self.broker.close)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def submit(self, **body) -> str:
        return request("POST", f"{self.martlet.url}/tasks", body)["id"]

    def state(self, id: str) -> str:
        return request("GET", f"{self.martlet.url}/tasks/{id}")["state"]

    def run(self, id: str, name: str, state: str = "task-succeeded", **end) -> None:
        """A worker's life of a task, as its events tell it."""
        self.broker.event("worker-heartbeat", freq=2, active=1, processed=3, loadavg=[0.5, 0.4, 0.3],
                          sw_ident="py-celery", sw_ver="5.7.0", pid=7)
        self.broker.event("task-received", uuid=id, name=name, args="(1,)", kwargs="{}", retries=0, queue="cpu_queue")
        self.broker.event("task-started", uuid=id)
        self.broker.event(state, uuid=id, **end)


def check_queues_workers_and_tasks_are_shown_live():
    with Place() as place, browser() as window:
        window.open(place.page)
        window.shows("live", "#live")
        window.shows("martlet.requests", "#queues")
        ids = [place.submit(task="tasks.add", args=[number], queue="cpu_queue") for number in range(3)]
        window.shows("cpu_queue", "#queues")
        eventually(lambda: re.search(r"cpu_queue\s+3\b", window.text("#queues")), 10, "three wait")
        place.run(ids[0], "tasks.add", result="'r'", runtime=0.25)
        window.shows("w1@host", "#workers")
        window.shows("SUCCESS", "#tasks")
        window.click("tasks.add", "#tasks button")
        window.shows(ids[2] if ids[2] in window.text("#dialog") else "tasks.add", "#dialog")
        window.click("Close")
        assert not window.problems(), window.problems()


def check_a_task_is_searched_looked_at_and_cancelled():
    with Place() as place, browser() as window:
        waiting = place.submit(task="tasks.slow", args=["needle"], queue="cpu_queue")
        place.submit(task="tasks.other", queue="cpu_queue")
        failed = place.submit(task="tasks.fails", queue="cpu_queue")
        window.open(place.page)
        window.shows("live", "#live")
        place.run(failed, "tasks.fails", "task-failed", exception="ValueError('bad z')", traceback="Traceback: here")
        window.type("#text", "needle")
        window.click("Search")
        window.shows("tasks.slow", "#tasks")
        eventually(lambda: "tasks.other" not in window.text("#tasks"), 5, "only what was searched")
        window.click("tasks.slow", "#tasks button")
        window.shows("waits on cpu_queue, 0 before it", "#dialog")
        window.click("Cancel this task")
        window.shows("REVOKED", "#dialog")
        assert place.state(waiting) == "REVOKED"
        window.click("Close")
        window.type("#text", failed)
        window.click("Search")
        window.click("tasks.fails", "#tasks button")
        for text in ("FAILURE", "bad z", "Traceback: here", "Timeline", "RECEIVED"):
            window.shows(text, "#dialog")
        assert not window.problems(), window.problems()


def check_dead_letters_are_replayed():
    with Place() as place, browser() as window:
        for number in range(3):
            place.submit(task=f"tasks.poison{number}", queue="cpu_queue")
            place.broker("LPUSH", "cpu_queue.dead", place.broker("LPOP", "cpu_queue"))
        window.open(place.page)
        window.shows("3", "#queues")
        window.click("3", "#queues button")
        window.shows("tasks.poison0", "#dialog")
        window.click("Replay")
        window.shows("1 went back.", "#dialog")
        window.click("Replay all 2")
        window.shows("2 went back.", "#dialog")
        assert place.broker("LLEN", "cpu_queue") == 3 and place.broker("LLEN", "cpu_queue.dead") == 0
        assert not window.problems(), window.problems()


def check_names_from_outside_are_text_and_a_phone_has_room():
    with Place() as place:
        for dark in (False, True):
            with browser(width=400, dark=dark) as window:
                id = place.submit(task=EVIL, args=[EVIL], queue=EVIL)
                place.broker.event("worker-heartbeat", freq=2, sw_ident=EVIL)
                window.open(place.page)
                window.shows(EVIL, "#queues")
                place.run(id, EVIL, "task-failed", exception=EVIL, traceback=EVIL * 40)
                window.shows("FAILURE", "#tasks")
                window.click(EVIL, "#tasks button")
                window.shows("Traceback", "#dialog")
                assert "null" not in window.text("#dialog"), window.text("#dialog")
                assert not window.run("return document.getElementById('login').offsetParent"), "a token is asked for"
                assert not window.run("return document.querySelector('img')"), "a name became an image"
                assert "hacked" not in window.run("return document.title")
                assert not window.overflows(), "the page is wider than a phone"
                assert len(window.picture()) > 1000
                assert not window.problems(), window.problems()


def check_a_token_is_asked_for():
    with tempfile.TemporaryDirectory() as folder:
        text = f"tasks: {{broker: {{listen: '127.0.0.1:0', store: {folder}/tasks}}}}\nconsole: {{token: letmein}}\n"
        with Martlet(text) as martlet, browser() as window:
            window.open(f"{martlet.console}/tasks")
            eventually(lambda: window.run("return !document.getElementById('login').hidden"), 5, "it asks for a token")
            assert window.run("return document.getElementById('main').hidden")
            window.type("#token", "letmein")
            window.click("Open")
            window.shows("live", "#live")


if __name__ == "__main__":
    main(globals())
