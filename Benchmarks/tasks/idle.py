"""Four queues and eight workers that nobody asks: how much of a core the broker takes, and Martlet's worker with it."""

import subprocess

import ledger
from load import verdict
from load.stage import cpu_share

from . import stage

QUEUES = "one,two,three,four"


def measure(bench, options):
    seconds = 3 if options.quick else 20
    with stage.engine(bench, "martlet") as engine:
        worker = subprocess.Popen(
            [bench.binary, "worker", "--app", stage.HERE / "bench_tasks.py", "--queues", QUEUES, "--concurrency", "8",
             "--python", stage.PYTHON, "--broker", stage.url(engine)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=stage.environment(engine))
        try:
            stage.run("delayed_tasks.py", "ready", "one", environment=stage.environment(engine))
            stage.settle(2)
            share = cpu_share(ledger.tree(worker.pid) + [engine.process.pid], seconds)
        finally:
            worker.terminate()
            worker.wait()
    with stage.engine(bench, "martlet") as engine, \
            stage.workers(engine, 8, "-c", 1, queues=QUEUES):
        stage.run("delayed_tasks.py", "ready", "one", environment=stage.environment(engine))
        stage.settle(5)
        stock = cpu_share([engine.process.pid], seconds)
    return [
        verdict.at_most("idle, 4 queues, Martlet's broker and its 8 workers", "% of a core", share * 100, 1, digits=2),
        verdict.row("idle, 4 queues, Martlet's broker alone, for 8 stock Celery workers", "",
                    f"{stock * 100:.2f} % of a core", None),
    ], {"share": share, "broker_for_celery": stock}
