"""Clients that leave: how soon the backend is told, in each phase of a request, and what is left behind.

One clock: the client reads CLOCK_MONOTONIC right before it closes, the mock when it is told.
"""

import asyncio
import contextlib
import http.client
import json
import random
import socket
import time

import ledger

from . import people, stage, verdict

AT_ONCE = 300
SETTINGS = "keepalive: {idle: 1s}\nhealth: off\nbreaker: off"


class Phase:
    """Where a client's request is when it leaves. `is_told`: a backend works on it then."""

    def __init__(self, name, body, fields=(), once_answered=False, is_told=True, path="/v1/chat/completions", part=1):
        self.name, self.body, self.fields, self.path = name, body, fields, path
        self.once_answered, self.is_told, self.part = once_answered, is_told, part

    def payload(self, id):
        length = len(self.body)
        return people.request(
            self.body[:int(length * self.part)], id, self.path, self.fields, length=length)


def phases():
    slow, drip = ["x-mock-latency: 60s"], ["x-mock-fault: drip", "x-mock-size: 60KiB"]
    endless = ["x-mock-interval: 20ms", "x-mock-tokens: 100000"]
    for kind, body, answer in (("stream", people.STREAM, endless), ("unary", people.UNARY, drip)):
        yield Phase(f"its body half sent, {kind}", body, part=0.5, is_told=False)
        yield Phase(f"queued, {kind}", model(body, "narrow"), is_told=False)
        yield Phase(f"connecting, {kind}", model(body, "deaf"), is_told=False)
        yield Phase(f"waiting for the first byte, {kind}", body, slow)
        yield Phase(f"answer under way, {kind}", body, answer, once_answered=True)


def model(body, name):
    return body.replace('"mock"', f'"{name}"', 1)


@contextlib.contextmanager
def deaf_port():
    """A port whose queue of connections is full: whoever connects waits."""
    with contextlib.ExitStack() as open_sockets:
        server = open_sockets.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(8):
            guest = open_sockets.enter_context(socket.socket())
            guest.setblocking(False)
            guest.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def configuration(mock, narrow, deaf):
    settings = stage.indented(SETTINGS)
    return (
        f"pools:\n  chat:\n{settings}    targets: [{{url: 'http://127.0.0.1:{mock.port}'}}]\n"
        f"  narrow:\n{settings}    targets: [{{url: 'http://127.0.0.1:{narrow.port}', max_inflight: 2}}]\n"
        f"  deaf:\n{settings}    timeouts: {{connect: 30s}}\n    retry: {{on: 'off'}}\n"
        f"    targets: [{{url: 'http://127.0.0.1:{deaf}', max_fails: 0}}]\n"
        'models: {"*": {pool: chat}, narrow: {pool: narrow}, deaf: {pool: deaf}}\nroutes: [{path: /v1/}]\n')


def measure(bench, options):
    clients = 600 if options.quick else 10_000
    cycles = 3
    mock, narrow = bench.mock(None), bench.mock(None)
    with deaf_port() as deaf:
        gateway = stage.gateway(bench, configuration(mock, narrow, deaf))
        before = gateway.open_books([mock, narrow])
        told, memory, failures, report = {}, [], [], None
        visits = []
        for cycle in range(cycles):
            visits += one_cycle(gateway, mock, narrow, cycle, clients, told, failures)
            # The idle connections to backends close a second after their last use.
            stage.wait_until("idle upstreams closed", lambda: gateway.files() <= before["files"], 8)
            memory.append(stage.resident(gateway.process.pid))
        report = people.as_report(visits)
        books = ledger.closing(before, [report])
        files = (before["files"], gateway.files())
    bench.stop()
    return rows(told, memory, files, books, failures, cycles * clients), {
        "clients": cycles * clients, "told_ms": {name: summary(values) for name, values in told.items()},
        "memory_kib": memory, "files": files, "unexpected": failures, "ledger": books.lines}


def one_cycle(gateway, mock, narrow, cycle, clients, told, failures):
    cells = list(phases())
    each = clients // len(cells)
    visits = []
    for phase in cells:
        ids = [f"{phase.name.replace(' ', '-').replace(',', '')}-{cycle}-{number}" for number in range(each)]
        found, extra = asyncio.run(crowd(gateway, phase, ids))
        visits += found + extra
        failures += [f"{phase.name}: {visit.end}" for visit in found if visit.end != "left"]
        if not phase.is_told:
            continue
        for visit, record in zip(found, records(mock, ids)):
            if record.get("state") == "cancelled":
                told.setdefault(phase.name, []).append((record["ended_us"] - visit.left_at) / 1000)
            elif record:
                failures.append(f"{phase.name}: the backend says {record.get('state')}")
    return visits


async def crowd(gateway, phase, ids):
    """All clients of one phase, so many at once; two hold the narrow backend's places while others queue."""
    gate = asyncio.Semaphore(AT_ONCE)
    dice = random.Random(ids[0])

    async def one(id):
        async with gate:
            return await people.leave(
                gateway.port, id, phase.payload(id), dice.uniform(0.02, 0.8), phase.once_answered)
    holders = []
    if "narrow" in phase.body:
        hold = people.request(phase.body, "", phase.path, ["x-mock-latency: 600s"])
        holders = [asyncio.create_task(people.leave(gateway.port, "", hold, 3600)) for _ in range(2)]
        await asyncio.sleep(0.3)
    visits = await asyncio.gather(*(one(id) for id in ids))
    for holder in holders:
        holder.cancel()
    await asyncio.gather(*holders, return_exceptions=True)
    return visits, [people.Visit("", end="left") for _ in holders]


def records(mock, ids):
    """What the mock knows of each id; {} of those that never reached it. Waits until it works on nothing."""
    def is_idle():
        return json.loads(ledger.get(mock.port, "/stats"))["active"] == 0
    stage.wait_until("the mock to be idle", is_idle, 10)
    connection = http.client.HTTPConnection("127.0.0.1", mock.port, timeout=10)
    for id in ids:
        connection.request("GET", f"/stats?id={id}")
        answer = connection.getresponse()
        body = answer.read()
        yield json.loads(body) if answer.status == 200 else {}
    connection.close()


def summary(values):
    return {
        "count": len(values), "p50": verdict.quantile(values, 0.5), "p99": verdict.quantile(values, 0.99),
        "max": max(values)}


def rows(told, memory, files, books, failures, clients):
    found = [
        verdict.at_most(f"{name}: backend told, p99", "ms", verdict.quantile(values, 0.99), 50, 10)
        for name, values in told.items()]
    growth = memory[2] / memory[1]
    return [
        *found,
        verdict.row(
            f"clients that left otherwise than planned, of {clients:,}", "0",
            f"{len(failures):,}" + (f" ({failures[0]})" if failures else ""), not failures),
        verdict.row("descriptors after", f"as before ({files[0]})", str(files[1]), files[0] == files[1]),
        verdict.row("memory after the third cycle", "≤ 1.05 × the second", f"{growth:.3f} ×", growth <= 1.05),
        verdict.books_row("leavers", books)]
