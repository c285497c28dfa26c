"""A backend with eight slots, and clients of whom a part leaves: do those who stay pay for those who left?"""


import ledger

from . import stage, verdict

SLOTS = 8


def measure(bench, options):
    seconds = 5 if options.quick else 20
    mock = bench.mock(None, "--interval", "25ms", "--tokens", "20", "--slots", str(SLOTS))
    gateway = stage.gateway(bench, stage.one_pool([mock], each=f"max_inflight: {SLOTS}"))
    before = gateway.open_books([mock])
    reports = {}
    for name, leaving in (("all stay", []), ("30 % leave", ["--leave", "30%", "--leave-within", "1s"])):
        reports[name] = bench.report(bench.load(
            gateway, None, "--stream", "-c", 2 * SLOTS, "-d", f"{seconds}s", *leaving))
    books = ledger.closing(before, list(reports.values()))
    bench.stop()
    stay, leave = (reports[name]["latency"]["p99_us"] / 1000 for name in ("all stay", "30 % leave"))
    ratio = leave / stay if stay else float("inf")
    return [
        verdict.row(
            "30 % leave a backend of 8 slots: p99 of the others' whole answers", "≤ 1.1 × nobody leaving",
            f"{leave:.0f} ms, was {stay:.0f} ms ({ratio:.2f} ×); {reports['30 % leave']['left']} left",
            ratio <= 1.1 and reports["30 % leave"]["failed"] == 0),
        *first_events(reports),
        verdict.books_row("slots", books),
    ], {"reports": reports, "ledger": books.lines}


def first_events(reports):
    """The same for the time to the first event, which is the time in the queue; where this build counts it."""
    found = {name: report.get("first_completed") for name, report in reports.items()}
    if not all(found.values()):
        return
    stay, leave = (found[name]["p99_us"] / 1000 for name in ("all stay", "30 % leave"))
    yield verdict.row(
        "the same: p99 of their first events", "≤ 1.1 × nobody leaving", f"{leave:.0f} ms, was {stay:.0f} ms",
        leave <= 1.1 * stay)
