import time
import unittest

from fake_host import FakeHost, frames

MODEL = """
    import martlet, time
    class Count(martlet.LitAPI):
        def predict(self, x):
            try:
                for number in range(x["n"]):
                    time.sleep(x.get("pause", 0))
                    if number == x.get("fail_at"): raise ValueError("broken")
                    yield {"n": number} if not x.get("text") else "t%d" % number
            finally:
                print("closed", x["n"], flush=True)
    if __name__ == "__main__":
        martlet.LitServer([
            Count(stream=True, api_path="/one"),
            Count(stream=True, api_path="/turns", concurrent=4),
        ]).run()
    """


class StreamTests(unittest.TestCase):
    def test_items_come_one_by_one_in_order_and_end_once(self):
        with FakeHost(MODEL, api="/one") as host:
            chunks = host.stream(host.execute({"n": 1000}))
            self.assertEqual([chunk.json()["n"] for chunk in chunks[:-1]], list(range(1000)))
            self.assertEqual([chunk.status for chunk in chunks], list(range(1001)))
            self.assertEqual((chunks[-1].body, chunks[-1].flags), (b"", frames.LAST))
            self.assertEqual(chunks[0].body, b'{"n": 0}\n')
            chunks = host.stream(host.execute({"n": 2, "text": True}))
            self.assertEqual([chunk.body for chunk in chunks], [b"t0", b"t1", b""])

    def test_the_first_item_does_not_wait_for_the_second(self):
        with FakeHost(MODEL, api="/one") as host:
            began = time.monotonic()
            host.execute({"n": 2, "pause": 0.3})
            host.take(frames.CHUNK)
            self.assertLess(time.monotonic() - began, 0.55)

    def test_without_credit_the_generator_stands_still(self):
        with FakeHost(MODEL, api="/one") as host:
            id = host.execute({"n": 1000})
            for _ in range(frames.CREDIT_CHUNKS):
                host.take(frames.CHUNK)
            self.assertEqual(host.ping()["active"], 1)
            with self.assertRaises(AssertionError):
                host.next(wait=0.2)
            host.grant(id, 10, 1000)
            for _ in range(10):
                host.take(frames.CHUNK)
            host.cancel(id)
            self.assertEqual(host.take(frames.CANCELLED).meta["phase"], "streaming")

    def test_a_reader_that_does_not_read_stalls_only_its_own_generator(self):
        with FakeHost(MODEL, api="/turns") as host:
            slow = host.execute({"n": 1000})
            for _ in range(frames.CREDIT_CHUNKS):
                self.assertEqual(host.take(frames.CHUNK).id, slow)
            self.assertEqual(len(host.stream(host.execute({"n": 500}))), 501)
            host.cancel(slow)
            self.assertEqual(host.take(frames.CANCELLED).id, slow)

    def test_an_error_in_the_middle_ends_the_stream_as_an_error(self):
        with FakeHost(MODEL, api="/one") as host:
            chunks = host.stream(host.execute({"n": 5, "fail_at": 3}))
            self.assertEqual([chunk.type for chunk in chunks], [frames.CHUNK] * 3 + [frames.ERROR])
            self.assertIn("ValueError: broken", host.logs[-1]["message"])

    def test_a_batched_stream_yields_a_list_a_step(self):
        source = """
            import martlet
            class Steps(martlet.LitAPI):
                def decode_request(self, request): return request["x"]
                def predict(self, xs):
                    for step in range(3): yield [x * step for x in xs]
                def encode_response(self, outputs):
                    for output in outputs: yield [{"o": one} for one in output]
            server = martlet.LitServer(Steps(stream=True, max_batch_size=4))
            """
        with FakeHost(source) as host:
            ids = host.batch([({}, b'{"x": 1}'), ({}, b'{"x": 10}'), ({}, b"{}")])
            got = [host.next() for _ in range(9)]
            by_id = {id: [one.body for one in got if one.id == id] for id in ids}
            self.assertEqual(by_id[ids[0]], [b'{"o": 0}\n', b'{"o": 1}\n', b'{"o": 2}\n', b""])
            self.assertEqual(by_id[ids[1]], [b'{"o": 0}\n', b'{"o": 10}\n', b'{"o": 20}\n', b""])
            self.assertEqual([one.type for one in got if one.id == ids[2]], [frames.ERROR])
