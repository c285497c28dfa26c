"""A model that costs nothing, 64 clients, one worker: requests per second, one by one and in batches of 64."""

import statistics

from load import verdict

from . import stage

CLIENTS, BATCH = 64, 64


def measure(bench, options):
    rows, figures = [], {}
    for batch, must in ((1, 10), (BATCH, 20)):
        found = {side: [] for side in ("martlet", "litserve", "litserve-fast")}
        for side in stage.turns(list(found), 1 if options.quick else 4):
            with stage.serve(bench, side, "trivial", BATCH=batch) as server:
                stage.asked(bench, server, '{"input": 4}', "-c", CLIENTS, "-d", "1s")
                report = stage.asked(bench, server, '{"input": 4}', "-c", CLIENTS, "-d", "4s")
                found[side].append(report["requests_per_second"])
        ours, theirs, fast = (statistics.median(found[side]) for side in found)
        name = "one by one" if batch == 1 else f"batch {batch}"
        rows.append(verdict.row(
            f"trivial model, {CLIENTS} clients, 1 worker, {name}", f"≥ {must} × LitServe",
            f"{ours:,.0f}/s, LitServe {theirs:,.0f}/s: {ours / theirs:.1f} × (with its fast_queue {fast:,.0f}/s: "
            f"{ours / fast:.1f} ×)", ours >= must * theirs))
        figures[name] = found
    return rows, figures
