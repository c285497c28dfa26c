"""What the workers behind Flower run."""

import os

from celery import Celery

app = Celery("peer", broker=os.environ["PEER_URL"], backend=os.environ["PEER_URL"])
app.conf.update(
    broker_connection_retry_on_startup=True, worker_pool_restarts=True, worker_send_task_events=True,
    task_send_sent_event=True)


@app.task(name="peer.add")
def add(left, right):
    return left + right
