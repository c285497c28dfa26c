"""100,000 tasks with an ETA an hour away: what the broker's memory is for each, beyond the message itself, and what the
memory of a worker that consumes their queue does meanwhile."""

import os
import pathlib
import time

import ledger
from load import verdict

from . import stage


def resident(pids):
    """Bytes of memory of all of them, what they share counted once each."""
    total = 0
    for pid in pids:
        try:
            total += int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * os.sysconf("SC_PAGE_SIZE")


def measure(bench, options):
    count = 5000 if options.quick else 100_000
    with stage.engine(bench, "martlet") as engine, \
            stage.workers(engine, 1, "-c", 1, "--without-gossip", "--without-mingle") as workers:
        environment = stage.environment(engine)
        stage.run("delayed_tasks.py", "ready", environment=environment)
        tree = ledger.tree(workers[0].pid)
        before, worker_before = engine.resident(), resident(tree)
        used_before = stage.info(engine, "used_memory")
        payload = stage.run("delayed_tasks.py", "send", count, environment=environment, seconds=1200)["payload_bytes"]
        time.sleep(2)
        after, worker_after = engine.resident(), resident(tree)
        used = stage.info(engine, "used_memory") - used_before
    each = (after - before - payload) / count
    grown = (worker_after - worker_before) / (1 << 20)
    return [
        verdict.at_most(
            f"{count:,} tasks with an ETA: memory of the broker for each, beside its {payload / count:,.0f} bytes",
            "bytes", each, 200, digits=0),
        verdict.at_most(f"{count:,} tasks with an ETA: a stock Celery worker grows by", "MiB", grown, 4),
    ], {
        "resident": [before, after], "payload_bytes": payload, "used_memory": used,
        "worker_resident": [worker_before, worker_after]}
