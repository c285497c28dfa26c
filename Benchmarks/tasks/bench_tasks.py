"""What stock Celery workers run here: nothing."""

import os

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_URL"], backend=os.environ["BENCH_URL"])
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=4)


@app.task(name="bench.nothing")
def nothing(*arguments):
    return None


@app.task(name="bench.ready", ignore_result=False)
def ready():
    return "ready"
