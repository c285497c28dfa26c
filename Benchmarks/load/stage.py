"""Martlet with a console and some mock backends: what every measure under load stands on."""

import os
import pathlib
import resource
import time

import harness
import ledger

CONFIGURATION = """
listen: [{{address: "127.0.0.1:{port}"}}]
console: {{address: "127.0.0.1:{console}"}}
{body}
"""


class Gateway(harness.Server):
    """The process under test. With a supervisor it is two; what is read is that of the one that serves."""

    console = 0

    @property
    def pid(self):
        return ledger.serving(self.process.pid)

    def resident(self):
        """KiB of the process and its descendants."""
        return resident(self.process.pid)

    def files(self):
        return len(ledger.files(self.pid))

    def metrics(self):
        return ledger.metrics(ledger.get(self.console, "/metrics"))

    def open_books(self, mocks):
        return ledger.opening(self.console, [mock.port for mock in mocks], self.process.pid)


def resident(pid):
    total = 0
    for one in ledger.tree(pid):
        try:
            lines = pathlib.Path(f"/proc/{one}/status").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total


def memory(pid):
    """KiB of one process: all that is resident, and what of it no file backs (its heaps and stacks)."""
    lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    values = {name.rstrip(":"): int(value) for name, value, *_ in map(str.split, lines)}
    return {"rss": values["Rss"], "anonymous": values["Anonymous"]}


def only_so_many_files(count):
    def first():
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, count))
    return first


def gateway(bench, body, first=None):
    """Starts Martlet. `body`: the configuration but for addresses."""
    port, console = harness.free_port(), harness.free_port()
    path = bench.directory / f"{port}-martlet.yaml"
    path.write_text(CONFIGURATION.format(port=port, console=console, body=body))
    server = bench.start("martlet", [bench.binary, "up", str(path)], port, first, kind=Gateway)
    server.console = console
    return server


def one_pool(mocks, settings="", each="", tenants=()):
    """The configuration of one pool over all mocks, every model in it. `each`: keys of every target. `tenants`: hosts
    that have a route of their own."""
    targets = "".join(
        f"\n      - {{url: 'http://127.0.0.1:{mock.port}'{', ' if each else ''}{each}}}" for mock in mocks)
    own = [f"{{host: {host}, path: /v1/}}" for host in tenants]
    routes = ", ".join([*own, "{path: /v1/}", "{path: /, pool: chat}"])
    return (
        f"pools:\n  chat:\n{indented(settings)}    targets:{targets}\n"
        f'models: {{"*": {{pool: chat}}}}\nroutes: [{routes}]\n')


def indented(settings):
    return "".join(f"    {line.strip()}\n" for line in settings.strip().splitlines())


def steer(mock, **fields):
    """Changes how a mock answers from now on: latency="50ms", fault="hang"."""
    import http.client
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
    try:
        connection.request("POST", "/control", headers={f"x-mock-{name}": value for name, value in fields.items()})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise SystemExit(f"mock: /control said {answer.status}")
    finally:
        connection.close()


def wait_until(what, holds, seconds):
    """False when `seconds` pass first."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def cpu_share(pids, seconds):
    """The part of one core that the processes take, watched for so long."""
    def used():
        ticks = 0
        for pid in pids:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")
    before, began = used(), time.monotonic()
    time.sleep(seconds)
    return (used() - before) / (time.monotonic() - began)
