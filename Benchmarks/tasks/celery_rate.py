"""celery_rate.py send COUNT | done: tasks for each second, sent by one stock producer, one after the other, while
nobody works on them; then done, from the first to the last, by workers that somebody starts meanwhile. Prints JSON.
"""

import json
import sys
import time

import redis
from bench_tasks import app, nothing


def main(what, count=0):
    client = redis.Redis.from_url(app.conf.broker_url)
    if what == "send":
        nothing.apply_async((0,), ignore_result=True)
        began = time.perf_counter()
        for number in range(count):
            nothing.apply_async((number,), ignore_result=True)
        print(json.dumps({"per_second": count / (time.perf_counter() - began)}))
        return
    # From the first task that is done to the last: the workers' own start is no work.
    total = client.llen("celery")
    while client.llen("celery") == total:
        time.sleep(0.005)
    left, began = client.llen("celery"), time.perf_counter()
    while client.llen("celery") or client.hlen("unacked"):
        time.sleep(0.01)
    print(json.dumps({"per_second": left / (time.perf_counter() - began)}))


main(sys.argv[1], *map(int, sys.argv[2:]))
