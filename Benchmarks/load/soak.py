"""Everything at once, with faults, for as long as wanted: at rest nothing is left, and nothing grows.

A minute is six turns: some seconds of mixed load while backends are at fault, one of them dies and comes back, and the
configuration is read anew; then rest, in which descriptors and memory are read. `--scale 30` makes half an hour of it.

What is read is the serving process alone, and each turn's load is made by processes of its own: nothing that measures
lives as long as what is measured.
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
TENANTS = ["a.test", "b.test"]
MOCK = ["--latency", "20ms", "--interval", "20ms", "--tokens", "20"]
TURN, BUSY = 10, 6
# In a run that is long enough to tell a slope from the wobble of an allocator.
MINUTES_FOR_SLOPES = 10
# In a shorter one, what its second half may keep more than its first: a leak of 200 bytes a request is twice that.
MIB_BETWEEN_HALVES = 1


def measure(bench, options):
    turns = 2 if options.quick else max(2, int(60 / TURN * options.scale))
    mocks = [bench.mock(None, *MOCK) for _ in range(4)]
    gateway = stage.gateway(bench, stage.one_pool(mocks, SETTINGS, each="max_fails: 0", tenants=TENANTS))
    before = gateway.open_books(mocks)
    process, dice = gateway.pid, random.Random(1)
    samples, reports, began = [], [], time.monotonic()
    for number in range(turns):
        reports.append(ledger.clients(one_turn(bench, gateway, mocks, dice, dies=number % 3 == 2)))
        if gateway.pid != process:
            break
        samples.append(at_rest(process, before["files"]) | {"requests": reports[-1]["requests"]})
        time.sleep(max(0, began + (number + 1) * TURN - time.monotonic()))
    # A stream that a fault broke is a visible failure; the ledger asks that each was visible.
    books = ledger.closing(before, reports)
    lived, tree = gateway.pid == process, ledger.tree(gateway.process.pid)
    bench.stop()
    orphans = [pid for pid in tree if ledger.lives(pid)]
    return rows(samples, before["files"], lived, orphans, books), {
        "each_minute": each_minute(samples), "failures": ledger.clients(reports)["failures"], "ledger": books.lines}


def one_turn(bench, gateway, mocks, dice, dies):
    """Streams of which a part leaves, short requests at a fixed rate, new connections for each; faults meanwhile, and
    the configuration read anew. `dies`: one backend is killed and started again."""
    seed = dice.randrange(1, 1 << 30)
    loads = [
        bench.load(gateway, None, *flags, "--timeout", "20s", "--seed", seed) for flags in (
            ["-H", f"host: {TENANTS[0]}", "--stream", "-c", 100, "-d", f"{BUSY}s", "--leave", "30%",
             "--leave-within", "500ms"],
            ["-H", f"host: {TENANTS[1]}", "-c", 200, "--rate", 200, "-n", 200 * (BUSY - 1)],
            ["-c", 8, "-d", f"{BUSY}s", "--no-keep-alive", "--leave", "10%", "--leave-within", "30ms",
             "--leave-by", "reset"])]
    for _ in range(3):
        victim = dice.choice(mocks)
        stage.steer(victim, fault=dice.choice(FAULTS))
        time.sleep(BUSY / 4)
        stage.steer(victim, fault="none")
    if dies:
        restart(bench, mocks, dice.randrange(len(mocks)))
    gateway.process.send_signal(signal.SIGHUP)
    return [bench.report(load) for load in loads]


def restart(bench, mocks, index):
    mocks[index].process.kill()
    mocks[index].process.wait()
    time.sleep(0.3)
    mocks[index] = bench.restart(mocks[index], *MOCK)


def at_rest(process, files):
    """One look at the process, once its descriptors are those of the beginning; after some seconds, if they never are.
    (A check of a target may be under way at any moment, so a moment without one is awaited.)"""
    seen = {}

    def rests():
        seen.update(files=len(ledger.files(process)), close_wait=ledger.close_wait(process))
        return seen["files"] == files and not seen["close_wait"]
    stage.wait_until("rest", rests, 6)
    return {"at": time.monotonic(), **seen, **stage.memory(process)}


def each_minute(samples):
    """The last reading of every minute."""
    last = {int((sample["at"] - samples[0]["at"]) // 60): sample for sample in samples}
    return {key: [sample[key] for sample in last.values()] for key in ("files", "rss", "anonymous")}


def slope(points):
    """Theil and Sen: the median of the slopes between all pairs, which single outliers do not turn."""
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for index, earlier in enumerate(points) for later in points[index + 1:]]
    return verdict.quantile(slopes, 0.5) or 0.0


def an_hour(samples, key, unit=1):
    """How fast a reading grows, its units an hour, once the first third has warmed allocator and pools up."""
    late = samples[len(samples) // 3:]
    return slope([(sample["at"] / 3600, sample[key] / unit) for sample in late])


def rows(samples, files, lived, orphans, books):
    return [
        *rows_at_rest(samples, files),
        verdict.row("soak: the serving process", "lives to the end", "it did" if lived else "it died", lived),
        verdict.row("soak: processes left over", "0", str(len(orphans)), not orphans),
        verdict.books_row("soak", books)]


def rows_at_rest(samples, files):
    if not samples:
        return
    minutes = len(samples) * TURN / 60
    asked = sum(sample["requests"] for sample in samples)
    others = [sample["files"] for sample in samples if sample["files"] != files]
    yield verdict.row(
        f"soak, {minutes:.0f} min, {asked:,} requests: descriptors at rest after each turn",
        f"{files} as before, slope 0", f"{others or files}, {an_hour(samples, 'files'):+.1f} an hour", not others)
    waiting = max(sample["close_wait"] for sample in samples)
    yield verdict.row("soak: sockets in CLOSE_WAIT at rest", "0", str(waiting), waiting == 0)
    if minutes < MINUTES_FOR_SLOPES:
        grown = between_halves(samples)
        yield verdict.row(
            "soak: resident memory at rest, second half of the run less the first", f"≤ {MIB_BETWEEN_HALVES} MiB",
            f"{grown:+.2f} MiB", grown <= MIB_BETWEEN_HALVES)
    else:
        megabytes = an_hour(samples, "rss", 1e6 / 1024)
        yield verdict.row(
            "soak: resident memory at rest after warm-up", "< 1 MB/h",
            f"{megabytes:+.2f} MB/h, {samples[-1]['rss'] / 1024:.1f} MiB at the end", megabytes < 1)


def between_halves(samples):
    """MiB by which the median of the second half exceeds that of the first, whose first look is warm-up."""
    middle = len(samples) // 2
    first, second = (
        verdict.quantile([sample["rss"] for sample in part], 0.5)
        for part in (samples[min(1, middle - 1):middle], samples[middle:]))
    return (second - first) / 1024
