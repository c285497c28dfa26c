"""One of four backends goes bad: black-holed, or killed and started again and again."""

import statistics
import time

import ledger

from . import stage, verdict

BACKENDS = 4


def four(bench, *flags):
    return [bench.mock(None, *flags) for _ in range(BACKENDS)]


def black_hole(bench, options):
    """It accepts and never answers, health checks neither, with `first_byte: 2s`. A few times over: the 99th percentile
    of one run says little on a machine that does other things."""
    rate, seconds, turns = (200, 5, 1) if options.quick else (200, 10, 5)
    mocks = four(bench, "--latency", "50ms")
    gateway = stage.gateway(bench, stage.one_pool(mocks, "timeouts: {first_byte: 2s}"))
    before = gateway.open_books(mocks)

    def run():
        return bench.report(bench.load(
            gateway, None, "-c", 1000, "--rate", rate, "-n", rate * seconds, "--timeout", "30s"))
    reports = {"whole": [run()], "striking": [], "detected": [], "restored": []}
    for _ in range(turns):
        stage.steer(mocks[0], fault="hang")
        reports["striking"].append(run())
        reports["detected"].append(run())
        stage.steer(mocks[0], fault="none")
        # The first of these seconds show it coming back: the next turn's comparison begins behind them.
        reports["restored"].append(run())
        reports["whole"].append(run())
    every = [report for phase in reports.values() for report in phase]
    books = ledger.closing(before, every)
    bench.stop()
    p99 = {name: [report["latency"]["p99_us"] / 1000 for report in phase] for name, phase in reports.items()}
    changes = [after / before for before, after in zip(p99["whole"], p99["detected"])]
    change = statistics.median(changes)
    longest = max(report["latency"]["max_us"] for report in every) / 1e6
    failed, striking = (
        max(report["failed"] for report in reports[name]) for name in ("detected", "striking"))
    return [
        verdict.row(
            "black hole: p99 of the others", "unchanged (± 20 %)",
            f"{statistics.median(p99['detected']):.0f} ms, was {statistics.median(p99['whole']):.0f} ms "
            f"({change:.2f} × in the median of {turns}, {min(changes):.2f} to {max(changes):.2f})", 0.8 <= change <= 1.2),
        verdict.row("black hole: errors that users see once detected", "≤ 2", str(failed), failed <= 2),
        verdict.row("black hole: errors while it is found", "", str(striking), None),
        verdict.row("black hole: longest wait", "≤ 15 s", f"{longest:.1f} s", longest <= 15),
        verdict.books_row("black hole", books),
    ], {"reports": reports, "ledger": books.lines}


def restarts(bench, options):
    """It is killed (SIGKILL) and started again every ten seconds, another one each time, at half of the load that the
    backends can serve."""
    seconds = 30 if options.quick else 300
    each = "max_inflight: 32"
    mocks = four(bench, "--latency", "50ms")
    gateway = stage.gateway(bench, stage.one_pool(mocks, each=each))
    peak = bench.report(bench.load(gateway, None, "-c", 32 * BACKENDS, "-d", "3s"))["requests_per_second"]
    rate = int(peak / 2)
    # Backends that are killed take their own books with them.
    before = gateway.open_books([])
    load = bench.load(gateway, None, "-c", 1000, "--rate", rate, "-n", rate * seconds)
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() + 10 < end:
        time.sleep(9)
        victim = mocks[number % BACKENDS]
        victim.process.kill()
        victim.process.wait()
        time.sleep(1)
        mocks[number % BACKENDS] = bench.restart(victim, "--latency", "50ms")
        number += 1
    report = bench.report(load)
    books = ledger.closing(before, [report])
    bench.stop()
    share = report["completed"] / max(report["requests"], 1)
    return [
        verdict.row(
            f"restarts: requests that succeed, {number} kills in {seconds} s at {rate:,}/s", "≥ 99.99 %",
            f"{share * 100:.3f} % ({report['failed']} of {report['requests']:,} failed)", share >= 0.9999, "100 %",
            share == 1),
        verdict.books_row("restarts", books),
    ], {"load": report, "peak": peak, "kills": number, "ledger": books.lines}
