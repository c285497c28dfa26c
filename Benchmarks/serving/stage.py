"""One model file behind Martlet or behind LitServe: started alike, asked alike."""

import contextlib
import http.client
import os
import pathlib
import signal
import subprocess
import time

import harness
import ledger

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = harness.HERE.parent / ".martlet/venv-bench/bin/python"
PATIENCE = 60


class ModelServer(harness.Server):
    """A server of one of `models/`."""

    def wait_until_serving(self, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            with contextlib.suppress(OSError):
                if get(self.port, "/health") == 200:
                    return self
            time.sleep(0.05)
        raise SystemExit(f"{self.name} does not serve; it said:\n{pathlib.Path(self.log).read_text()[-3000:]}")

    def stop(self):
        # LitServe's processes outlive the one that was started.
        processes = ledger.tree(self.process.pid)
        super().stop()
        for pid in processes:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@contextlib.contextmanager
def serve(bench, side, model, **settings):
    """`side`: martlet, litserve, or `litserve-fast` with its `fast_queue`. `settings` become the file's environment."""
    if not PYTHON.exists():
        raise SystemExit("`./martlet bench --only serving` installs what these measures need")
    port, file = harness.free_port(), HERE / "models" / f"{model}.py"
    environment = dict(os.environ, PORT=str(port), MARTLET_HOME=str(harness.HERE.parent))
    environment |= {name: str(value) for name, value in settings.items()}
    if side == "martlet":
        console = harness.free_port()
        command = [
            bench.binary, "serve", str(file), "--port", str(port), "--python", str(PYTHON),
            "--console", f"127.0.0.1:{console}"]
    else:
        environment["FAST_QUEUE"] = "1" if side == "litserve-fast" else "0"
        command = [str(PYTHON), str(file)]
    server = bench.start(f"{side}-{model}", command, port, kind=ModelServer, environment=environment)
    if side == "martlet":
        server.console = console
    try:
        yield server
    finally:
        bench.stop(server)


def turns(sides, rounds):
    """A B B A …"""
    for number in range(rounds):
        yield from sides if number % 2 == 0 else reversed(sides)


def post(path, body):
    return (
        f"POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}").encode()


def asked(bench, server, body, *flags, path="/predict"):
    """A load report; every answer must be right."""
    url = f"http://127.0.0.1:{server.port}{path}"
    load = subprocess.Popen(
        [bench.binary, "load", url, "--json", "--body", body, *map(str, flags)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    report = bench.report(load)
    if report["failed"]:
        raise SystemExit(f"{server.name}: {report['failed']} of {report['requests']} failed: {report['failures']}")
    return report
