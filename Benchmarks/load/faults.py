"""One of four backends goes bad: black-holed, or killed and started again and again."""

import time

import ledger

from . import stage, verdict

BACKENDS = 4


def four(bench, *flags):
    return [bench.mock(None, *flags) for _ in range(BACKENDS)]


def black_hole(bench, options):
    """It accepts and never answers, health checks neither, with `first_byte: 2s`."""
    rate, seconds = 200, 5 if options.quick else 15
    mocks = four(bench, "--latency", "50ms")
    gateway = stage.gateway(bench, stage.one_pool(mocks, "timeouts: {first_byte: 2s}"))
    before = gateway.open_books(mocks)

    def run():
        return bench.report(bench.load(
            gateway, None, "-c", 1000, "--rate", rate, "-n", rate * seconds, "--timeout", "30s"))
    reports = {"whole": run()}
    stage.steer(mocks[0], fault="hang")
    reports["striking"] = run()
    reports["detected"] = run()
    stage.steer(mocks[0], fault="none")
    reports["restored"] = run()
    books = ledger.closing(before, list(reports.values()))
    bench.stop()
    p99 = {name: report["latency"]["p99_us"] / 1000 for name, report in reports.items()}
    longest = max(report["latency"]["max_us"] for report in reports.values()) / 1e6
    change = p99["detected"] / p99["whole"]
    failed = reports["detected"]["failed"]
    return [
        verdict.row(
            "black hole: p99 of the others", "unchanged (± 20 %)",
            f"{p99['detected']:.0f} ms, was {p99['whole']:.0f} ms ({change:.2f} ×)", 0.8 <= change <= 1.2),
        verdict.row("black hole: errors that users see once detected", "≤ 2", str(failed), failed <= 2),
        verdict.row(
            "black hole: errors while it is found", "", str(reports["striking"]["failed"]), None),
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
