#!/usr/bin/env python3
"""Measures Martlet beside nginx (and HAProxy, where it is installed) and publishes what it found.

Method and reading: Benchmarks/README.md. Needs Python 3.9, nginx, and the release binary; everything stays on loopback.
"""

import argparse
import datetime
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import harness
import measures
import report
from knowledge import cached, crowd, departures, ingest, peer, quality, refusals, search
from load import console, crash, descriptors, faults, leavers, memory, overload, slots, soak, streams
from serving import idle, image, kills, roundtrip, stream, trivial
from serving import leavers as model_leavers
from tasks import celery_side, delayed, loss, own_side
from tasks import idle as idle_tasks

ROOT = harness.HERE.parent
MEASURES = ["request", "event", "latency", "throughput"]
# Each takes the bench and the options, and returns rows of the table and raw figures.
UNDER_LOAD = {
    "memory": memory.measure, "streams": streams.measure, "descriptors": descriptors.measure,
    "console": console.measure, "leavers": leavers.measure, "blackhole": faults.black_hole,
    "restarts": faults.restarts, "slots": slots.measure, "crash": crash.measure, "overload": overload.measure,
    "soak": soak.measure,
}
# Of the model server, in the same form.
SERVING = {
    "trivial": trivial.measure, "stream": stream.measure, "image": image.measure, "roundtrip": roundtrip.measure,
    "idle": idle.measure, "abandoned": model_leavers.measure, "kills": kills.measure,
}
# Of the task queue, in the same form.
TASKS = {
    "celery": celery_side.measure, "own": own_side.measure, "eta": delayed.measure, "waiting": idle_tasks.measure,
    "loss": loss.measure,
}
# Of the knowledge room, in the same form.
KNOWLEDGE = {
    "search": search.measure, "ingest": ingest.measure, "cached": cached.measure, "crowd": crowd.measure,
    "departures": departures.measure, "quality": quality.measure, "refusals": refusals.measure,
    "chatchat": peer.measure,
}
PAGES = [
    ("reliability", "Reliability", UNDER_LOAD), ("serving-performance", "What the model server costs", SERVING),
    ("tasks-performance", "What the task queue does", TASKS),
    ("knowledge-performance", "What the knowledge room does", KNOWLEDGE),
]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default=ROOT / ".build/release/martlet", help="the binary that `up` builds")
    parser.add_argument(
        "--link-bench", default=ROOT / ".build/release/link-bench", help="Benchmarks/Link, built; for `roundtrip`")
    parser.add_argument(
        "--task-bench", default=ROOT / ".build/release/task-bench", help="Benchmarks/Queue, built; for `own`")
    parser.add_argument(
        "--knowledge-bench", default=ROOT / ".build/release/knowledge-bench",
        help="Benchmarks/Search, built; for `search`")
    parser.add_argument("--sides", default="martlet,nginx", help="who is measured, the anchor nginx included")
    parser.add_argument(
        "--only", default=",".join(MEASURES),
        help=f"which of {', '.join([*MEASURES, *UNDER_LOAD, *SERVING, *TASKS, *KNOWLEDGE])}; `load` stands for those "
        "from `memory` to `soak`, `serving` for those of the model server, `tasks` for those of the task queue, "
        "`knowledge` for those of the knowledge room")
    parser.add_argument("--rounds", type=int, default=5, help="turns A B B A")
    parser.add_argument("--requests", type=int, default=40_000, help="requests of one run of the CPU measure")
    parser.add_argument("--streams", type=int, default=2000)
    parser.add_argument("--quick", action="store_true", help="a few seconds for each measure: to see that it works")
    parser.add_argument("--scale", type=float, default=1, help="minutes of the soak")
    parser.add_argument("--no-anchors", action="store_true", help="leave HAProxy out")
    parser.add_argument(
        "--publish", action="store_true",
        help="write what was measured to docs/performance or docs/reliability, .md and -latest.json")
    options = parser.parse_args()
    groups = {"load": UNDER_LOAD, "serving": SERVING, "tasks": TASKS, "knowledge": KNOWLEDGE}
    options.only = [name for word in options.only.split(",") for name in groups.get(word, [word])]
    unknown = set(options.only).difference(MEASURES, UNDER_LOAD, SERVING, TASKS, KNOWLEDGE)
    if unknown:
        parser.error(f"no such measure: {', '.join(sorted(unknown))}")
    options.sides = options.sides.split(",")
    return options


def with_anchors(options, sides):
    """HAProxy is a second anchor: shown, not judged against."""
    if options.no_anchors or "haproxy" in sides or not harness.installed("haproxy"):
        return sides
    return [*sides, "haproxy"]


