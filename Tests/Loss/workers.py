"""The workers: stock Celery's, or Martlet's own on the same file."""

import contextlib
import os
import pathlib
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


class Workers:
    """A few processes, each with its own group. One that ends is started again."""

    def __init__(self, kind, count, url, runs, folder, binary=None, visibility=None, python=sys.executable, app=None):
        self.kind, self.binary, self.python = kind, binary, python
        self.url, self.folder = url, pathlib.Path(folder)
        self.app = app or HERE / "loss_tasks.py"
        self.environment = dict(
            os.environ, MARTLET_HOME=str(HERE.parent.parent), LOSS_URL=url, LOSS_RUNS=str(runs),
            PYTHONPATH=str(self.app.parent))
        if visibility:
            # Looked for each second: what takes minutes otherwise is seen in seconds.
            self.environment |= {"LOSS_VISIBILITY": str(visibility), "LOSS_RESTORE": "1"}
        self.exits = 0
        self.processes = [self._start(number) for number in range(count)]

    def command(self, number):
        if self.kind == "martlet":
            return [
                str(self.binary), "worker", "--app", str(self.app), "--queues", "loss", "--concurrency", "2",
                "--python", self.python, "--broker", self.url]
        return [
            self.python, "-m", "celery", "-A", self.app.stem, "worker", "-c", "2", "-n", f"w{number}@loss", "-Q",
            "loss", "-l", "WARNING", "--without-gossip", "--without-mingle"]

    def _start(self, number):
        log = open(self.folder / f"worker-{number}.log", "ab")
        with log:
            return subprocess.Popen(
                self.command(number), stdout=log, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                env=self.environment, cwd=self.app.parent, start_new_session=True)

    def watch(self):
        for number, process in enumerate(self.processes):
            if process.poll() is not None:
                self.exits += 1
                self._signal(process, signal.SIGKILL)
                self.processes[number] = self._start(number)

    @staticmethod
    def _signal(process, number):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)

    def kill(self, number):
        """SIGKILL to the worker and its children; another one takes its place."""
        process = self.processes[number % len(self.processes)]
        self._signal(process, signal.SIGKILL)
        process.wait()
        self.processes[number % len(self.processes)] = self._start(number % len(self.processes))

    def pause(self, number, seconds, sleep):
        process = self.processes[number % len(self.processes)]
        self._signal(process, signal.SIGSTOP)
        sleep(seconds)
        self._signal(process, signal.SIGCONT)

    def stop(self):
        for process in self.processes:
            self._signal(process, signal.SIGKILL)
            process.wait()
