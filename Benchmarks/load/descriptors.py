"""`ulimit -n 256` and 3,000 clients within a second: everybody is answered, nobody is refused."""

import asyncio
import re
import socket
import subprocess
import threading
import time

import ledger

from . import people, stage, verdict

FILES = 256
EXHAUSTED = re.compile(r"^\S+\s+.*\b([a-z_0-9]+)\(.*= -1 (EMFILE|ENFILE)", re.MULTILINE)


def measure(bench, options):
    clients = 600 if options.quick else 3000
    mock = bench.mock(None, "--latency", "100ms")
    gateway = stage.gateway(bench, stage.one_pool([mock]), stage.only_so_many_files(FILES))
    before = gateway.open_books([mock])
    trace = bench.directory / "strace.txt"
    tracer = Tracer(gateway.pid, trace)
    console = Console(gateway)
    visits, calls = [], 0
    try:
        visits = asyncio.run(rush(gateway.port, clients))
    finally:
        calls = tracer.stop()
        slowest, unanswered = console.stop()
    books = ledger.closing(before, [people.as_report(visits)])
    # After the books are closed: those who hold the slots ask for nothing, and some are told so all the same.
    busy = share_when_full(gateway)
    bench.stop()
    return rows(visits, clients, calls, slowest, unanswered, busy, books), {
        "ends": people.as_report(visits), "calls_failed": calls, "console_slowest_ms": slowest,
        "busy": busy, "ledger": books.lines}


def rows(visits, clients, calls, slowest, unanswered, busy, books):
    served = sum(visit.status == 200 and visit.end == "answered" for visit in visits)
    shed = [visit for visit in visits if visit.status == 503 and visit.end == "answered"]
    told = sum("retry-after:" in visit.head for visit in shed)
    others = {}
    for visit in visits:
        what = str(visit.status) if visit.end == "answered" else visit.end
        if what not in ("200", "503"):
            others[what] = others.get(what, 0) + 1
    return [
        verdict.row(
            f"{clients:,} clients at ulimit -n {FILES}: 200 + 503 with Retry-After within 30 s", f"{clients:,}",
            f"{served:,} + {told:,}" + (f" ({len(shed) - told} without Retry-After)" if told < len(shed) else ""),
            served + told == clients),
        verdict.row(
            "the same: refused, reset, any other answer", "0", str(others) if others else "0", not others),
        verdict.row(
            "the same: calls that failed with EMFILE (strace)", "0", "not traced" if calls is None else str(calls),
            calls == 0 if calls is not None else None),
        verdict.row(
            "all slots held: share of a core", "< 20 %", f"{busy * 100:.1f} %", busy < 0.2),
        verdict.row(
            "console meanwhile", "answers", f"slowest {slowest:.0f} ms, {unanswered} unanswered", unanswered == 0),
        verdict.books_row("descriptors", books)]


async def rush(port, clients):
    """All within one second, none tries again."""
    async def one(number):
        await asyncio.sleep(number / clients)
        return await people.ask(port, people.request(people.UNARY, fields=["connection: close"]), seconds=30)
    return await asyncio.gather(*(one(number) for number in range(clients)))


def share_when_full(gateway):
    """The serving process's share of a core while silent clients hold every slot and more wait to be accepted."""
    guests = []
    for _ in range(2 * FILES):
        guest = socket.socket()
        guest.setblocking(False)
        guest.connect_ex(("127.0.0.1", gateway.port))
        guests.append(guest)
    time.sleep(1)
    busy = stage.cpu_share([gateway.pid], 3)
    for guest in guests:
        guest.close()
    return busy


class Tracer:
    """strace on the serving process, for the calls that make descriptors; `stop` says how many found none."""

    CALLS = "accept4,accept,socket,openat,epoll_create1,eventfd2,timerfd_create,pipe2,dup,fcntl"

    def __init__(self, pid, path):
        self.path = path
        self.process = subprocess.Popen(
            ["strace", "-f", "-e", f"trace={self.CALLS}", "-e", "status=failed", "-o", str(path), "-p", str(pid)],
            stderr=subprocess.PIPE)
        line = self.process.stderr.readline().decode()
        self.works = "attached" in line
        threading.Thread(target=self.process.stderr.read, daemon=True).start()

    def stop(self):
        """None where tracing is not allowed."""
        self.process.terminate()
        self.process.wait()
        return len(EXHAUSTED.findall(self.path.read_text())) if self.works else None


class Console:
    """Asks the console ten times a second until it is stopped."""

    def __init__(self, gateway):
        self.port, self.times, self.unanswered = gateway.console, [], 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()

    def watch(self):
        while not self.over.wait(0.1):
            began = time.monotonic()
            try:
                ledger.get(self.port, "/metrics")
                self.times.append((time.monotonic() - began) * 1000)
            except OSError:
                self.unanswered += 1

    def stop(self):
        self.over.set()
        self.thread.join()
        return max(self.times, default=0), self.unanswered
