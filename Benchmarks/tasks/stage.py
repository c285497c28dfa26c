"""The two engines as the loss checker starts them, and programs that need Celery, run with its Python."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

import harness

ROOT = harness.HERE.parent
PYTHON = ROOT / ".martlet/venv-tasks/bin/python"
HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(ROOT / "Tests/Loss"))

import engines  # noqa: E402

PATIENCE = 120


class DefaultRedis(engines.Redis):
    """Redis as it comes: nothing is written before it is acknowledged."""

    name = "redis-default"

    def command(self):
        return ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder)]


@contextlib.contextmanager
def engine(bench, side):
    """`side`: martlet, martlet-after (synced after it answers), redis (synced before it answers), or redis-default."""
    with tempfile.TemporaryDirectory(prefix=f"{side}-", dir=bench.directory) as folder:
        if side == "martlet":
            found = engines.Martlet(folder, bench.binary)
        elif side == "martlet-after":
            found = engines.Martlet(folder, bench.binary, "--sync", "after")
        else:
            found = (engines.Redis if side == "redis" else DefaultRedis)(folder)
        try:
            yield found
        finally:
            found.stop()


def url(found):
    return f"redis://127.0.0.1:{found.port}/0"


def environment(found):
    return dict(os.environ, BENCH_URL=url(found))


def run(program, *arguments, environment=None, seconds=PATIENCE):
    """What a program of this folder, or a command, prints as JSON."""
    if not PYTHON.exists():
        raise SystemExit("`./martlet bench --only tasks` installs what these measures need")
    command = [PYTHON, HERE / program] if program.endswith(".py") else [program]
    found = subprocess.run(
        list(map(str, [*command, *arguments])), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        timeout=seconds, env=dict(os.environ, **(environment or {})), cwd=HERE)
    if found.returncode or not found.stdout.strip():
        raise SystemExit(f"{program} said: {found.stderr[-3000:]}{found.stdout[-500:]}")
    return json.loads(found.stdout.strip().splitlines()[-1])


@contextlib.contextmanager
def workers(found, count, *flags, queues="celery", first=None):
    """Stock Celery workers; killed in the end."""
    started = []
    try:
        for number in range(count):
            log = open(found.folder.parent / f"worker-{number}.log", "ab")
            with log:
                started.append(subprocess.Popen(
                    [PYTHON, "-m", "celery", "-A", "bench_tasks", "worker", "-n", f"w{number}@bench", "-Q", queues,
                     "-l", "WARNING", *map(str, flags)],
                    stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, cwd=HERE, start_new_session=True,
                    env=environment(found), preexec_fn=first))
        yield started
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def info(found, name):
    """A line of INFO, as a number; None where there is none."""
    with socket.create_connection(("127.0.0.1", found.port), timeout=10) as line:
        line.sendall(b"INFO\r\n")
        text, size = b"", None
        while size is None or len(text) < size:
            text += line.recv(65536)
            if size is None and b"\r\n" in text:
                head, _, text = text.partition(b"\r\n")
                size = int(head[1:]) + 2
    for row in text.decode().splitlines():
        key, _, value = row.partition(":")
        if key == name:
            return float(value)
    return None


class Syncs:
    """What a run cost in syncs: how many for each task, and how long one took."""

    def __init__(self, found):
        self.found = found
        self.before = self._read()

    def _read(self):
        return [info(self.found, name) for name in ("journal_syncs", "journal_sync_ms")]

    def close(self, tasks):
        after = self._read()
        if None in after or None in self.before:
            return None
        syncs, milliseconds = (new - old for new, old in zip(after, self.before))
        return {
            "syncs": syncs, "syncs_per_task": syncs / tasks, "sync_ms": milliseconds / syncs if syncs else 0}

    @staticmethod
    def words(syncs):
        return "" if syncs is None else (
            f"; {syncs['syncs_per_task']:.3f} syncs for each task, {syncs['sync_ms']:.2f} ms each")


def settle(seconds=1):
    time.sleep(seconds)
