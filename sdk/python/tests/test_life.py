import os
import subprocess
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path

from fake_host import SDK, FakeHost, frames

SIMPLE = """
    import martlet
    class A(martlet.LitAPI):
        def setup(self, device):
            self.where = device
        def predict(self, x):
            return self.where
    """


class LifeTests(unittest.TestCase):
    def test_describing_loads_no_model_and_says_all_apis(self):
        source = """
            import martlet
            class A(martlet.LitAPI):
                def setup(self, device): raise SystemExit("loaded")
                def predict(self, x): return x
            server = martlet.LitServer(
                [
                    A(api_path="/a", max_batch_size=8, batch_timeout=0.01, batch_weight=100, weight_by="n"),
                    A(api_path="/b", stream=True),
                ],
                workers_per_device={"/a": 3}, timeout=False, max_payload_size="10MB", devices=2, accelerator="cpu",
            )
            if __name__ == "__main__":
                server.run(port=9000)
            raise RuntimeError("the file goes on after run()")
            """
        with FakeHost(source, purpose="describe") as host:
            self.assertEqual(host.ready.type, frames.READY)
            a, b = host.ready.meta["apis"]
            self.assertEqual((a["path"], a["max_batch"], a["batch_timeout_ms"], a["stream"]), ("/a", 8, 10, False))
            self.assertEqual([(one["batch_weight"], one["weight_by"]) for one in (a, b)], [(100, "n"), (None, None)])
            self.assertEqual((a["workers_per_device"], b["workers_per_device"]), (3, 1))
            self.assertEqual((a["timeout_ms"], a["max_body"], a["devices"]), (None, 10 << 20, ["cpu", "cpu"]))
            self.assertTrue(b["stream"])
            self.assertEqual(host.ready.meta["settings"]["health_path"], "/health")

    def test_a_file_that_runs_nothing_is_served_by_its_classes(self):
        with FakeHost(SIMPLE, device="cuda:3") as host:
            self.assertEqual(host.result({}), "cuda:3")
            self.assertRegex(host.ready.meta["version"], "^[0-9a-f]{12}$")

    def test_the_version_follows_the_applications_own_modules_alone(self):
        source = """
            import martlet, helper, json
            from package import part
            class A(martlet.LitAPI):
                def setup(self, device):
                    import late
                def predict(self, x): return x
            """
        others = {
            "helper.py": "from package.deep import value",
            "late.py": "",
            "package/__init__.py": "",
            "package/part.py": "",
            "package/deep.py": "value = 1",
            "unused.py": "",
            "venv/lib/python3/site-packages/thing.py": "",
        }

        def version(name=None):
            with FakeHost(source, others={**others, **({name: others[name] + "\n# edited"} if name else {})}) as host:
                return host.ready.meta["version"]

        first = version()
        for name in others:
            self.assertEqual(version(name) == first, name.startswith(("unused", "venv")), name)

    def test_modules_named_like_pythons_own_or_the_sdk_break_no_worker(self):
        others = {name: "raise RuntimeError('not the one')" for name in ("martlet.py", "json.py", "http.py", "asyncio.py")}
        with FakeHost(SIMPLE, others=others) as host:
            self.assertEqual(host.result({}), "cpu")
        with FakeHost(SIMPLE, name="json.py", application="json.py:A") as host:
            self.assertEqual(host.result({}), "cpu")
        module = textwrap.dedent(SIMPLE)
        with FakeHost("", application="inner.model", others={**others, "inner/model.py": module}) as host:
            self.assertEqual(host.result({}), "cpu")

    def test_a_named_object_of_a_file(self):
        with FakeHost(SIMPLE + "\n    other = A(api_path='/x')\n", application="model.py:other") as host:
            self.assertEqual(host.ready.meta["apis"][0]["path"], "/x")

    def test_a_file_that_cannot_be_loaded_says_so_with_its_traceback(self):
        fails = "import martlet\nclass A(martlet.LitAPI):\n  def setup(self, d): 1/0"
        for source in ("import no_such_module", "x = 1", fails):
            host = FakeHost(source)
            with host:
                self.assertEqual((host.ready.type, host.ready.id), (frames.ERROR, 0))
                self.assertIn(b"Traceback", host.ready.body)
                self.assertEqual(host.process.wait(5), 1)

    def test_the_worker_ends_with_its_socket_even_in_a_long_call(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x): time.sleep(60)
            class B(martlet.LitAPI):
                def decode_request(self, request): time.sleep(60)
                async def predict(self, x): pass
            server = martlet.LitServer([A(api_path="/a"), B(api_path="/b", enable_async=True)])
            """
        for api in ("/a", "/b"):
            with FakeHost(source, api=api) as host:
                host.execute(1)
                time.sleep(0.1)
                host.socket.close()
                self.assertEqual(host.process.wait(2), 0)

    def test_garbage_ends_the_connection(self):
        host = FakeHost(SIMPLE)
        with host:
            host.socket.sendall(b"\xff" * 64)
            self.assertEqual(host.process.wait(2), 1)

    def test_ping_is_answered_in_a_long_call(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x):
                    if x == "sleep": time.sleep(1)
                    until = time.monotonic() + 1
                    while time.monotonic() < until: sum(range(1000))
            """
        with FakeHost(source) as host:
            for kind in ("sleep", "spin"):
                host.execute(kind)
                time.sleep(0.05)
                began = time.monotonic()
                self.assertEqual(host.ping()["active"], 1)
                self.assertLess(time.monotonic() - began, 0.5)
                host.take(frames.RESULT)

    def test_draining_answers_what_is_there_and_ends(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x):
                    time.sleep(0.05)
                    return x
            """
        with FakeHost(source) as host:
            for number in range(3):
                host.execute(number)
            host.control(frames.DRAIN, {"grace_ms": 5000})
            self.assertEqual([host.take(frames.RESULT).json() for _ in range(3)], [0, 1, 2])
            self.assertEqual(host.process.wait(2), 0)

    def test_a_worker_that_does_not_end_in_its_grace_ends_nevertheless(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def predict(self, x): time.sleep(60)
            """
        with FakeHost(source) as host:
            host.execute(1)
            time.sleep(0.05)
            host.control(frames.DRAIN, {"grace_ms": 100})
            self.assertEqual(host.process.wait(2), 0)

    def test_standard_input_is_empty_and_the_socket_is_not_inherited(self):
        source = """
            import martlet, os, subprocess, sys
            class A(martlet.LitAPI):
                def predict(self, x):
                    words = ["ls", "-l", "/proc/self/fd"]
                    child = subprocess.run(words, capture_output=True, text=True, close_fds=False)
                    return [sys.stdin.read(), child.stdout.count("socket")]
            """
        with FakeHost(source) as host:
            self.assertEqual(host.result(1), ["", 0])

    def test_an_idle_worker_costs_nothing(self):
        with FakeHost(SIMPLE) as host:
            host.result(1)
            time.sleep(0.3)
            before = self._ticks(host.process.pid)
            time.sleep(1)
            self.assertLessEqual(self._ticks(host.process.pid) - before, 1)

    def _ticks(self, pid: int) -> int:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return int(fields[11]) + int(fields[12])

    def test_a_process_that_the_model_forks_does_not_hold_the_connection(self):
        source = """
            import martlet, os, time
            class A(martlet.LitAPI):
                def predict(self, x):
                    child = os.fork()
                    if child == 0:
                        time.sleep(5)
                        os._exit(0)
                    return child
            """
        with FakeHost(source) as host:
            child = host.result(1)
            host.process.kill()
            with self.assertRaises(EOFError):
                host.next(wait=2)
            os.kill(child, 9)

    def test_a_long_load_gives_signs_of_life_and_hears_the_end(self):
        source = """
            import martlet, time
            class A(martlet.LitAPI):
                def setup(self, device):
                    while True: sum(range(1000))
                def predict(self, x): return x
            """
        host = FakeHost(source, hello=False)
        with host:
            host.control(frames.HELLO, {"protocol": 1, "purpose": "serve", "api": None, "device": "cpu"})
            self.assertEqual(host.next(wait=10).type, frames.PROGRESS)
            self.assertEqual(host.ping(5)["active"], 0)

    def test_a_host_of_another_protocol_is_refused(self):
        host = FakeHost(SIMPLE, hello=False)
        with host:
            host.control(frames.HELLO, {"protocol": 2})
            self.assertEqual(host.process.wait(5), 1)

    def test_run_alone_becomes_martlet_serve(self):
        with tempfile.TemporaryDirectory() as folder:
            program = Path(folder) / "fake"
            program.write_text('#!/bin/sh\necho "$@"\n')
            program.chmod(0o755)
            file = Path(folder) / "server.py"
            file.write_text("import martlet\nmartlet.LitServer(martlet.LitAPI()).run(port=9123, host='127.0.0.1')\n")
            variables = {**os.environ, "MARTLET_BINARY": str(program), "PYTHONPATH": str(SDK)}
            variables.pop("MARTLET_WORKER", None)
            words = [sys.executable, str(file)]
            done = subprocess.run(words, env=variables, capture_output=True, text=True, timeout=20)
            expected = ["serve", str(file.resolve()), "--host", "127.0.0.1", "--port", "9123"]
            self.assertEqual(done.stdout.split(), [*expected, "--python", sys.executable])
