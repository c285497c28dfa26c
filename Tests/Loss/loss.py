#!/usr/bin/env python3
"""Nothing acknowledged is lost: tasks sent and run while workers and the broker are killed and stopped, connections are
cut, the disk is full and writes are torn; then the books are closed (books.py).

    loss.py --binary .build/release/martlet                  30,000 tasks, 50 faults: about six minutes
    loss.py --binary … --scale 0.05                          what `./martlet test` runs
    loss.py --engine redis                                   the same with a Redis server, for comparison

Exits with 1 when a task was lost, one is there that nobody sent, or a result is wrong. Needs the packages of
Tests/Peers/celery/requirements.txt.
"""

import argparse
import json
import math
import os
import pathlib
import sys
import tempfile
import threading
import time
import uuid

from celery import Celery

import engines
from books import Books, connect, left
from nemesis import KINDS, Nemesis
from proxy import Proxy
from workers import Workers

# So many tasks may wait before no more are sent.
BACKLOG = 4000


class Producer(threading.Thread):
    """Sends tasks with stock Celery until it is told to stop. What came back without an error is acknowledged."""

    def __init__(self, books, url):
        super().__init__(daemon=True)
        # Without results: it would subscribe to each of them.
        self.app = Celery("producer", broker=url)
        self.app.conf.update(task_default_queue="loss", task_publish_retry=False)
        self.books = books
        self.ended = threading.Event()
        self.errors = 0

    def run(self):
        number = 0
        while not self.ended.is_set():
            if len(self.books.acknowledged) - self.books.lines() > BACKLOG:
                time.sleep(0.2)
                continue
            for _ in range(200):
                if self.ended.is_set():
                    return
                self.send(number)
                number += 1

    def send(self, number):
        id = str(uuid.uuid4())
        self.books.attempted[id] = number
        try:
            self.app.send_task("loss.work", (number,), task_id=id)
        except Exception:
            # Nobody knows whether it arrived. The next one has a fresh connection.
            self.errors += 1
            time.sleep(0.1)
        else:
            self.books.acknowledged[id] = number


def decode(text):
    result = json.loads(text)
    return result["status"], result.get("result")


def wait_for_results(books, client, workers, patience):
    """Until every acknowledged task has its result, or nothing moves for so long. Seconds waited, dead letters
    replayed, and how often idle workers were started anew."""
    began = moved = time.monotonic()
    missing, replayed, restarts, before = set(books.acknowledged), 0, 0, None
    while missing and time.monotonic() - moved < patience:
        workers.watch()
        found = books.results(client, missing)
        missing = {id for id, text in found.items() if text is None or decode(text)[0] != "SUCCESS"}
        # Put aside because they were with dying workers too often: an operator would send them again.
        while client.lmove("loss.dead", "loss", "RIGHT", "LEFT"):
            replayed += 1
        if len(missing) != before:
            before, moved = len(missing), time.monotonic()
        elif time.monotonic() - moved > patience / 2 and not restarts:
            restarts += 1
            for number in range(len(workers.processes)):
                workers.kill(number)
        time.sleep(0.5)
    return time.monotonic() - began, replayed, restarts


def run(options, folder):
    tasks, faults = math.ceil(30_000 * options.scale), max(len(KINDS), math.ceil(50 * options.scale))
    engine = (
        engines.Redis(folder) if options.engine == "redis" else engines.Martlet(folder, options.binary))
    proxy = Proxy(engine.port)
    url = f"redis://127.0.0.1:{proxy.port}/0"
    books = Books(pathlib.Path(folder) / "runs")
    # Redis knows of no dead workers: there the visibility timeout decides how long their tasks are away.
    workers = Workers(
        options.workers, 2, url, books.runs, folder, binary=options.binary,
        visibility=10 if options.engine == "redis" else None)
    began = time.monotonic()
    producer = Producer(books, url)
    nemesis = Nemesis(options.seed, engine, proxy, workers)
    try:
        producer.start()
        while nemesis.count < faults or len(books.acknowledged) < tasks:
            time.sleep(nemesis.random.uniform(0.5, 3))
            workers.watch()
            if nemesis.count < faults:
                nemesis.strike()
            tell(options, f"{len(books.acknowledged):,} acknowledged, {books.lines():,} runs, {nemesis.count} faults")
            if time.monotonic() - began > options.limit:
                raise SystemExit(f"too slow: {len(books.acknowledged)} tasks in {options.limit} s")
        producer.ended.set()
        producer.join(60)
        client = connect(engine.port)
        waited, replayed, restarts = wait_for_results(books, client, workers, options.patience)
        found = books.close(client, decode) | {"left": left(client)}
    finally:
        producer.ended.set()
        workers.stop()
        proxy.close()
        engine.stop()
    return found | {
        "engine": options.engine, "workers": options.workers, "seed": options.seed,
        "faults": dict(sorted(nemesis.done.items())), "fault_count": nemesis.count,
        "refused": producer.errors, "worker_exits": workers.exits, "broker_starts": engine.starts,
        "replayed": replayed, "stuck_restarts": restarts, "seconds_until_quiet": round(waited, 1),
        "seconds": round(time.monotonic() - began)}


def tell(options, text):
    if not options.json:
        print(text, file=sys.stderr, flush=True)


def is_whole(found):
    return not (found["lost_count"] or found["unexpected_count"] or found["wrong_count"] or found["failed_count"])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--engine", choices=["martlet", "redis"], default="martlet")
    parser.add_argument("--workers", choices=["celery", "martlet"], default="celery")
    parser.add_argument("--binary", help="the martlet binary")
    parser.add_argument("--scale", type=float, default=1, help="1: 30,000 tasks and 50 faults")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=150, help="seconds without a new result after which it ends")
    parser.add_argument("--limit", type=float, default=3000, help="seconds for all faults and tasks")
    parser.add_argument("--json", action="store_true", help="print what was found as JSON, and nothing else")
    parser.add_argument("--keep", help="a folder for logs and data, which is then kept")
    options = parser.parse_args()
    if not options.binary and "martlet" in (options.engine, options.workers):
        parser.error("--binary is needed")
    with tempfile.TemporaryDirectory(prefix="martlet-loss-") as folder:
        if options.keep:
            folder = options.keep
            os.makedirs(folder)
        found = run(options, folder)
    print(json.dumps(found, indent=None if options.json else 1))
    # Redis is measured, not judged.
    if options.engine == "martlet" and not is_whole(found):
        sys.exit(1)


if __name__ == "__main__":
    main()
