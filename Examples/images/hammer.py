"""Clients of the image service, some who wait and some who leave, against several servers one after the other.

    python hammer.py [--all | --only NAME] [--seconds 6] [--check]

Prints for each server what those who waited got, its processor time for each picture that somebody got, and its file
descriptors: at rest before, at most meanwhile, at rest after; all its processes together. `--check`: exits with 1 where
Martlet left one who waited without an answer, or a descriptor or connection of those who left behind.
"""

import argparse
import asyncio
import io
import os
import pathlib
import random
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from PIL import Image

HERE = pathlib.Path(__file__).resolve().parent
WAITING, LEAVING = 4, 32
"""Clients at once."""
PATIENCE = (0.02, 0.15)
"""Seconds until one of those leaves."""
TICKS = os.sysconf("SC_CLK_TCK")
CLOSE_WAIT = "08"


def martlet(app, port):
    binary = os.environ.get("MARTLET_BINARY") or str(HERE.parents[1] / "martlet")
    return [binary, "serve", app, "--port", port, "--console", "off", "--python", sys.executable]


def flask(port):
    return [sys.executable, "-m", "flask", "--app", "service", "run", "--port", port]


def gunicorn(port, *options):
    return [sys.executable, "-m", "gunicorn", "--log-level", "warning", "-b", f"127.0.0.1:{port}", *options, "service:app"]


SERVERS = {
    "Flask's own": flask,
    "gunicorn, sync": lambda port: gunicorn(port),
    "gunicorn, 4 threads": lambda port: gunicorn(port, "--threads", "4"),
    "Martlet, service.py": lambda port: martlet("service.py:app", port),
    "Martlet, model.py": lambda port: martlet("model.py", port),
}
SHORT = ("Flask's own", "Martlet, service.py", "Martlet, model.py")


def picture() -> bytes:
    made = io.BytesIO()
    Image.effect_noise((1280, 960), 40).convert("RGB").save(made, "JPEG")
    return made.getvalue()


def request(port: int) -> bytes:
    part = b'--b\r\nContent-Disposition: form-data; name="image"; filename="p.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    body = part + picture() + b"\r\n--b--\r\n"
    lines = ["POST /classify HTTP/1.1", f"Host: 127.0.0.1:{port}", "Content-Type: multipart/form-data; boundary=b"]
    lines += [f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


class Tree:
    """A server's processes."""

    def __init__(self, root: int):
        self._root = root

    def pids(self):
        parents = {}
        for name in filter(str.isdigit, os.listdir("/proc")):
            try:
                parents[int(name)] = int(pathlib.Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                pass
        found = {self._root}
        while more := {pid for pid, parent in parents.items() if parent in found} - found:
            found |= more
        return found

    def _each(self, read):
        for pid in self.pids():
            try:
                yield read(pathlib.Path("/proc", str(pid)))
            except OSError:
                pass

    def descriptors(self) -> int:
        return sum(self._each(lambda process: len(os.listdir(process / "fd"))))

    def processor_seconds(self) -> float:
        stats = self._each(lambda process: (process / "stat").read_text().rpartition(")")[2].split())
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / TICKS


def left_behind(port: int) -> int:
    """Connections whose client is gone, and which the server has not closed."""
    rows = [row.split() for row in pathlib.Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == CLOSE_WAIT for row in rows)


class Run:
    """What one server made of it."""

    def __init__(self, tree: Tree, port: int, seconds: float):
        self._tree, self._port, self._seconds = tree, port, seconds
        self._request = request(port)
        self.latencies, self.failed, self.left = [], 0, 0
        self.most, self.most_behind = 0, 0

    async def hammer(self) -> None:
        self.before = self._tree.descriptors()
        spent = self._tree.processor_seconds()
        self._end = time.monotonic() + self._seconds
        clients = [self._waits() for _ in range(WAITING)] + [self._leaves() for _ in range(LEAVING)]
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*clients)
        # Until nobody is computed for any more.
        used = self._tree.processor_seconds()
        for _ in range(100):
            await asyncio.sleep(0.3)
            now = self._tree.processor_seconds()
            if now - used < 0.03:
                break
            used = now
        watching.cancel()
        self.spent = self._tree.processor_seconds() - spent
        self.after, self.behind = self._tree.descriptors(), left_behind(self._port)

    async def _waits(self) -> None:
        while time.monotonic() < self._end:
            began = time.monotonic()
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(self._request)
                answer = await asyncio.wait_for(reader.read(), 60)
                writer.close()
            except (OSError, asyncio.TimeoutError):
                answer = b""
            if b" 200 " in answer[:20] and b'"safe":' in answer:
                self.latencies.append(time.monotonic() - began)
            else:
                self.failed += 1

    async def _leaves(self) -> None:
        while time.monotonic() < self._end:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self._port)
                writer.write(self._request)
                await asyncio.sleep(random.uniform(*PATIENCE))
                writer.close()
                self.left += 1
            except OSError:
                await asyncio.sleep(0.01)

    async def _watch(self) -> None:
        while True:
            self.most = max(self.most, self._tree.descriptors())
            self.most_behind = max(self.most_behind, left_behind(self._port))
            await asyncio.sleep(0.1)

    def row(self):
        times = sorted(self.latencies) or [float("nan")]
        middle, late = times[len(times) // 2], times[int(len(times) * 0.99)]
        return [
            f"{len(self.latencies)}", f"{self.failed}", f"{middle * 1000:.0f}", f"{late * 1000:.0f}", f"{self.left}",
            f"{self.spent / max(1, len(self.latencies)) * 1000:.0f}",
            f"{self.before} / {self.most} / {self.after}", f"{self.most_behind} / {self.behind}",
        ]  # fmt: skip


COLUMNS = ["server", "answers", "none", "p50 ms", "p99 ms", "left", "CPU ms/answer", "descriptors", "CLOSE_WAIT"]


def measure(command, seconds: float) -> Run:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(command(str(port)), cwd=HERE, stdout=output, stderr=output)
        try:
            wait_for(port, server)
            run = Run(Tree(server.pid), port, seconds)
            asyncio.run(run.hammer())
            return run
        except BaseException:
            output.seek(0)
            sys.stderr.write(output.read().decode(errors="replace")[-2000:])
            raise
        finally:
            server.terminate()
            server.wait(30)


def wait_for(port: int, server) -> None:
    """Until it has answered a few pictures."""
    end = time.monotonic() + 30
    body = request(port).partition(b"\r\n\r\n")[2]
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    answered = 0
    while answered < 8:
        if server.poll() is not None or time.monotonic() > end:
            raise RuntimeError("the server does not serve")
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{port}/classify", body, kind), timeout=30)
            answered += 1
        except OSError:
            time.sleep(0.1)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--all", action="store_true", help="gunicorn too")
    parser.add_argument("--only", choices=SERVERS, help="this server alone")
    parser.add_argument("--seconds", type=float, default=6, help="for each server")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    print(" | ".join(COLUMNS), flush=True)
    faults = []
    for name in [options.only] if options.only else SERVERS if options.all else SHORT:
        run = measure(SERVERS[name], options.seconds)
        print(" | ".join([name, *run.row()]), flush=True)
        if name.startswith("Martlet") and (run.failed or run.behind or run.after > run.before or not run.latencies):
            faults.append(name)
    if options.check and faults:
        print(f"not as it must be: {', '.join(faults)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
