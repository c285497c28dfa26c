#!/usr/bin/env python3
"""Foreign suites against Martlet's broker, unedited: kombu's for its Redis transport, and Celery's integration tests
with Celery's own worker. The same tests run against a Redis server, and what each test came to is compared.

    suites.py --binary .build/release/martlet                 both suites, both servers: about 25 minutes
    suites.py --binary … --only kombu
    suites.py --binary … --own-worker                         Celery's with Martlet's worker, on Martlet's broker

Exits with 1 when a test fails on the broker that does not fail on Redis, but for those in MEANT. With Martlet's worker:
when one fails that is not in own_worker.txt, or one passes that is.
"""

import argparse
import collections
import contextlib
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree

from servers import server

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE.parents[2] / ".martlet"
VERSIONS = {"kombu": "5.7.0", "celery": "5.7.0"}
KOMBU = ["t/integration/test_redis.py", "t/integration/test_redis_brpop_qos.py"]
CELERY = [f"t/integration/test_{name}.py" for name in ("tasks", "inspect", "redis_backend", "beat", "canvas")]
# What comes to something else than on Redis, on purpose.
MEANT = {"test_Inspect::test_scheduled": "a task with an ETA waits in the broker, and no worker has it to show"}
EXCLUDED = "fails with Martlet's worker: "
# How a test may end that did not pass; excluded: it failed, and had to.
KINDS = ("failure", "error", "excluded", "skipped")
# Registers what the suites' own configuration does, without their other plugins.
MARKS = '''
def pytest_configure(config):
    for mark in ("env(name): the service it needs", "amqp", "masked_modules", "patched_environ", "patched_module",
                 "sleepdeprived_patched_module", "flaky", "usepatched"):
        config.addinivalue_line("markers", mark)
'''


def source(name):
    """The source archive from the registry, unpacked: it holds the tests."""
    folder = SOURCES / f"{name}-{VERSIONS[name]}"
    if folder.exists():
        return folder
    SOURCES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SOURCES) as work:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
             "--no-binary", ":all:", "--dest", work, f"{name}=={VERSIONS[name]}"], check=True)
        archive = next(pathlib.Path(work).glob("*.tar.gz"))
        print(f"{archive.name}: {hashlib.sha256(archive.read_bytes()).hexdigest()}")
        with tarfile.open(archive) as tar:
            tar.extractall(work, filter="data")
        (pathlib.Path(work) / folder.name).rename(folder)
    # The installed package is what runs; of the source only the tests are imported.
    package = folder / name
    if package.exists():
        package.rename(folder / f"{name}-source")
    return folder


def run(suite, files, engine, options):
    """{test: passed, failed, skipped or error} and how often a test was run again."""
    folder = source(suite)
    report = pathlib.Path(options.results) / f"{suite}-{engine.name}.xml"
    marks = folder / "martlet_marks.py"
    marks.write_text(MARKS)
    url = f"redis://127.0.0.1:{engine.port}/0"
    environment = dict(
        os.environ, REDIS_HOST="127.0.0.1", REDIS_PORT=str(engine.port), REDIS_6379_TCP=str(engine.port),
        TEST_BROKER=url, TEST_BACKEND=url, PYTHONPATH=f"{folder}:{HERE}", MARTLET_BINARY=options.binary,
        MARTLET_WORKER_LOG=str(report.with_suffix(".worker.log")))
    plugins = ["-p", "martlet_marks"] + (["-p", "own_worker"] if options.own_worker else [])
    plugins += ["-p", "no:celery", "--noconftest"] if suite == "kombu" else ["-p", "celery.contrib.pytest"]
    command = [
        sys.executable, "-m", "pytest", "-q", "--color=no", "-p", "no:cacheprovider", "--junitxml", str(report),
        "-W", "ignore", "-o", "addopts=", *plugins, *options.pytest, *files]
    with open(report.with_suffix(".log"), "wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        try:
            process.wait(options.limit)
        except subprocess.TimeoutExpired:
            # It writes down what came of those that it ran.
            print(f"{suite} on {engine.name}: cut off after {options.limit:.0f} s", flush=True)
            process.send_signal(signal.SIGINT)
            process.wait(60)
        finally:
            # A worker of its own, too.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
    found = outcomes(report)
    if process.returncode not in (0, 1):
        found[f"{suite}::the whole of it"] = "error"
    return found


def outcomes(report):
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = f"{case.get('classname')}::{case.get('name')}"
        kinds = {
            "excluded" if (child.get("message") or "").startswith(EXCLUDED) else child.tag for child in case}
        found[name] = next((kind for kind in KINDS if kind in kinds), "passed")
    return found


def summary(found):
    counts = collections.Counter(found.values())
    return ", ".join(f"{counts[kind]} {kind}" for kind in ("passed", *KINDS) if counts[kind])


def compare(suite, files, options):
    found = {}
    for name in options.engines:
        with server(name, options.binary) as engine:
            found[name] = run(suite, files, engine, options)
        print(f"{suite} on {name}: {summary(found[name])} of {len(found[name])}", flush=True)
    ours, theirs = found.get("martlet", {}), found.get("redis", {})
    different = {
        test: (ours.get(test), theirs.get(test)) for test in sorted(ours.keys() | theirs.keys())
        if theirs and ours.get(test) != theirs.get(test)}
    meant = {test: why for test in different for name, why in MEANT.items() if test.endswith(name)}
    for test, (left, right) in different.items():
        print(f"  {test}: {left} on martlet, {right} on redis" + (f" ({meant[test]})" if test in meant else ""))
    bad = [test for test, outcome in ours.items() if outcome in ("failure", "error")]
    if not theirs:
        for test in bad:
            print(f"  {test}: {ours[test]}")
    # What fails on both says nothing about the broker.
    return not ours or any(
        left in ("failure", "error", None) for test, (left, _) in different.items() if test not in meant
    ) or (not theirs and bool(bad))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--only", choices=["kombu", "celery"])
    parser.add_argument("--engines", help="martlet,redis without it; martlet alone with --own-worker")
    parser.add_argument("--own-worker", action="store_true", help="Celery's suite with Martlet's worker")
    parser.add_argument("--files", help="of Celery's, by the words between test_ and .py")
    parser.add_argument("--results", help="a folder for reports and logs, which is then kept")
    parser.add_argument("--limit", type=float, default=1700, help="seconds for one suite on one server")
    parser.add_argument("pytest", nargs="*", help="more arguments for pytest, behind --")
    options = parser.parse_args()
    if options.own_worker:
        options.only = "celery"
    options.engines = (options.engines or ("martlet" if options.own_worker else "martlet,redis")).split(",")
    options.binary = os.path.abspath(options.binary)
    files = [f"t/integration/test_{name}.py" for name in options.files.split(",")] if options.files else CELERY
    with tempfile.TemporaryDirectory(prefix="martlet-suites-") as folder:
        options.results = options.results or folder
        os.makedirs(options.results, exist_ok=True)
        failed = [
            compare(suite, some, options) for suite, some in (("kombu", KOMBU), ("celery", files))
            if options.only in (None, suite)]
    sys.exit(any(failed))


if __name__ == "__main__":
    main()
