#!/usr/bin/env python3
"""Two things that Celery on Redis does not keep, with stock Celery workers on either engine:

kills   1,500 tasks, acknowledged late, visibility_timeout 3 s; all workers are killed (SIGKILL) again and again
eta     one task with a countdown of 14 s, visibility_timeout 3 s, three workers: how often does it run?

kombu looks for overdue tasks every second here, and not every 100 seconds: so it is over in a minute, on both engines.

    experiments.py --engine martlet --binary .build/release/martlet
    experiments.py --engine redis
"""

import argparse
import json
import pathlib
import sys
import tempfile
import time
import uuid

from celery import Celery

import engines
from books import Books, connect, left
from loss import decode, wait_for_results
from workers import Workers

VISIBILITY = 3


def start(options, folder):
    if options.engine == "redis":
        return engines.Redis(folder)
    return engines.Martlet(folder, options.binary)


def send(books, app, number, *arguments, **settings):
    id = str(uuid.uuid4())
    books.attempted[id] = number
    app.send_task("loss.work", (number, *arguments), task_id=id, **settings)
    books.acknowledged[id] = number


def experiment(options, work):
    with tempfile.TemporaryDirectory(prefix="martlet-loss-") as folder:
        engine = start(options, folder)
        url = f"redis://127.0.0.1:{engine.port}/0"
        books = Books(pathlib.Path(folder) / "runs")
        app = Celery("producer", broker=url)
        app.conf.task_default_queue = "loss"
        workers = []
        try:
            workers.append(Workers(
                options.workers, 3 if work is eta else 2, url, books.runs, folder, binary=options.binary,
                visibility=VISIBILITY))
            return work(options, engine, books, app, workers[0])
        finally:
            for some in workers:
                some.stop()
            engine.stop()


def kills(options, engine, books, app, workers):
    for number in range(options.tasks):
        send(books, app, number, 0.02)
    for _ in range(options.kills):
        time.sleep(3)
        for number in range(len(workers.processes)):
            workers.kill(number)
    client = connect(engine.port)
    waited, replayed, _ = wait_for_results(books, client, workers, options.patience)
    return books.close(client, decode) | {
        "kills": options.kills, "seconds_until_quiet": round(waited, 1), "replayed": replayed, "left": left(client)}


def eta(options, engine, books, app, workers):
    time.sleep(5)
    send(books, app, 1, countdown=14)
    time.sleep(14 + 4 * VISIBILITY)
    return {"executions": sum(books.executed().values())}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["martlet", "redis"], default="martlet")
    parser.add_argument("--workers", choices=["celery", "martlet"], default="celery")
    parser.add_argument("--binary", help="the martlet binary")
    parser.add_argument("--only", choices=["kills", "eta"])
    parser.add_argument("--tasks", type=int, default=1500)
    parser.add_argument("--kills", type=int, default=8)
    parser.add_argument("--patience", type=float, default=60)
    options = parser.parse_args()
    found = {
        work.__name__: experiment(options, work) for work in (kills, eta)
        if options.only in (None, work.__name__)}
    print(json.dumps({"engine": options.engine, "workers": options.workers} | found))
    # Redis is measured, not judged.
    if options.engine == "martlet":
        sys.exit(
            found.get("kills", {}).get("lost_count", 0) > 0 or found.get("eta", {}).get("executions", 1) != 1)


if __name__ == "__main__":
    main()
