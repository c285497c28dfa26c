"""The example worker in C against the protocol, built with the checks of the compiler for memory and arithmetic."""

import random
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

SDK = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(SDK.parent / "python/tests"))

from fake_host import FakeHost, frames  # noqa: E402

FLAGS = ["-std=c11", "-g", "-O1", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsanitize=address,undefined"]


def setUpModule():
    global folder, program
    folder = tempfile.TemporaryDirectory()
    program = folder.name + "/histogram"
    sources = [str(SDK / "example/histogram.c"), str(SDK / "martlet_worker.c")]
    # Swift brings clang along.
    compiler = shutil.which("clang") or "cc"
    subprocess.run([compiler, *FLAGS, "-fno-sanitize-recover=all", "-I", str(SDK), "-o", program, *sources], check=True)


def tearDownModule():
    folder.cleanup()


def worker(api="/histogram", **more):
    return FakeHost("", api=api, command=[program], **more)


def counts(body):
    return [body.count(bytes([byte])) for byte in range(256)]


class WorkerTests(unittest.TestCase):
    def test_it_describes_all_its_apis_and_serves_the_one_it_is_asked_for(self):
        with worker(purpose="describe") as host:
            apis = host.ready.meta["apis"]
            self.assertEqual([(one["path"], one["stream"]) for one in apis], [("/histogram", False), ("/countdown", True)])
            self.assertEqual((apis[0]["methods"], host.ready.meta["version"]), (["POST"], "1"))
        with worker() as host:
            self.assertEqual([one["path"] for one in host.ready.meta["apis"]], ["/histogram"])
        with worker(api="/nowhere") as host:
            self.assertEqual((host.ready.type, host.ready.id), (frames.ERROR, 0))
            self.assertEqual(host.process.wait(5), 1)

    def test_bodies_of_any_length_and_many_at_once(self):
        with worker() as host:
            for body in (b"", b"a", bytes(range(256)) * 1500):
                host.execute(body=body)
                self.assertEqual(host.take(frames.RESULT).json(), counts(body))
            ids = host.batch([({}, b"x" * size) for size in range(20)])
            got = [host.take(frames.RESULT) for _ in ids]
            self.assertEqual([(one.id, one.json()[ord("x")]) for one in got], list(zip(ids, range(20))))

    def test_a_body_that_is_not_whole_lets_others_pass(self):
        with worker() as host:
            first = frames.item(77, 0, frames.MORE, b"", b"aa")
            host.socket.sendall(frames.data(frames.EXEC, [first]))
            other = host.execute(body=b"b")
            self.assertEqual(host.take(frames.RESULT).id, other)
            host.socket.sendall(frames.data(frames.BODY, [frames.item(77, 0, 0, b"", b"a")]))
            got = host.take(frames.RESULT)
            self.assertEqual((got.id, got.json()[ord("a")]), (77, 3))

    def test_a_stream_waits_for_credit(self):
        with worker(api="/countdown") as host:
            id = host.execute({"from": frames.CREDIT_CHUNKS + 3})
            got = [host.take(frames.CHUNK) for _ in range(frames.CREDIT_CHUNKS)]
            self.assertEqual((got[0].meta["type"], got[1].meta), ("text/plain; charset=utf-8", {}))
            with self.assertRaises(AssertionError):
                host.next(wait=0.1)
            self.assertEqual(host.ping()["active"], 1)
            host.grant(id, 10, 1000)
            got += [host.take(frames.CHUNK) for _ in range(4)]
            self.assertTrue(got[-1].flags & frames.LAST)
            said = b"".join(one.body for one in got).split()
            self.assertEqual([int(one) for one in said], list(range(frames.CREDIT_CHUNKS + 3, 0, -1)))
            self.assertEqual([one.status for one in got], list(range(len(got))))

    def test_what_runs_stops_and_what_waits_is_never_computed(self):
        with worker(api="/countdown") as host:
            running, waiting, last = (host.execute({"from": number}) for number in (1000, 1000, 1))
            host.take(frames.CHUNK)
            host.cancel(waiting, 999)
            while (got := host.take(frames.CHUNK, frames.CANCELLED)).type == frames.CHUNK:
                pass
            self.assertEqual((got.id, got.meta["phase"]), (waiting, "waiting"))
            host.cancel(running)
            while (got := host.take(frames.CHUNK, frames.CANCELLED)).type == frames.CHUNK:
                self.assertEqual(got.id, running)
            self.assertEqual((got.id, got.meta["phase"]), (running, "streaming"))
            self.assertGreater(got.meta["compute_ms"], 0)
            self.assertEqual(b"".join(one.body for one in host.stream(last)), b"1\n")
            self.assertIn("nobody listens", host.logs[0]["message"])

    def test_a_request_that_is_wrong_fails_alone(self):
        with worker(api="/countdown") as host:
            for value in ({}, [], "x", {"from": [1]}, {"from": None}, {"x": {"from": 3}}):
                host.execute(value)
                got = host.take(frames.ERROR)
                self.assertEqual((got.status, got.meta["code"], got.meta["scope"]), (400, "no_number", "item"))
            self.assertEqual(len(host.stream(host.execute({"a": {"from": 9}, "b": "\\\"", "from": "2"}))), 3)

    def test_drained_it_ends_what_it_has_and_then_itself(self):
        with worker(api="/countdown") as host:
            id = host.execute({"from": 5})
            host.control(frames.DRAIN, {"grace_ms": 5000})
            self.assertEqual(len(host.stream(id)), 6)
            self.assertEqual(host.process.wait(5), 0)

    def test_the_end_of_the_line_is_its_end(self):
        with worker() as host:
            host.socket.close()
            self.assertEqual(host.process.wait(5), 0)

    def test_garbage_ends_it_and_never_traps_it(self):
        chance = random.Random(7)
        whole = frames.data(frames.EXEC, [frames.item(1, 0, 0, b'{"op":"predict"}', b"abc")])
        orders = [frames.control(frames.CANCEL, {"ids": [1, 2]}), frames.control(frames.DRAIN, {"grace_ms": 1})]
        for _ in range(60):
            sent = bytearray(whole + chance.choice(orders) + frames.control(frames.PING, id=3))
            for _ in range(chance.randint(1, 6)):
                sent[chance.randrange(len(sent))] = chance.choice((0, 1, 0x22, 0x5B, 0x5C, 0x7B, 0xFF, chance.randrange(256)))
            with worker() as host:
                host.socket.sendall(bytes(sent))
                host.socket.close()
                host.process.wait(5)
                self.assertIn(host.process.returncode, (0, 1), host.output())
                self.assertNotIn("Sanitizer", host.output())
                self.assertNotIn("runtime error", host.output())


if __name__ == "__main__":
    unittest.main()
