"""What the workers of the loss checker run. Each run leaves one line in a file, before the result is stored."""

import os
import time

from celery import Celery

import runlines

app = Celery("loss", broker=os.environ["LOSS_URL"], backend=os.environ["LOSS_URL"])
app.conf.update(
    task_default_queue="loss",
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    task_publish_retry=False,
    worker_prefetch_multiplier=4,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={
        "visibility_timeout": int(os.environ.get("LOSS_VISIBILITY", "3600")),
        # How often kombu looks for what is overdue: every 100 seconds as it comes.
        "unacked_restore_interval": int(os.environ.get("LOSS_RESTORE", "10")),
        "unacked_restore_throttle": 1 if "LOSS_RESTORE" in os.environ else 10,
    },
    # Or a connection that is cut while a result is stored makes a failure of a task that was done.
    result_backend_always_retry=True,
    result_expires=86400,
)


def leave_line(task, number):
    """One write to a file opened for appending: it is there as a whole, whoever is killed right after it."""
    path = os.path.join(os.environ["LOSS_RUNS"], str(os.getpid()))
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, runlines.line(task, number))
    finally:
        os.close(descriptor)


@app.task(bind=True, name="loss.work")
def work(self, number, seconds=0):
    leave_line(self.request.id, number)
    if seconds:
        time.sleep(seconds)
    return number
