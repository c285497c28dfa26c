"""What was sent, what ran, what was committed: Jepsen's total-queue over ids of tasks."""

import collections
import pathlib

import redis

from runlines import LINE


class Books:
    def __init__(self, runs):
        self.runs = pathlib.Path(runs)
        self.runs.mkdir()
        # {id: number}
        self.attempted, self.acknowledged = {}, {}

    def executed(self):
        """How often each id ran."""
        counts = collections.Counter()
        for path in self.runs.iterdir():
            data = path.read_bytes()
            for start in range(0, len(data) - LINE + 1, LINE):
                counts[data[start : start + 36].decode()] += 1
        return counts

    def lines(self):
        return sum(path.stat().st_size for path in self.runs.iterdir()) // LINE

    def results(self, client, ids):
        """{id: JSON text or None}, asked for piece by piece."""
        found, ids = {}, list(ids)
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            found |= zip(part, client.mget([f"celery-task-meta-{id}" for id in part]))
        return found

    def close(self, client, decode):
        """The verdict. `decode` reads a result: its state and its value."""
        results = self.results(client, self.attempted)
        committed = {id: decode(text) for id, text in results.items() if text is not None}
        done = {id for id, (state, _) in committed.items() if state == "SUCCESS"}
        every = {
            key.decode().removeprefix("celery-task-meta-")
            for key in client.scan_iter("celery-task-meta-*", count=5000)}
        executed = self.executed()
        unexpected = (every | set(executed)) - set(self.attempted)
        return {
            "attempted": len(self.attempted), "acknowledged": len(self.acknowledged),
            "committed": len(done),
            "lost": sorted(set(self.acknowledged) - done)[:20], "lost_count": len(set(self.acknowledged) - done),
            "unexpected_count": len(unexpected),
            "wrong_count": sum(committed[id][1] != self.attempted[id] for id in done),
            "failed_count": len(committed) - len(done),
            "recovered": len(done - set(self.acknowledged)),
            "duplicated": sum(count > 1 for count in executed.values()),
            "executions": sum(executed.values()),
            "most_executions": max(executed.values(), default=0),
        }


def connect(port):
    return redis.Redis(port=port, socket_timeout=30)


def left(client):
    """What is still in the queue or taken, and what was put aside."""
    lists = ["loss"] + [f"loss\x06\x16{step}" for step in (3, 6, 9)]
    return {
        "queued": sum(client.llen(name) for name in lists), "taken": client.hlen("unacked"),
        "dead": client.llen("loss.dead")}
