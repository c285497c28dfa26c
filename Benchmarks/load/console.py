"""Does the console answer while all else is in trouble: streams in every place that 256 descriptors leave, more clients
at the door, one target of three that takes requests and never answers?"""

import time

import ledger

from . import stage, verdict

FILES = 256
EVERY = 0.02


def measure(bench, options):
    seconds = 4 if options.quick else 15
    mocks = [bench.mock(None, "--tokens", "40", "--interval", "50ms") for _ in range(3)]
    gateway = stage.gateway(
        bench, stage.one_pool(mocks, "timeouts: {first_byte: 2s}"), stage.only_so_many_files(FILES))
    before = gateway.open_books(mocks)
    stage.steer(mocks[0], fault="hang")
    load = bench.load(gateway, None, "--stream", "-c", FILES, "-d", f"{seconds}s", "--timeout", "30s")
    times, unanswered = ask(gateway.console, seconds)
    pressure = gateway.metrics().get("martlet_fd_pressure")
    report = bench.report(load)
    # Else a health check of the silent one is always under way.
    stage.steer(mocks[0], fault="none")
    books = ledger.closing(before, [report])
    bench.stop()
    figures = sorted(times)
    return [
        verdict.at_most(
            f"console in trouble: /status, p99 of {len(figures)}", "ms",
            figures[int(len(figures) * 0.99)] if figures else None, 100),
        verdict.exactly("console in trouble: unanswered", unanswered, 0),
        verdict.books_row("console in trouble", books),
    ], {"milliseconds": figures, "unanswered": unanswered, "pressure": str(pressure), "load": report,
        "ledger": books.lines}


def ask(port, seconds):
    """One after the other, each on a connection of its own."""
    times, unanswered = [], 0
    end = time.monotonic() + seconds
    # What the load is made of has to be there first.
    time.sleep(1)
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            ledger.get(port, "/status")
            times.append((time.monotonic() - began) * 1000)
        except OSError:
            unanswered += 1
        time.sleep(EVERY)
    return times, unanswered
