"""Resident memory for a live proxied stream: each server with one thread, 8,000 streams, one event a second."""

import statistics
import time

import ledger

from . import stage, verdict

LOAD_CORE, PROXY_CORE = 0, 1
WARM_UP = 3000


def measure(bench, options):
    streams = 2000 if options.quick else 8000
    rounds = 1 if options.quick else 3
    mock = bench.mock(LOAD_CORE, "--interval", "1s", "--tokens", "1000000")
    figures = {"streams": streams}
    for name in options.sides:
        proxy = bench.proxy(name, mock, PROXY_CORE, threads=1)
        if name == "martlet":
            opened = ledger.opening(proxy.console, [mock.port], proxy.process.pid)
        # What the process needs whoever comes, and what its allocator keeps from small work, is not the streams'.
        reports = [bench.report(bench.load(proxy, LOAD_CORE, "-n", WARM_UP))]
        time.sleep(1)
        before = stage.resident(proxy.process.pid)
        figures[name] = [one_run(bench, proxy, streams, before, reports) for _ in range(rounds)]
        if name == "martlet":
            books = ledger.closing(opened, reports)
        bench.stop(proxy)
    bench.stop()
    rows = []
    for name in options.sides:
        value = statistics.median(run["kib_a_stream"] for run in figures[name])
        lived = min(run["lived"] for run in figures[name])
        if name == "martlet":
            rows.insert(0, verdict.at_most("resident memory for a live stream", "KiB", value, 14, 7))
            rows.insert(1, verdict.exactly("streams that lived", lived, streams))
            rows.insert(2, verdict.books_row("memory", books))
            figures["ledger"] = books.lines
        else:
            rows.append(verdict.row(f"the same, {name}", "", f"{value:.1f} KiB", None))
    return rows, figures


def one_run(bench, proxy, streams, before, reports):
    """The memory is read once every stream lives and has relayed events for some seconds."""
    load = bench.load(proxy, LOAD_CORE, "--stream", "-c", streams, "-d", "14s", "--ramp", "4s")
    time.sleep(11)
    live = stage.resident(proxy.process.pid)
    report = bench.report(load)
    reports.append(report)
    time.sleep(3)
    return {
        "kib_a_stream": (live - before) / streams, "before_kib": before, "live_kib": live,
        "lived": report["unfinished"], "after_kib": stage.resident(proxy.process.pid)}
