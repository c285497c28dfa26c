"""Thousands of event streams through one process: every one of them whole, its numbers contiguous to its end."""

import ledger

from . import stage, verdict


def measure(bench, options):
    rows, figures = [], {}
    counts, seconds = ([2000], 5) if options.quick else ([9000, 9500], 30)
    for count in counts:
        mock = bench.mock(None, "--interval", "1s", "--tokens", str(seconds))
        gateway = stage.gateway(bench, stage.one_pool([mock]))
        before = gateway.open_books([mock])
        load = bench.load(
            gateway, None, "--stream", "-c", count, "-n", count, "--ramp", "3s", "--timeout", "60s")
        report = bench.report(load)
        books = ledger.closing(before, [report])
        bench.stop()
        figures[count] = {"load": report, "ledger": books.lines}
        got = f"{report['completed']:,} whole, {report['failed']:,} not"
        if count == counts[0]:
            rows.append(verdict.row(
                f"concurrent streams of {seconds} s through one process", f"{count:,}", got,
                report["completed"] == count))
        else:
            rows[0] |= {
                "aim": f"{count:,}", "aim_reached": report["completed"] == count, "got": f"{rows[0]['got']}; {got}"}
        rows.append(verdict.books_row(f"{count:,} streams", books))
    return rows, figures
