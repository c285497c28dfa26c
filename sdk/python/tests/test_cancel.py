import textwrap
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

    def test_an_items_own_check_does_not_end_the_call_of_its_batch(self):
        calls = {
            "own check": "for context in contexts: context.check()",
            "raised": "if any(one.cancelled for one in contexts): raise martlet.RequestCancelled",
        }
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, xs, context):
                    contexts = context
                    print("computes", len(xs), flush=True)
                    for _ in range(60):
                        time.sleep(0.01)
                        {look}
                    return [x * 2 for x in xs]
            class C(martlet.LitAPI):
                async def predict(self, xs, context):
                    import asyncio
                    contexts = context
                    for _ in range(60):
                        await asyncio.sleep(0.01)
                        {look}
                    return [x * 2 for x in xs]
            server = martlet.LitServer([
                A(max_batch_size=8, api_path="/a"), C(max_batch_size=8, enable_async=True, api_path="/c")
            ])
            """
        for look in calls.values():
            for api in ("/a", "/c"):
                with FakeHost(source.replace("{look}", look), api=api) as host:
                    ids = host.batch([({}, b"1"), ({}, b"2"), ({}, b"3")])
                    time.sleep(0.1)
                    host.cancel(ids[1])
                    got = {one.id: one for one in (host.next() for _ in range(3))}
                    self.assertEqual(got[ids[1]].type, frames.CANCELLED)
                    self.assertEqual([got[ids[0]].json(), got[ids[2]].json()], [2, 6])
                    self.assertEqual(host.logs, [])

    def test_siblings_of_a_batched_stream_get_all_of_it(self):
        source = """
            import asyncio, martlet, time
            def look(context):
                if LATE: context[1].check()
                elif any(one.cancelled for one in context): raise martlet.RequestCancelled
            class A(martlet.LitAPI):
                def predict(self, xs, context):
                    for step in range(20):
                        time.sleep(0.03)
                        if LATE or step < 10: look(context)
                        if LATE or step >= 10: yield [x * 100 + step for x in xs]
            class C(martlet.LitAPI):
                async def predict(self, xs, context):
                    for step in range(20):
                        await asyncio.sleep(0.03)
                        if LATE or step < 10: look(context)
                        if LATE or step >= 10: yield [x * 100 + step for x in xs]
            server = martlet.LitServer([
                A(max_batch_size=8, stream=True, api_path="/a"),
                C(max_batch_size=8, stream=True, enable_async=True, api_path="/c"),
            ])
            """
        for late in (True, False):
            for api in ("/a", "/c"):
                with FakeHost(f"LATE = {late}\n" + textwrap.dedent(source), api=api) as host:
                    ids = host.batch([({}, b"1"), ({}, b"2"), ({}, b"3")])
                    time.sleep(0.05)
                    host.cancel(ids[1])
                    said = {id: [] for id in ids}
                    while len(host.ended) < 3 or host._got:
                        got = host.take(frames.CHUNK, frames.CANCELLED)
                        said[got.id].append(got)
                    self.assertEqual(said[ids[1]][-1].type, frames.CANCELLED)
                    for number, id in ((1, ids[0]), (3, ids[2])):
                        steps = [number * 100 + step for step in range(0 if late else 10, 20)]
                        self.assertEqual([got.json() for got in said[id][:-1]], steps)
                    self.assertEqual(host.logs, [])

    def test_a_step_that_gives_up_stops_for_those_who_left(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def setup(self, device):
                    self.running = {}
                def decode_request(self, request, context):
                    return request, context
                def add(self, uid, given): self.running[uid] = [given, 0]
                def remove(self, uid): self.running.pop(uid)
                def step(self):
                    time.sleep(0.03)
                    made = []
                    for uid, run in list(self.running.items()):
                        (number, context), steps = run
                        context.check()
                        run[1] += 1
                        finished = run[1] == 20
                        if finished: self.running.pop(uid)
                        made.append((uid, number * 2 if finished else None, finished))
                    return made
            api = A(max_batch_size=4)
            """
        with FakeHost(source) as host:
            ids = [host.execute(number) for number in (1, 2, 3)]
            time.sleep(0.08)
            host.cancel(ids[1])
            got = {one.id: one for one in (host.next() for _ in range(3))}
            self.assertEqual(got[ids[1]].type, frames.CANCELLED)
            self.assertEqual([got[ids[0]].json(), got[ids[2]].json()], [2, 6])

    def test_a_model_that_gives_up_while_all_wait_has_failed(self):
        source = """
            import martlet
            class A(martlet.LitAPI):
                def predict(self, xs): raise martlet.RequestCancelled
            api = A(max_batch_size=8)
            """
        with FakeHost(source) as host:
            ids = host.batch([({}, b"1"), ({}, b"2")])
            self.assertEqual([host.take(frames.ERROR).id for _ in ids], ids)

    def test_an_interruption_meets_its_own_stream_alone(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x):
                    for step in range(30):
                        until = time.monotonic() + 0.02
                        while time.monotonic() < until: pass
                        yield step
            api = A(stream=True, interrupt=True, concurrent=2)
            """
        for _ in range(3):
            with FakeHost(source) as host:
                first, second = host.execute(1), host.execute(2)
                time.sleep(0.2)
                host.cancel(first)
                steps = []
                while len(host.ended) < 2 or host._got:
                    got = host.take(frames.CHUNK, frames.CANCELLED)
                    if got.id == second:
                        steps.append(got)
                    elif got.type == frames.CANCELLED:
                        self.assertEqual(got.id, first)
                self.assertEqual([got.json() for got in steps[:-1]], list(range(30)))

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
