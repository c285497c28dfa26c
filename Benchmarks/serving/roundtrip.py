"""An empty item to a worker and back: without HTTP, timed inside a process that drives a worker as the server does, and
beside it what a client sees of the same model, of which most is HTTP and the client itself.
"""

import json
import os
import socket
import statistics
import subprocess
import time

import harness
from load import verdict

from . import stage

RUNS = 3
ECHO = """
import socket
line = socket.socket(fileno=0)
while received := line.recv(64):
    line.sendall(received)
"""


def measure(bench, options):
    alone = [link(options) for _ in range(1 if options.quick else RUNS)]
    bare = nothing(300 if options.quick else 10_000)
    asked, own = through_http(bench, 300 if options.quick else 3000)
    return [
        verdict.at_most(
            "empty item, host to worker and back, p50", "µs", statistics.median(run["p50_us"] for run in alone), 60,
            digits=0),
        verdict.row(
            "64 bytes between two bare Python processes and back, p50: what this machine takes to wake two", "",
            f"{bare:.0f} µs", None),
        verdict.row(
            "the same through HTTP, with its client, p50", "",
            f"{asked:.0f} µs (an answer of Martlet's own {own:.0f} µs)", None),
    ], {"link": alone, "bare_us": bare, "http_us": asked, "own_us": own}


def nothing(count):
    """Microseconds in the median for bytes to another process and back, which does nothing with them."""
    here, there = socket.socketpair()
    echo = subprocess.Popen(
        [str(stage.PYTHON), "-c", ECHO], stdin=there.fileno())
    there.close()
    with here, echo:
        times = []
        for _ in range(count):
            began = time.perf_counter()
            here.sendall(bytes(64))
            here.recv(64)
            times.append(time.perf_counter() - began)
            # As long as the host has to do between two items.
            until = time.perf_counter() + 3e-5
            while time.perf_counter() < until:
                pass
        here.shutdown(socket.SHUT_WR)
    return 1e6 * statistics.median(times)


def link(options):
    """What `Benchmarks/Link` prints: quantiles of so many items, one after the other, in microseconds."""
    count = 1000 if options.quick else 10_000
    for program in (options.link_bench, stage.PYTHON):
        if not os.path.exists(program):
            raise SystemExit("`./martlet bench --only roundtrip` builds and installs what this measure needs")
    environment = dict(os.environ, PYTHONPATH=str(harness.HERE.parent / "sdk/python"))
    command = [options.link_bench, stage.PYTHON, stage.HERE / "models/empty.py", count]
    # A worker that never gets ready it starts again and again.
    found = subprocess.run(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=stage.PATIENCE)
    if found.returncode:
        raise SystemExit(f"link-bench said: {found.stderr[-3000:]}")
    return json.loads(found.stdout)


def through_http(bench, count):
    """Microseconds in the median of a request to the model, and of one that Martlet answers itself."""
    worker, own = [], []
    with stage.serve(bench, "martlet", "empty") as server, \
            socket.create_connection(("127.0.0.1", server.port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked, told = stage.post("/predict", "{}"), b"GET /info HTTP/1.1\r\nHost: bench\r\n\r\n"
        for number in range(count):
            # In turn, so that whatever else the machine does meets both.
            times = [timed(line, asked), timed(line, told)]
            if number >= count // 10:
                worker.append(times[0])
                own.append(times[1])
    return [1e6 * statistics.median(times) for times in (worker, own)]


def timed(line, request):
    began = time.perf_counter()
    line.sendall(request)
    if not line.recv(65536).startswith(b"HTTP/1.1 200"):
        raise SystemExit("not answered")
    return time.perf_counter() - began
