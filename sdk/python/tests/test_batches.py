import unittest

from fake_host import FakeHost, frames

from martlet import LitAPI, LitServer

MODEL = """
    import martlet
    class OutOfMemoryError(RuntimeError): pass
    class A(martlet.LitAPI):
        def decode_request(self, request):
            return request["x"]
        def predict(self, xs):
            print("batch", len(xs), flush=True)
            if 13 in xs: raise ValueError("unlucky")
            if len(xs) > 4: raise OutOfMemoryError("CUDA out of memory")
            if -1 in xs: return xs[:-1]
            return [x * 2 for x in xs]
        def encode_response(self, y):
            if y == 8: raise ValueError("not eight")
            return {"y": y}
    api = A(max_batch_size=16)
    """


def bodies(*numbers):
    return [({}, b'{"x": %d}' % number) for number in numbers]


class BatchTests(unittest.TestCase):
    def test_a_bound_on_weight_that_makes_no_sense_is_refused(self):
        class ByClass(LitAPI):
            batch_weight = 5

        for wrong in ({"batch_weight": 0}, {"batch_weight": 1 << 31}, {"batch_weight": 0.5}):
            with self.assertRaisesRegex(ValueError, "whole number"):
                LitAPI(weight_by="n", **wrong)
        for make in (ByClass, lambda: LitAPI(batch_weight=5)):
            with self.assertRaisesRegex(ValueError, "needs weight_by"):
                make()
        self.assertEqual(ByClass(weight_by="n").batch_weight, 5)
        self.assertIsNone(LitAPI(weight_by="n").batch_weight, "a configuration may say it")

    def test_a_bound_on_weight_that_would_have_no_effect_is_refused(self):
        class Continuous(LitAPI):
            def add(self, uid, x): ...

            def step(self): ...

        weights = {"batch_weight": 5, "weight_by": "n"}
        with self.assertRaisesRegex(ValueError, "max_batch_size above 1"):
            LitServer(LitAPI(**weights))
        with self.assertRaisesRegex(ValueError, "continuous"):
            LitServer(Continuous(max_batch_size=8, **weights))
        LitServer(LitAPI(**weights), max_batch_size=8)
        LitServer([LitAPI(weight_by="n"), Continuous(max_batch_size=8, api_path="/c")])

    def test_results_of_a_batch_in_one_frame_and_one_wrong_request_alone(self):
        with FakeHost(MODEL) as host:
            ids = host.batch(bodies(1, 2) + [({}, b"{}"), ({}, b"{")] + bodies(4))
            got = {one.id: one for one in (host.next() for _ in ids)}
            self.assertEqual([got[id].status for id in ids], [200, 200, 500, 400, 500])
            self.assertEqual(got[ids[1]].json(), {"y": 4})
            self.assertEqual(got[ids[4]].meta["scope"], "item")

    def test_a_failed_call_is_the_whole_batchs(self):
        with FakeHost(MODEL) as host:
            for numbers, scope in (((1, 13), "batch"), ((13,), "item"), ((1, -1), "batch")):
                ids = host.batch(bodies(*numbers))
                got = [host.take(frames.ERROR) for _ in ids]
                self.assertEqual({one.meta["scope"] for one in got}, {scope})
            self.assertEqual(host.result({"x": 1}), {"y": 2})

    def test_out_of_memory_halves_the_batch_and_remembers(self):
        with FakeHost(MODEL) as host:
            host.batch(bodies(*range(20, 36)))
            got = [host.next() for _ in range(18)]
            self.assertEqual([one.meta["max_batch"] for one in got if one.type == frames.LIMIT], [8, 4])
            self.assertEqual([one.json()["y"] for one in got if one.type == frames.RESULT], list(range(40, 72, 2)))
            host.batch(bodies(*range(20, 28)))
            self.assertEqual([host.take(frames.RESULT).json()["y"] for _ in range(8)], list(range(40, 56, 2)))
            lines = [line for line in host.output().splitlines() if line.startswith("batch")]
            self.assertEqual(lines, ["batch 16", "batch 8"] + ["batch 4"] * 6)

    def test_coroutines_may_be_batched(self):
        source = """
            import martlet, asyncio
            class A(martlet.LitAPI):
                async def predict(self, xs):
                    await asyncio.sleep(0.01)
                    return [x + len(xs) for x in xs]
            class S(martlet.LitAPI):
                async def predict(self, xs):
                    for step in range(2):
                        await asyncio.sleep(0.001)
                        yield [x + step for x in xs]
            server = martlet.LitServer([
                A(enable_async=True, max_batch_size=4, api_path="/a"),
                S(enable_async=True, max_batch_size=4, stream=True, api_path="/s"),
            ])
            """
        with FakeHost(source, api="/a") as host:
            host.batch([({}, b"1"), ({}, b"2")])
            self.assertEqual([host.take(frames.RESULT).json() for _ in range(2)], [3, 4])
        with FakeHost(source, api="/s") as host:
            ids = host.batch([({}, b"1"), ({}, b"5")])
            got = [host.take(frames.CHUNK) for _ in range(6)]
            self.assertEqual([one.body for one in got if one.id == ids[1]], [b"5\n", b"6\n", b""])

    def test_asynchronous_calls_run_side_by_side(self):
        source = """
            import martlet, asyncio, time
            class A(martlet.LitAPI):
                def decode_request(self, request): return request
                async def predict(self, x):
                    await asyncio.sleep(0.2)
                    return x
            api = A(enable_async=True)
            """
        import time

        with FakeHost(source) as host:
            self.assertGreaterEqual(host.ready.meta["apis"][0]["concurrent"], 50)
            began = time.monotonic()
            for number in range(50):
                host.execute(number)
            self.assertEqual(sorted(host.take(frames.RESULT).json() for _ in range(50)), list(range(50)))
            self.assertLess(time.monotonic() - began, 2)

    def test_continuous_batching_with_both_sets_of_names(self):
        source = """
            import martlet
            class Ours(martlet.LitAPI):
                def setup(self, device): self.active = {}
                def has_capacity(self): return len(self.active) < 2
                def add(self, uid, x): self.active[uid] = [x, 0]
                def remove(self, uid):
                    print("removed", flush=True)
                    del self.active[uid]
                def step(self):
                    made = []
                    for uid, state in list(self.active.items()):
                        state[1] += 1
                        made.append((uid, "%s%d " % (state[0], state[1]), state[1] == 3 and state[0] != "endless"))
                        if made[-1][2]: del self.active[uid]
                    return made
            class Theirs(Ours):
                def add_request(self, uid, x): self.active[uid] = [x, 0]
                add = None
                def step(self, previous):
                    from litserve.loops import Output
                    from litserve.utils import LitAPIStatus
                    names = {True: LitAPIStatus.FINISH_STREAMING, False: LitAPIStatus.OK}
                    return [Output(uid, output, names[end]) for uid, output, end in Ours.step(self)]
            server = martlet.LitServer([
                Ours(stream=True, api_path="/o", max_batch_size=8),
                Theirs(stream=True, api_path="/t"),
            ])
            """
        for api in ("/o", "/t"):
            with FakeHost(source, api=api) as host:
                ids = [host.execute(name) for name in ("a", "b", "c")]
                got = [host.take(frames.CHUNK) for _ in range(12)]
                for id, name in zip(ids, "abc"):
                    text = b"".join(one.body for one in got if one.id == id)
                    self.assertEqual(text.decode(), "{0}1 {0}2 {0}3 ".format(name))
                endless = host.execute("endless")
                host.take(frames.CHUNK)
                host.cancel(endless)
                while host.take(frames.CHUNK, frames.CANCELLED).type != frames.CANCELLED:
                    pass
                self.assertIn("removed", host.output())
