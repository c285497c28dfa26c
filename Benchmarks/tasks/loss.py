"""The loss checker and its two experiments, whole (`--scale`: of 30,000 tasks and 50 faults), on Martlet's broker and,
for comparison, on a Redis server that syncs before it answers."""

import json
import subprocess

from load import verdict

from . import stage

CHECKER = stage.ROOT / "Tests/Loss"
SIDES = [("martlet", "celery"), ("martlet", "martlet"), ("redis", "celery")]


def ask(bench, program, *arguments):
    found = subprocess.run(
        list(map(str, [stage.PYTHON, CHECKER / program, "--binary", bench.binary, *arguments])),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=3600)
    if not found.stdout.strip():
        raise SystemExit(f"{program} said: {found.stderr[-3000:]}")
    return json.loads(found.stdout.strip().splitlines()[-1])


def words(found):
    return (
        f"{found['acknowledged']:,} acknowledged, {found['fault_count']} faults: {found['lost_count']} lost, "
        f"{found['unexpected_count']} unexpected, {found['committed'] - found['recovered']:,} with one result, "
        f"{found['duplicated']} ran more than once, {found['recovered']} recovered")


def measure(bench, options):
    scale = 0.02 if options.quick else 1
    rows, figures = [], {}
    for engine, workers in SIDES:
        found = ask(bench, "loss.py", "--engine", engine, "--workers", workers, "--scale", scale, "--json")
        figures[f"{engine}, {workers}"] = found
        is_whole = not (found["lost_count"] or found["unexpected_count"] or found["wrong_count"])
        name = "Martlet's broker" if engine == "martlet" else "Redis"
        rows.append(verdict.row(
            f"{name}, {'stock Celery' if workers == 'celery' else 'Martlet'} workers, under faults",
            "0 lost, 0 unexpected, 1 result each" if engine == "martlet" else "", words(found),
            is_whole if engine == "martlet" else None))
    for engine, workers in SIDES:
        found = ask(bench, "experiments.py", "--engine", engine, "--workers", workers)
        figures[f"experiments: {engine}, {workers}"] = found
        name = "Martlet's broker" if engine == "martlet" else "Redis"
        kills, runs = found["kills"], found["eta"]["executions"]
        rows.append(verdict.row(
            f"{name}, {'stock Celery' if workers == 'celery' else 'Martlet'} workers: {kills['kills']} kills of all "
            "workers; an ETA beyond the visibility timeout",
            "0 lost; 1 run" if engine == "martlet" else "",
            f"{kills['lost_count']} of {kills['acknowledged']:,} lost, {kills['duplicated']} ran more than once; "
            f"{runs} runs", (kills["lost_count"] == 0 and runs == 1) if engine == "martlet" else None))
    return rows, figures