def measure(options, bench, data, trouble):
    sides = options.sides
    all_sides = with_anchors(options, sides)
    rounds = 1 if options.quick else options.rounds

    def step(name, about, work):
        if name not in options.only:
            return None
        began = time.monotonic()
        print(f"{about} …", file=sys.stderr, flush=True)
        result = work()
        print(f"  {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        return result

    requests = 5000 if options.quick else options.requests
    result = step("request", "CPU per request", lambda: measures.cpu_per_request(
        bench, all_sides, rounds, requests, trouble))
    if result:
        data["cpu_per_request"] = result
    window = 2 if options.quick else 4
    result = step("event", "CPU per SSE event", lambda: measures.cpu_per_event(
        bench, all_sides, rounds, options.streams, window, trouble))
    if result:
        data["cpu_per_event"] = result
    rate = 8000
    if "cpu_per_request" in data:
        slowest = min(data["cpu_per_request"][name]["requests_per_second"] for name in sides)
        rate = int(slowest / 2 // 100 * 100)
    result = step("latency", f"added latency at {rate} requests/s", lambda: measures.added_latency(
        bench, sides, rounds if options.quick else 3 * rounds, rate, 1, trouble))
    if result:
        data["added_latency"] = result
    result = step("throughput", "requests per second", lambda: measures.throughput(
        bench, sides, 3 if options.quick else 30, trouble))
    if result:
        data["throughput"] = result


def measure_one_by_one(options, bench, data):
    """Each on its own, with the state of the machine it ran on: one can be measured anew without the others."""
    options.sides = with_anchors(options, options.sides)
    every = UNDER_LOAD | SERVING | TASKS | KNOWLEDGE
    for name in options.only:
        if name not in every:
            continue
        about = provenance()
        print(f"{name} …", file=sys.stderr, flush=True)
        began = time.monotonic()
        rows, figures = every[name](bench, options)
        seconds = time.monotonic() - began
        print(f"  {seconds:.0f} s", file=sys.stderr, flush=True)
        data[name] = about | {
            "seconds": round(seconds), "quick": options.quick, "rows": rows, "figures": without_series(figures)}


def without_series(figures):
    """Second by second is for pictures: too much for a page of figures."""
    if isinstance(figures, dict):
        return {key: without_series(value) for key, value in figures.items() if key != "series"}
    return [without_series(value) for value in figures] if isinstance(figures, (list, tuple)) else figures


def provenance():
    return {
        "date": datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d %H:%M UTC"), "commit": commit(),
        "machine": harness.machine()}


def commit():
    result = subprocess.run(
        ["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return result.stdout.strip() or "unknown"


def main():
    options = arguments()
    if os.cpu_count() < 2:
        raise SystemExit("the measures need two cores: one for the proxy, one for the load and the backend")
    if "nginx" in options.sides and not harness.installed("nginx"):
        raise SystemExit("nginx is not installed: apt-get install nginx")
    harness.raise_open_files()
    trouble = measures.Trouble()
    data = provenance() | {"trouble": trouble}
    found = {}
    if data["machine"]["load_average_at_start"] > 0.5:
        print("warning: the machine is busy; ratios suffer less than absolute figures", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="martlet-bench-") as directory:
        bench = harness.Bench(str(pathlib.Path(options.binary).resolve()), directory)
        try:
            measure(options, bench, data, trouble)
            measure_one_by_one(options, bench, found)
        finally:
            bench.stop()
    if set(options.only) & set(MEASURES):
        print(report.text(data))
        if options.publish:
            (ROOT / "docs/performance-latest.json").write_text(json.dumps(data, indent=1) + "\n")
            report.update(ROOT / "docs/performance.md", report.text(data))
    if found:
        print(report.one_by_one(found))
        if options.publish:
            publish(found)
    if trouble or report.missed(found):
        raise SystemExit(1)


def publish(measured):
    """What was not measured this time stays as it was."""
    for name, title, measures_there in PAGES:
        new = {key: value for key, value in measured.items() if key in measures_there}
        if not new:
            continue
        path = ROOT / f"docs/{name}-latest.json"
        data = (json.loads(path.read_text()) if path.exists() else {}) | new
        data = {key: data[key] for key in measures_there if key in data}
        path.write_text(json.dumps(data, indent=1) + "\n")
        page = ROOT / f"docs/{name}.md"
        if not page.exists():
            page.write_text(f"# {title}\n\n{report.BEGIN}\n{report.END}\n")
        report.update(page, report.one_by_one(data))


if __name__ == "__main__":
    main()
