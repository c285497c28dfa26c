"""The faults, one after the other, at moments drawn by chance from a seed."""

import collections
import random
import time

KINDS = ["kill worker", "stop worker", "kill broker", "stop broker", "cut connections", "full disk", "torn write"]


class Nemesis:
    def __init__(self, seed, engine, proxy, workers):
        self.random = random.Random(seed)
        self.engine, self.proxy, self.workers = engine, proxy, workers
        self.done = collections.Counter()
        self._bag = []

    @property
    def count(self):
        return sum(self.done.values())

    def strike(self):
        """Each kind comes as often as the others."""
        if not self._bag:
            self._bag = self.random.sample(KINDS, len(KINDS))
        kind = self._bag.pop()
        self._do(kind, self.random.randrange(100), self.random.uniform(0.3, 2))
        self.done[kind] += 1

    def _do(self, kind, number, seconds):
        if kind == "kill worker":
            self.workers.kill(number)
        elif kind == "stop worker":
            self.workers.pause(number, seconds, time.sleep)
        elif kind == "kill broker":
            self.engine.kill()
            self.engine.start()
        elif kind == "stop broker":
            self.engine.pause(seconds)
        elif kind == "cut connections":
            self.proxy.cut()
        elif kind == "full disk":
            self.engine.fill_disk(seconds)
        else:
            self.engine.tear()
            self.engine.start()
