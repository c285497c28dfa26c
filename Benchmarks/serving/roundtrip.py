"""An empty item to a worker and back: a request to a model that does nothing less one that Martlet answers itself."""

import socket
import statistics
import time

from load import verdict

from . import stage


def measure(bench, options):
    count = 300 if options.quick else 3000
    worker, own = [], []
    with stage.serve(bench, "martlet", "trivial") as server, \
            socket.create_connection(("127.0.0.1", server.port)) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        asked, told = stage.post("/predict", '{"input": 0}'), b"GET /info HTTP/1.1\r\nHost: bench\r\n\r\n"
        for number in range(count):
            # In turn, so that whatever else the machine does meets both.
            times = [timed(line, asked), timed(line, told)]
            if number >= count // 10:
                worker.append(times[0])
                own.append(times[1])
    both = [1e6 * statistics.median(times) for times in (worker, own)]
    return [verdict.at_most(
        f"empty item, host to worker and back, p50 (through HTTP {both[0]:.0f} µs, an answer of Martlet's own "
        f"{both[1]:.0f} µs)", "µs", both[0] - both[1], 60, digits=0)], {
            "worker_us": both[0], "own_us": both[1]}


def timed(line, request):
    began = time.perf_counter()
    line.sendall(request)
    if not line.recv(65536).startswith(b"HTTP/1.1 200"):
        raise SystemExit("not answered")
    return time.perf_counter() - began
