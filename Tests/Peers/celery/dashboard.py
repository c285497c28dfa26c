#!/usr/bin/env python3
"""Flower, unedited: every page and every call of its API, with workers on Martlet's broker and on a Redis server. The
status of each answer is compared, and what the API says of workers, tasks and queues is looked at.

    dashboard.py --binary .build/release/martlet [--workers martlet]
"""

import argparse
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from celery import Celery

from servers import engines, server

HERE = pathlib.Path(__file__).resolve().parent


class Flower:
    def __init__(self, url, folder):
        self.port = engines.free_port()
        self.log = open(pathlib.Path(folder) / "flower.log", "ab")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "celery", "-A", "peer_tasks", "flower", "--address=127.0.0.1", f"--port={self.port}"],
            stdout=self.log, stderr=subprocess.STDOUT, cwd=HERE,
            env=dict(os.environ, FLOWER_UNAUTHENTICATED_API="true", PEER_URL=url))

    def ask(self, method, path, body=None):
        """The status and the answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method,
            data=None if body is None else json.dumps(body).encode(), headers={"Content-Type": "application/json"})
        if body is None and method == "POST":
            request.data = b""
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def wait(self, what, holds, seconds=40):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with contextlib.suppress(OSError, ValueError):
                if holds():
                    return
            time.sleep(0.3)
        raise SystemExit(f"flower: waited in vain for {what}")

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def calls(flower, worker, task):
    """(name, method, path, body)"""
    name, id = urllib.parse.quote(worker), urllib.parse.quote(task)
    form = urllib.parse.urlencode
    for path in ("/", "/workers", f"/worker/{name}", "/tasks", f"/task/{id}", "/broker", "/metrics", "/healthcheck"):
        yield "GET", path, None
    for path in ("/api/workers?refresh=1", "/api/tasks", "/api/task/types", f"/api/task/info/{id}",
                 f"/api/task/result/{id}", "/api/queues/length"):
        yield "GET", path, None
    yield "POST", "/api/task/apply/peer.add", {"args": [1, 2]}
    yield "POST", "/api/task/async-apply/peer.add", {"args": [3, 4]}
    yield "POST", "/api/task/send-task/peer.add", {"args": [5, 6]}
    yield "POST", f"/api/task/abort/{id}", None
    yield "POST", "/api/task/timeout/peer.add?" + form({"workername": worker, "soft": 30, "hard": 100}), None
    yield "POST", "/api/task/rate-limit/peer.add?" + form({"workername": worker, "ratelimit": "200/m"}), None
    yield "POST", f"/api/task/revoke/{id}?terminate=false", None
    yield "POST", f"/api/worker/pool/grow/{name}?n=1", None
    yield "POST", f"/api/worker/pool/shrink/{name}?n=1", None
    yield "POST", f"/api/worker/pool/autoscale/{name}?min=1&max=3", None
    yield "POST", f"/api/worker/queue/add-consumer/{name}?queue=more", None
    yield "POST", f"/api/worker/queue/cancel-consumer/{name}?queue=more", None
    yield "POST", f"/api/worker/pool/restart/{name}", None
    yield "POST", f"/api/worker/shutdown/{name}", None


def worker_command(options, url):
    if options.workers == "martlet":
        return [
            options.binary, "worker", "--app", str(HERE / "peer_tasks.py"), "--queues", "celery", "--concurrency", "2",
            "--python", sys.executable, "--broker", url]
    return [sys.executable, "-m", "celery", "-A", "peer_tasks", "worker", "-E", "-c", "2", "-n", "w1@peer"]


def look(engine, options, folder):
    """{method and path: status}, with names made equal for both servers."""
    url = f"redis://127.0.0.1:{engine.port}/0"
    app = Celery("asker", broker=url, backend=url)
    flower = Flower(url, folder)
    with open(pathlib.Path(folder) / "worker.log", "ab") as log:
        worker = subprocess.Popen(
            worker_command(options, url), cwd=HERE, env=dict(os.environ, PYTHONPATH=str(HERE), PEER_URL=url),
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
    try:
        flower.wait("a worker", lambda: json.loads(flower.ask("GET", "/api/workers?refresh=1")[1]))
        name = next(iter(json.loads(flower.ask("GET", "/api/workers?refresh=1")[1])))
        result = app.send_task("peer.add", (2, 3))
        if result.get(timeout=20) != 5:
            raise SystemExit("2 + 3 is not 5")
        info = f"/api/task/info/{result.id}"
        flower.wait("the task", lambda: json.loads(flower.ask("GET", info)[1])["state"] == "SUCCESS")
        found = {}
        for method, path, body in calls(flower, name, result.id):
            status, text = flower.ask(method, path, body)
            shown = path.replace(urllib.parse.quote(name), "WORKER").replace(result.id, "TASK").split("?")[0]
            found[f"{method} {shown}"] = status
            if options.verbose:
                print(status, method, path, text[:200].replace("\n", " "))
        return found
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(worker.pid, 9)
        worker.wait()
        flower.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--workers", choices=["celery", "martlet"], default="celery")
    parser.add_argument("--engines", default="martlet,redis")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    found = {}
    for name in options.engines.split(","):
        with tempfile.TemporaryDirectory(prefix="martlet-flower-") as folder, server(name, options.binary) as engine:
            found[name] = look(engine, options, folder)
        good = sum(status == 200 for status in found[name].values())
        print(f"flower on {name}, {options.workers} workers: {good} of {len(found[name])} answer 200", flush=True)
    ours, theirs = found.get("martlet", {}), found.get("redis", {})
    different = {
        call: (status, theirs.get(call)) for call, status in ours.items() if theirs.get(call, status) != status}
    for call, (left, right) in different.items():
        print(f"  {call}: {left} on martlet, {right} on redis")
    sys.exit(bool(different) or any(status >= 500 for call, status in ours.items() if theirs.get(call, 200) == 200))


if __name__ == "__main__":
    main()
