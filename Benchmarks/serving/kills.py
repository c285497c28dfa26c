"""A worker killed (SIGKILL) thirty times under load: what clients see, and how soon the group is whole again."""

import json
import os
import signal
import subprocess
import time

import ledger
from load import verdict

from . import stage

WORKERS = 4
# What has served for a second is started again at once.
PAUSE = 1.1


def measure(bench, options):
    kills = 3 if options.quick else 30
    with stage.serve(bench, "martlet", "trivial", WORKERS=WORKERS) as server:
        host = ledger.serving(server.process.pid)
        stage.asked(bench, server, '{"input": 4}', "-c", 16, "-d", "1s")
        time.sleep(1)
        before = len(ledger.files(host))
        url = f"http://127.0.0.1:{server.port}/predict"
        load = subprocess.Popen(
            [bench.binary, "load", url, "--json", "--body", '{"input": 4}', "-c", "16", "-d",
             f"{int(kills * (PAUSE + 1)) + 2}s"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        gaps = []
        for number in range(kills):
            time.sleep(PAUSE)
            gaps.append(one_kill(server, number))
        report = bench.report(load)
        time.sleep(1)
        after = len(ledger.files(host))
    known = report["completed"] + sum(report["failures"].values()) + report["unfinished"]
    lost = {name: count for name, count in report["failures"].items() if count and name != "status"}
    return [
        verdict.row(f"a worker killed {kills} times: the group is whole again", "< 1 s",
                    f"{max(gaps):.2f} s at most", max(gaps) < 1),
        verdict.row(
            f"a worker killed {kills} times: clients with exactly one outcome", "all",
            f"{known - sum(lost.values()):,} of {report['requests']:,} ({report['failures'].get('status', 0)} with a 5xx)",
            known == report["requests"] and not lost),
        verdict.exactly(f"a worker killed {kills} times: descriptors of the host, {before} before", after, before),
    ], {"seconds_until_whole": gaps, "load": report, "descriptors": [before, after]}


def backends(server):
    """{pid: state} of the workers."""
    return {one.get("pid"): one["state"] for one in json.loads(ledger.get(server.console, "/status"))["backends"]}


def one_kill(server, number):
    """Seconds from the kill until as many workers serve as before."""
    alive = sorted(pid for pid in backends(server) if pid)
    victim = alive[number % len(alive)]
    began = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    while time.monotonic() - began < 5:
        now = backends(server)
        if victim not in now and len(now) == WORKERS and set(now.values()) == {"ready"}:
            break
        time.sleep(0.005)
    return time.monotonic() - began
