"""Stock Celery, producer and worker, on Martlet's broker instead of Redis: tasks sent, and done, for each second."""

import statistics

from load import verdict
from serving.stage import turns

from . import stage

CONCURRENCY = 2
SIDES = ["martlet", "martlet-after", "redis-default", "redis"]


def one(bench, side, count):
    with stage.engine(bench, side) as engine:
        environment = stage.environment(engine)
        syncs = stage.Syncs(engine) if side.startswith("martlet") else None
        sent = stage.run("celery_rate.py", "send", count, environment=environment)["per_second"]
        with stage.workers(engine, 1, "-c", CONCURRENCY, "--without-gossip", "--without-mingle"):
            done = stage.run("celery_rate.py", "done", environment=environment)["per_second"]
        return {"sent": sent, "done": done, "syncs": syncs.close(count) if syncs else None}


def measure(bench, options):
    count = 1000 if options.quick else 10_000
    found = {side: [] for side in SIDES}
    for side in turns(SIDES, 1 if options.quick else 4):
        found[side].append(one(bench, side, count))
    rows = []
    for key, what in (("sent", "enqueued"), ("done", "done")):
        ours, after, theirs, durable = (statistics.median(run[key] for run in found[side]) for side in SIDES)
        for side, rate, peer, name in (
                ("martlet", ours, durable, "Redis that syncs before it answers, too,"),
                ("martlet-after", after, theirs, "Redis as it comes, which answers before it writes,")):
            how = "synced before it answers" if side == "martlet" else "`--sync after`"
            rows.append(verdict.row(
                f"stock Celery 5.7, {what}, Martlet's broker for Redis, {how}", "≥ 1.0 × Redis",
                f"{rate:,.0f}/s, {name} {peer:,.0f}/s: {rate / peer:.2f} ×"
                + stage.Syncs.words(found[side][-1]["syncs"]), rate >= peer))
        rows.append(verdict.row(
            f"stock Celery 5.7, {what}, Martlet's broker synced before it answers, Redis as it comes",
            "≥ 1.0 × Redis", f"{ours / theirs:.2f} ×", ours >= theirs))
    return rows, found
