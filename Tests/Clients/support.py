"""What the checks share: a Martlet, a mock backend and a model server, each ended with its `with` block.

A program's checks are its functions named `check_…`; `python PROGRAM [NAME]...` runs them, all without a name. The
binary is MARTLET_TEST_BINARY, or the newest one that was built here.
"""

import contextlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

HOME = pathlib.Path(__file__).resolve().parents[2]
MODEL_PYTHON = HOME / ".martlet/venv/bin/python"
CHECK_SECONDS = 60


def binary() -> str:
    chosen = os.environ.get("MARTLET_TEST_BINARY")
    built = [path for kind in ("release", "debug") if (path := HOME / ".build" / kind / "martlet").exists()]
    return chosen or str(max(built, key=lambda path: path.stat().st_mtime))


def get(url: str, timeout: float = 5) -> str:
    with urllib.request.urlopen(url, timeout=timeout) as answer:
        return answer.read().decode()


def eventually(condition, within: float, what: str):
    """The condition's value as soon as it is true; an error that says what was waited for when it does not get so."""
    deadline = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(0.01)
    return value


class Child:
    """A process whose output goes to files, shown when the check fails."""

    def __init__(self, command: list, environment: dict | None = None, leads_group: bool = False):
        self.folder = tempfile.TemporaryDirectory()
        self.command = [str(word) for word in command]
        files = [open(f"{self.folder.name}/{name}", "wb") for name in ("stdout", "stderr")]
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.DEVNULL, stdout=files[0], stderr=files[1],
            env={**os.environ, **(environment or {})}, start_new_session=leads_group,
        )
        for file in files:
            file.close()

    @property
    def pid(self) -> int:
        return self.process.pid

    def text(self, stream: str) -> str:
        return pathlib.Path(self.folder.name, stream).read_text(errors="replace")

    def prints(self, pattern: str, within: float = 15) -> str:
        """The first group of what it printed."""

        def found():
            match = re.search(pattern, self.text("stdout"), re.MULTILINE)
            assert match or self.process.poll() is None, f"ended with {self.process.returncode}: {self.text('stderr')}"
            return match

        return eventually(found, within, f"{self.command[:2]} prints {pattern!r}").group(1)

    def stop(self, number: int = signal.SIGTERM, within: float = 10) -> int:
        self.process.send_signal(number)
        return self.process.wait(within)

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        try:
            if self.process.poll() is None:
                self.stop(within=5)
        except subprocess.TimeoutExpired:
            self.stop(signal.SIGKILL)
            raise AssertionError(f"{self.command[:2]} did not stop on SIGTERM") from error
        finally:
            if kind:
                print("".join(f"--- {self.command}, {name}\n{self.text(name)}" for name in ("stdout", "stderr")))
            self.folder.cleanup()


class Martlet(Child):
    """A gateway on ports of its own. `configuration` is a file's text; without it `arguments` say what to serve."""

    def __init__(self, configuration: str | None = None, arguments: tuple = (), environment: dict | None = None):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml", delete=False) as file:
            file.write(configuration or "")
        command = [binary(), "up", *([file.name] if configuration else []), *arguments]
        places = ["--listen", "127.0.0.1:0", "--console", "127.0.0.1:0"]
        super().__init__([*command, *places], {"MARTLET_HOME": str(HOME), **(environment or {})})
        try:
            self.url = self.prints(r"^serving +(http\S+)$")
            self.console = self.prints(r"^console +(http://[^/]+)/status")
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        finally:
            os.unlink(file.name)

    @property
    def serving_pid(self) -> int:
        """The child that serves; the process that was started is its parent."""
        tasks = pathlib.Path(f"/proc/{self.pid}/task").iterdir()
        return int(next(filter(None, ((task / "children").read_text() for task in tasks))).split()[0])

    def status(self) -> dict:
        return json.loads(get(f"{self.console}/status"))

    def metrics(self) -> str:
        return get(f"{self.console}/metrics")

    def pool(self, name: str) -> dict:
        return next(pool for pool in self.status()["pools"] if pool["name"] == name)

    def backends(self) -> list:
        return self.status()["backends"]

    def is_ready(self, name: str) -> bool:
        return any(target["state"] == "up" for target in self.pool(name)["targets"])

    def wait_for(self, *pools: str):
        for name in pools:
            eventually(lambda name=name: self.is_ready(name), 20, f"the pool {name} has a target")
        return self

    def wait_until_idle(self, within: float = 2) -> None:
        def idle():
            status = self.status()
            return status["buffered"]["bytes"] == 0 and not any(
                pool["in_flight"] + sum(pool["queued"].values()) + pool["retries_in_progress"]
                + sum(target["in_flight"] for target in pool["targets"])
                for pool in status["pools"]
            )

        eventually(idle, within, "nothing is in flight, queued or buffered")

    def descriptors(self) -> int:
        return len(os.listdir(f"/proc/{self.serving_pid}/fd"))


class Mock(Child):
    def __init__(self, *options: str):
        super().__init__([binary(), "mock", "--port", "0", *options])
        self.url = self.prints(r"(http://\S+)")

    def stats(self) -> dict:
        return json.loads(get(f"{self.url}/stats"))


def pool_of(*urls: str, more: str = "", target: str = "") -> str:
    """A configuration: one pool named `chat` that serves any model."""
    targets = "".join(f"\n      - {{url: {url}{', ' if target else ''}{target}}}" for url in urls)
    return f"pools:\n  chat:\n    {more}\n    targets:{targets}\n"


@contextlib.contextmanager
def served_by_mock(*options: str, more: str = "", target: str = ""):
    """(Martlet, mock behind it)"""
    with Mock(*options) as mock, Martlet(pool_of(mock.url, more=more, target=target)) as martlet:
        yield martlet.wait_for("chat"), mock


def main(module: dict) -> None:
    checks = {name.removeprefix("check_"): value for name, value in module.items() if name.startswith("check_")}

    def give_up(number, frame):
        raise TimeoutError(f"stopped by {signal.Signals(number).name}")

    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, give_up)
    for name in sys.argv[1:] or checks:
        signal.alarm(CHECK_SECONDS)
        checks[name]()
        signal.alarm(0)
        print(f"ok {name}", flush=True)
