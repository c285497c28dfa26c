"""The serving process killed (SIGKILL) ten times under load: how long nobody answers, and who is refused."""

import http.client
import os
import signal
import time

import ledger

from . import stage, verdict


def answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def measure(bench, options):
    kills, rate = (2 if options.quick else 10), 200
    mocks = [bench.mock(None, "--latency", "20ms") for _ in range(2)]
    gateway = stage.gateway(bench, stage.one_pool(mocks))
    before = gateway.open_books(mocks)
    seconds = 2 * kills + 2
    load = bench.load(gateway, None, "-c", 200, "--rate", rate, "-n", rate * seconds)
    time.sleep(1)
    gaps = []
    for _ in range(kills):
        if gateway.process.poll() is not None:
            break
        gaps.append(one_kill(gateway))
        if gaps[-1] is None:
            break
        time.sleep(max(0, 2 - gaps[-1]))
    report = bench.report(load)
    books = ledger.closing(before, [report]) if gateway.process.poll() is None else None
    bench.stop()
    back = [gap for gap in gaps if gap is not None]
    failures = {name: count for name, count in report["failures"].items() if count}
    refused = report.get("connect_failures", {}).get("refused", report["failures"]["connect"])
    return [
        verdict.row(
            f"crash: back after each of {kills} kills", "< 1 s",
            f"{max(back):.2f} s at most" if len(back) == kills else f"back after {len(back)} of {kills}",
            len(back) == kills and max(back) < 1),
        verdict.row("crash: connections refused", "0", f"{refused:,}", refused == 0),
        verdict.row(
            "crash: requests that failed", "",
            f"{report['failed']:,} of {report['requests']:,} {failures}", None),
        *([verdict.books_row("crash", books)] if books else []),
    ], {"seconds_until_back": gaps, "load": report, "ledger": books.lines if books else []}


def one_kill(gateway):
    """Seconds from the kill to the next answer; None when there is none within five."""
    victim = gateway.pid
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    while time.monotonic() - began < 5:
        if gateway.process.poll() is not None:
            return None
        # The dying process may still be there; an answer counts from its successor.
        if ledger.serving(gateway.process.pid) != victim and answers(gateway.port):
            return time.monotonic() - began
        time.sleep(0.005)
    return None
