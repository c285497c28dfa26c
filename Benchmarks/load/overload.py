"""Five times the load that the backends can serve: what still gets done, how soon the rest is told, and whether those
of the highest class notice.
"""

import asyncio
import time

import ledger

from . import people, stage, verdict

SLOTS, TARGETS = 8, 2
CLASS = "x-request-priority"
# A load that holds connections without a use for all of them would meet some that are just being closed for that:
# another storm than this one.
LIMITS = "limits: {header_timeout: 2m, keepalive: 2m}\n"


def measure(bench, options):
    seconds = 8 if options.quick else 60
    mocks = [bench.mock(None, "--latency", "50ms") for _ in range(TARGETS)]
    gateway = stage.gateway(bench, LIMITS + stage.one_pool(mocks, each=f"max_inflight: {SLOTS}"))
    before = gateway.open_books(mocks)
    peak = bench.report(bench.load(gateway, None, "-c", SLOTS * TARGETS, "-d", "4s"))
    capacity = peak["requests_per_second"]
    calm = bench.report(interactive(bench, gateway, capacity, 4))
    # Connections for all that can wait, and few beyond.
    loads = [
        interactive(bench, gateway, capacity, seconds),
        bench.load(
            gateway, None, "-H", f"{CLASS}: batch", "-c", 1500, "--rate", int(capacity * 4.5),
            "-n", int(capacity * 4.5 * seconds), "--timeout", "60s")]
    time.sleep(2)
    shed = asyncio.run(probe(gateway, seconds - 4))
    high, low = (bench.report(load) for load in loads)
    books = ledger.closing(before, [peak, calm, high, low, people.as_report(shed)])
    bench.stop()
    refused = [visit for visit in shed if visit.status == 503]
    # Both loads were due within `seconds`; what finished later waited in the queue.
    goodput = (high["completed"] + low["completed"]) / max(high["seconds"], low["seconds"])
    return rows(capacity, goodput, calm, high, refused, shed, books), {
        "capacity": capacity, "goodput": goodput, "calm": calm, "interactive": high, "batch": low,
        "shed_ms": [visit.reached_after * 1000 for visit in refused],
        "shed_read_ms": [visit.seconds * 1000 for visit in refused], "ledger": books.lines}


def interactive(bench, gateway, capacity, seconds):
    """Half of the capacity, in the highest class."""
    rate = int(capacity / 2)
    return bench.load(
        gateway, None, "-H", f"{CLASS}: interactive", "-c", 500, "--rate", rate, "-n", rate * seconds,
        "--timeout", "60s", "--seed", 2)


async def probe(gateway, seconds):
    """Twenty requests a second of the lowest class, each on its own connection and timed: they are to be shed.

    Martlet, mocks and loads leave no core free, and this process waits for one like everybody else: by its own clock it
    would be timed when it gets to read. So the kernel says when an answer was there.
    """
    visits = []
    payload = people.request(people.UNARY, fields=[f"{CLASS}: background"])
    end = time.monotonic() + seconds
    with people.stamps():
        while time.monotonic() < end:
            visits.append(asyncio.create_task(people.ask(gateway.port, payload, seconds=60, stamped=True)))
            await asyncio.sleep(0.05)
        return await asyncio.gather(*visits)


def rows(capacity, goodput, calm, high, refused, shed, books):
    share = goodput / capacity
    p99, base = high["latency"]["p99_us"] / 1000, calm["latency"]["p99_us"] / 1000
    times = [visit.reached_after * 1000 for visit in refused]
    read = verdict.quantile([visit.seconds * 1000 for visit in refused], 0.99)
    complete = all("retry-after:" in visit.head and "x-should-retry: false" in visit.head for visit in refused)
    return [
        verdict.row(
            "5 × overload: goodput", "≥ 90 % of peak", f"{share * 100:.0f} % of {capacity:.0f}/s", share >= 0.9,
            "≥ 95 %", share >= 0.95),
        verdict.at_most(
            f"5 × overload: shed answers at the client's socket, p99 of {len(times)} of {len(shed)} asked"
            + (f" (read by the client: {read:.1f} ms)" if refused else ""), "ms", verdict.quantile(times, 0.99), 10),
        verdict.row(
            "5 × overload: Retry-After and x-should-retry on every shed answer", "all",
            "all" if complete and refused else "not all", complete and bool(refused)),
        verdict.row(
            "5 × overload: p99 of the highest class", "≤ 2 × unloaded",
            f"{p99:.0f} ms, was {base:.0f} ms ({p99 / base:.1f} ×)", p99 <= 2 * base and high["failed"] == 0),
        verdict.row("5 × overload: highest class failed", "0", str(high["failed"]), high["failed"] == 0),
        verdict.books_row("overload", books)]
