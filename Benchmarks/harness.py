"""Starting the servers under test on their cores, making load, and reading what it cost them."""

import contextlib
import http.client
import json
import os
import pathlib
import resource
import shutil
import socket
import subprocess
import time

from ledger import tree

HERE = pathlib.Path(__file__).resolve().parent
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def raise_open_files():
    """The children inherit the limit; thousands of streams need it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_on(core):
    """What a child does first: stay on this core (None: wherever the kernel likes)."""
    return None if core is None else lambda: os.sched_setaffinity(0, {core})


def ahead_of_others(core):
    """What a child does first: stay on this core, where nothing of ordinary priority takes it away, if we may."""
    def first():
        os.sched_setaffinity(0, {core})
        with contextlib.suppress(PermissionError):
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    return first


class Server:
    """A process that listens on a port of this machine."""

    def __init__(self, name, command, port, first, log, environment=None):
        self.name = name
        self.port = port
        self.log = log
        with open(log, "wb") as out:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=subprocess.STDOUT, preexec_fn=first, env=environment)

    def url(self, path="/v1/chat/completions"):
        return f"http://127.0.0.1:{self.port}{path}"

    def wait_until_serving(self, seconds=20):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=1)
                connection.request("POST", "/v1/chat/completions", '{"model":"mock"}')
                if connection.getresponse().status == 200:
                    return self
            except OSError:
                pass
            time.sleep(0.05)
        raise SystemExit(f"{self.name} does not serve; it said:\n{pathlib.Path(self.log).read_text()[-3000:]}")

    def cpu(self):
        """User and system seconds so far, of all threads of the process and of its descendants."""
        user = system = 0
        for pid in tree(self.process.pid):
            for task in pathlib.Path(f"/proc/{pid}/task").glob("*"):
                try:
                    fields = (task / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                user += int(fields[11])
                system += int(fields[12])
        return user / TICKS_PER_SECOND, system / TICKS_PER_SECOND

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(5)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()


class Bench:
    """The binary, a directory for what is written on the way, and the servers it has started."""

    def __init__(self, binary, directory):
        self.binary = binary
        self.directory = pathlib.Path(directory)
        self.servers = []

    def start(self, name, command, port, first=None, kind=Server, environment=None):
        server = kind(name, command, port, first, self.directory / f"{name}-{port}.log", environment)
        self.servers.append(server)
        return server.wait_until_serving()

    def _fill(self, template, port, **names):
        text = (HERE / template).read_text()
        for key, value in dict(names, PORT=port, DIR=self.directory).items():
            text = text.replace(f"@{key}@", str(value))
        path = self.directory / f"{port}-{template.removesuffix('.in')}"
        path.write_text(text)
        return str(path)

    def mock(self, core, *flags, port=None):
        port = port or free_port()
        return self.start("mock", [self.binary, "mock", "--port", str(port), *flags], port, run_on(core))

    def restart(self, mock, *flags):
        """A mock on the port of one that was killed."""
        self.servers.remove(mock)
        return self.mock(None, *flags, port=mock.port)

    def proxy(self, name, mock, core, threads, first=run_on):
        """threads: how many, or None for the proxy's own default on this machine."""
        port = free_port()
        workers = threads or os.cpu_count()
        if name == "nginx":
            user = "user root;" if os.geteuid() == 0 else ""
            path = self._fill("nginx.conf.in", port, UPSTREAM=mock.port, WORKERS=workers, USER=user)
            command = ["nginx", "-c", path, "-p", str(self.directory)]
        elif name == "haproxy":
            path = self._fill("haproxy.cfg.in", port, UPSTREAM=mock.port, WORKERS=workers)
            command = ["haproxy", "-f", path, "-db"]
        else:
            console = free_port()
            setting = f"threads: {threads}" if threads else ""
            path = self._fill("martlet.yaml.in", port, UPSTREAM=mock.port, CONSOLE=console, THREADS=setting)
            command = [self.binary, "up", path]
        server = self.start(name, command, port, first(core))
        if name == "martlet":
            server.console = console
        return server

    def load(self, server, core, *flags):
        """Starts `martlet load`; hand the result to `report`."""
        return subprocess.Popen(
            [self.binary, "load", server.url(), "--json", *map(str, flags)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=run_on(core))

    @staticmethod
    def report(process):
        out, err = process.communicate()
        if not out.strip():
            raise SystemExit(f"martlet load said: {err.decode()}")
        return json.loads(out)

    def stop(self, *servers):
        for server in servers or list(self.servers):
            server.stop()
            self.servers.remove(server)


def tokens_sent(mock):
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
    connection.request("GET", "/stats")
    return json.loads(connection.getresponse().read())["tokens_sent"]


def installed(name):
    return shutil.which(name) is not None


def version(command):
    try:
        result = subprocess.run(command, capture_output=True, text=True, timeout=20)
    except OSError:
        return "not installed"
    return (result.stdout + result.stderr).strip().splitlines()[0]


def machine():
    model = next(
        (line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "unknown CPU")
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "kernel": os.uname().release,
        "load_average_at_start": round(os.getloadavg()[0], 2),
        "nginx": version(["nginx", "-v"]),
        "haproxy": version(["haproxy", "-v"]),
    }
