import time
import unittest

from fake_host import FakeHost, frames


class CancelTests(unittest.TestCase):
    def test_a_waiting_request_is_given_up_at_once_and_never_computed(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x):
                    print("computes", x, flush=True)
                    time.sleep(0.4)
                    return x
            """
        with FakeHost(source) as host:
            first = host.execute(1)
            waiting = host.execute(2)
            time.sleep(0.1)
            host.cancel(waiting)
            got = host.take(frames.CANCELLED, wait=0.2)
            self.assertEqual((got.id, got.meta["phase"], got.meta["compute_ms"]), (waiting, "waiting", 0.0))
            self.assertEqual(host.take(frames.RESULT).id, first)
            self.assertEqual(host.result(3), 3)
            self.assertNotIn("computes 2", host.output())

    def test_a_generator_is_closed_at_its_next_yield(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x):
                    try:
                        for number in range(1000):
                            print("step", number, flush=True)
                            time.sleep(0.02)
                            yield "x"
                    finally:
                        print("closed", flush=True)
            api = A(stream=True)
            """
        with FakeHost(source) as host:
            id = host.execute(1)
            for _ in range(3):
                host.take(frames.CHUNK)
            host.cancel(id)
            while True:
                got = host.take(frames.CHUNK, frames.CANCELLED)
                if got.type == frames.CANCELLED:
                    break
            self.assertEqual(got.meta["phase"], "streaming")
            self.assertGreater(got.meta["compute_ms"], 40)
            self.assertIn("closed", host.output())
            self.assertLess(host.output().count("step"), 7)

    def test_a_synchronous_call_that_asks_stops(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x, context):
                    for _ in range(500):
                        time.sleep(0.01)
                        if x == "ask" and context.cancelled: return "stopped"
                        if x == "check": context.check()
                    return "whole"
                def on_cancel(self, request_id): print("told", request_id, flush=True)
            """
        with FakeHost(source) as host:
            for kind in ("ask", "check"):
                id = host.execute(kind, id="name-" + kind)
                time.sleep(0.1)
                host.cancel(id)
                got = host.take(frames.CANCELLED, wait=1)
                self.assertEqual((got.id, got.meta["phase"]), (id, "computing"))
                self.assertIn("told name-" + kind, host.output())
            self.assertEqual(host.logs, [])

    def test_an_interruptible_call_is_ended_by_an_exception(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x):
                    if x == "short": return x
                    try:
                        while True: time.sleep(0.001)
                    except Exception:
                        return "swallowed"
            api = A(interrupt=True)
            """
        with FakeHost(source) as host:
            for _ in range(5):
                id = host.execute("long")
                time.sleep(0.05)
                host.cancel(id)
                self.assertEqual(host.take(frames.CANCELLED, wait=1).id, id)
                self.assertEqual(host.result("short"), "short")

    def test_a_cancelled_item_of_a_batch_leaves_its_siblings_alone(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, xs, context):
                    until = time.monotonic() + 0.3
                    while time.monotonic() < until:
                        time.sleep(0.01)
                        context.check()
                    return [x * 2 for x in xs]
            api = A(max_batch_size=8)
            """
        with FakeHost(source) as host:
            ids = host.batch([({}, b"1"), ({}, b"2"), ({}, b"3")])
            time.sleep(0.1)
            host.cancel(ids[1])
            got = {one.id: one for one in (host.next() for _ in range(3))}
            self.assertEqual(got[ids[1]].type, frames.CANCELLED)
            self.assertEqual([got[ids[0]].json(), got[ids[2]].json()], [2, 6])
            ids = host.batch([({}, b"1"), ({}, b"2")])
            time.sleep(0.05)
            began = time.monotonic()
            host.cancel(*ids)
            self.assertEqual([host.take(frames.CANCELLED).id for _ in ids], ids)
            self.assertLess(time.monotonic() - began, 0.2)

    def test_a_coroutine_is_cancelled(self):
        source = """
            import martlet, asyncio
            class A(martlet.LitAPI):
                async def predict(self, x):
                    try:
                        await asyncio.sleep(30)
                    finally:
                        print("finally", flush=True)
            class S(martlet.LitAPI):
                async def predict(self, x):
                    try:
                        while True:
                            await asyncio.sleep(0.01)
                            yield "x"
                    finally:
                        print("finally", flush=True)
            server = martlet.LitServer([
                A(enable_async=True, api_path="/a"),
                S(enable_async=True, stream=True, api_path="/s"),
            ])
            """
        for api in ("/a", "/s"):
            with FakeHost(source, api=api) as host:
                id = host.execute(1)
                time.sleep(0.1)
                host.cancel(id)
                while host.take(frames.CHUNK, frames.CANCELLED, wait=1).type != frames.CANCELLED:
                    pass
                self.assertIn("finally", host.output())
                self.assertEqual(host.ping()["active"], 0)

    def test_cancelling_what_has_ended_or_never_was_is_nothing(self):
        source = """
            import martlet
            class A(martlet.LitAPI):
                def predict(self, x): return x
            """
        with FakeHost(source) as host:
            self.assertEqual(host.result(1), 1)
            host.cancel(1, 99)
            self.assertEqual(host.result(2), 2)

    def test_many_at_random_end_exactly_once(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, xs):
                    for step in range(5):
                        time.sleep(0.001)
                        yield [x * 10 + step for x in xs]
            api = A(stream=True, max_batch_size=4)
            """
        with FakeHost(source) as host:
            ids = []
            for start in range(0, 60, 3):
                ids += host.batch([({}, str(number).encode()) for number in range(start, start + 3)])
                host.cancel(*ids[-3:][start % 3 :][:1])
            kept = {id: [] for id in ids}
            while len(host.ended) < len(ids) or host._got:
                got = host.next()
                kept[got.id].append(got)
            for number, id in enumerate(ids):
                if kept[id][-1].type == frames.CHUNK:
                    self.assertEqual([one.json() for one in kept[id][:-1]], [number * 10 + step for step in range(5)])
                else:
                    self.assertEqual(kept[id][-1].type, frames.CANCELLED)
