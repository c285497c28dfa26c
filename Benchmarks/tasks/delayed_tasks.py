"""delayed_tasks.py ready [QUEUE] | send COUNT: waits for a worker, or sends tasks that are due in an hour and tells how
long their messages are together. Prints JSON.
"""

import datetime
import json
import sys

from bench_tasks import app, nothing, ready


def main(what, which="celery"):
    if what == "ready":
        print(json.dumps({"ready": ready.apply_async(queue=which).get(timeout=60)}))
        return
    due = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)
    sent = 0

    # The message as it goes to the broker.
    with app.producer_pool.acquire(block=True) as producer:
        channel = producer.channel
        put = channel._put

        def weighed(queue, message, **settings):
            nonlocal sent
            sent += len(json.dumps(message))
            return put(queue, message, **settings)

        channel._put = weighed
        for number in range(int(which)):
            nothing.apply_async((number,), eta=due, ignore_result=True, producer=producer)
    print(json.dumps({"payload_bytes": sent}))


main(*sys.argv[1:])
