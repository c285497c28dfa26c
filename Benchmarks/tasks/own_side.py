"""Martlet's own producer and worker: tasks that do nothing, with Martlet's broker (synced) and with Redis; beside stock
Celery on Redis in the same run. Then one task after the other on an idle queue.
"""

import os
import statistics

from load import verdict
from serving.stage import turns

from . import celery_side, stage

# Sent one by one, and a hundred at a time.
BATCHES = [1, 100]
ROUNDS = 4


def bench(options, found, *words, seconds=stage.PATIENCE):
    if not os.path.exists(options.task_bench):
        raise SystemExit("`./martlet bench --only tasks` builds what this measure needs")
    return stage.run(str(options.task_bench), words[0], stage.url(found), *words[1:], seconds=seconds)


def rate(bench_, options, side, batch):
    count = 5000 if options.quick else (100_000 if side == "martlet" else 50_000)
    with stage.engine(bench_, side) as engine:
        syncs = stage.Syncs(engine) if side == "martlet" else None
        found = bench(options, engine, "rate", count, batch)
        return found | {"syncs": syncs.close(1.1 * count) if syncs else None}


def measure(bench_, options):
    rounds = 1 if options.quick else ROUNDS
    sides = ["martlet", "redis-default", "celery"]
    found = {(side, batch): [] for side in sides[:2] for batch in BATCHES}
    celery = []
    for side in turns(sides, rounds):
        if side == "celery":
            celery.append(celery_side.one(bench_, "redis-default", 1000 if options.quick else 5000)["done"])
            continue
        for batch in BATCHES:
            found[side, batch].append(rate(bench_, options, side, batch))
    base = statistics.median(celery)
    rows = []
    for (side, batch), runs in found.items():
        done = statistics.median(run["done_per_second"] for run in runs)
        how = "one by one" if batch == 1 else f"{batch} at a time"
        if side == "martlet":
            rows.append(verdict.row(
                f"no-op tasks enqueued {how} and done, Martlet's broker, durable",
                "≥ 28,000 tasks/s" if batch > 1 else "",
                f"{done:,.0f}/s, {done / base:.0f} × stock Celery on Redis ({base:,.0f}/s)"
                + stage.Syncs.words(runs[-1]["syncs"]), done >= 28_000 if batch > 1 else None))
        else:
            rows.append(verdict.row(
                f"no-op tasks enqueued {how} and done, Redis as it comes", "≥ 25 × Celery" if batch > 1 else "",
                f"{done:,.0f}/s, {done / base:.0f} ×", done >= 25 * base if batch > 1 else None))
    with stage.engine(bench_, "martlet") as engine:
        syncs = stage.Syncs(engine)
        count = 300 if options.quick else 3000
        idle = bench(options, engine, "latency", count)
        words = stage.Syncs.words(syncs.close(1.1 * count))
    for key, what, must in (("start_us", "until it starts", 2), ("result_us", "until its sender has the result", 3)):
        rows.append(verdict.row(
            f"idle queue, from before it is sent {what}, p50", f"≤ {must} ms",
            f"{idle[key]['p50'] / 1000:.2f} ms (p99 {idle[key]['p99'] / 1000:.2f} ms){words}",
            idle[key]["p50"] <= must * 1000))
    return rows, {
        "rate": {f"{side}, {batch}": runs for (side, batch), runs in found.items()}, "celery": celery, "idle": idle}
