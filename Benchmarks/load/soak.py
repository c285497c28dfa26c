"""Everything at once, with faults, for as long as wanted: at rest nothing is left, and nothing grows.

A minute is six turns: eight seconds of mixed load while a backend is at fault, then two of rest, in which descriptors
and memory are read. `--scale 30` makes half an hour of it.
"""

import random
import signal
import time

import ledger

from . import stage, verdict

FAULTS = [
    "none", "status:503:1", "reset", "close", "reset-mid:3", "close-mid:3", "hang", "stall:2", "short", "garbage",
    "half-event:2", "no-done", "error-event:2"]
SETTINGS = """
timeouts: {first_byte: 2s, idle: 2s, queue: 5s}
keepalive: {idle: 500ms}
health: {interval: 1s, timeout: 1s}
"""
BUSY, REST = 8, 2


def measure(bench, options):
    turns = 2 if options.quick else int(6 * options.scale)
    mocks = [bench.mock(None, "--latency", "20ms", "--interval", "20ms", "--tokens", "20") for _ in range(4)]
    gateway = stage.gateway(bench, stage.one_pool(mocks, SETTINGS, each="max_fails: 0"))
    before = gateway.open_books(mocks)
    dice = random.Random(1)
    samples, reports = [], []
    reloads = "reload" in bench.commands()
    for _ in range(turns):
        reports += one_turn(bench, gateway, mocks, dice, reloads)
        stage.wait_until("rest", lambda: gateway.files() <= before["files"], REST + 3)
        samples.append((time.monotonic(), gateway.files(), stage.resident(gateway.process.pid)))
    # A stream that a fault broke is a visible failure; the ledger asks that each was visible.
    books = ledger.closing(before, reports)
    bench.stop()
    return rows(samples, reports, before, books), {
        "samples": samples, "requests": sum(report["requests"] for report in reports),
        "failures": ledger.clients(reports)["failures"], "ledger": books.lines}


def one_turn(bench, gateway, mocks, dice, reloads):
    """Streams of which a part leaves, short requests at a fixed rate, new connections for each; faults meanwhile, and
    at the end the configuration is read anew, where this build can."""
    seed = dice.randrange(1, 1 << 30)
    loads = [
        bench.load(gateway, None, *flags, "--timeout", "20s", "--seed", seed) for flags in (
            ["--stream", "-c", 150, "-d", f"{BUSY - 2}s", "--leave", "30%", "--leave-within", "500ms"],
            ["-c", 200, "--rate", 300, "-n", 300 * (BUSY - 2)],
            ["-c", 8, "-d", f"{BUSY - 2}s", "--no-keep-alive", "--leave", "10%", "--leave-within", "30ms"])]
    for _ in range(3):
        victim = dice.choice(mocks)
        stage.steer(victim, fault=dice.choice(FAULTS))
        time.sleep((BUSY - 2) / 3)
        stage.steer(victim, fault="none")
    if reloads:
        gateway.process.send_signal(signal.SIGHUP)
    return [bench.report(load) for load in loads]


def slope(points):
    """Theil and Sen: the median of the slopes between all pairs, which single outliers do not turn."""
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for index, earlier in enumerate(points) for later in points[index + 1:]]
    return verdict.quantile(slopes, 0.5) or 0.0


def rows(samples, reports, before, books):
    # The first third warms allocator and pools up.
    late = samples[len(samples) // 3:]
    files = slope([(at, count) for at, count, _ in late]) * 3600
    memory = slope([(at, kib / 1024) for at, _, kib in late]) * 3600
    minutes = (samples[-1][0] - samples[0][0]) / 60
    asked = sum(report["requests"] for report in reports)
    last = samples[-1][1]
    return [
        verdict.row(
            f"soak, {minutes:.0f} min, {asked:,} requests: descriptors at rest", f"slope 0, {before['files']} as before",
            f"{files:+.1f} an hour, {last} at the end", files == 0 and last == before["files"]),
        verdict.row(
            "soak: memory at rest", "< 1 MB/h", f"{memory:+.2f} MiB/h", memory < 1 if minutes >= 10 else None),
        verdict.books_row("soak", books)]
