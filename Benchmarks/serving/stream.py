"""One stream of 10,000 items: items per second, and when the first is there."""

import socket
import statistics
import time

from load import verdict

from . import stage

ITEMS = 10_000


def measure(bench, options):
    found = {side: [] for side in ("martlet", "litserve", "litserve-fast")}
    for side in stage.turns(list(found), 1 if options.quick else 4):
        with stage.serve(bench, side, "counting") as server, socket.create_connection(("127.0.0.1", server.port)) as line:
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for turn in range(2 if options.quick else 6):
                run = one(line)
                # The first warms up.
                if turn:
                    found[side].append(run)
    rate, first = ({side: statistics.median(run[i] for run in runs) for side, runs in found.items()} for i in (0, 1))
    others = ", ".join(f"{side} {rate[side]:,.0f}/s, first {first[side] * 1000:.1f} ms" for side in list(found)[1:])
    return [
        verdict.row(
            f"one stream of {ITEMS:,} items", "≥ 50,000 items/s", f"{rate['martlet']:,.0f}/s ({others})",
            rate["martlet"] >= 50_000),
        verdict.at_most("the stream's first item", "ms", first["martlet"] * 1000, 1, digits=2),
    ], {side: [{"items_per_second": run[0], "first_seconds": run[1]} for run in runs] for side, runs in found.items()}


def one(line):
    """(items per second, seconds to the first) of one stream."""
    received, first = [], None
    began = time.perf_counter()
    line.sendall(stage.post("/predict", f'{{"count": {ITEMS}}}'))
    while not (received and received[-1].endswith(b"0\r\n\r\n")):
        piece = line.recv(1 << 20)
        if not piece:
            raise SystemExit("the stream broke off")
        if first is None and b'"number"' in piece:
            first = time.perf_counter() - began
        received.append(piece)
    took = time.perf_counter() - began
    items = b"".join(received).count(b'"number"')
    if items != ITEMS:
        raise SystemExit(f"{items} of {ITEMS} items")
    return ITEMS / took, first
