"""A pytest plugin: Celery's integration tests with `martlet worker` where they start a worker of Celery's in a thread.

The tests of `own_worker.txt` have to fail, each for the reason that stands there: one that passes is a failure.
"""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import time
import types

import celery.contrib.pytest
import pytest
from celery.utils.nodenames import anon_nodename
from suites import EXCLUDED

HERE = pathlib.Path(__file__).resolve().parent
# What Celery's own is started with there, and its own prefetch.
OPTIONS = ["--concurrency", "1", "--prefetch-multiplier", "4", "--without-mingle", "--without-gossip"]
# A test that has to fail is not waited for as long as one that may be slow.
LIMIT = 60


def exclusions():
    """{test: why it fails}. A test is `test_file.py::Class::name`, with or without its parameters."""
    lines = (HERE / "own_worker.txt").read_text().splitlines()
    pairs = (line.split(" # ", 1) for line in lines if line and not line.startswith("#"))
    return {test.strip(): why.strip() for test, why in pairs}


def pytest_collection_modifyitems(items):
    excluded, found, files = exclusions(), set(), set()
    for item in items:
        test = item.nodeid.rpartition("/")[2]
        files.add(test.partition("::")[0])
        for name in {test, test.partition("[")[0]} & excluded.keys():
            found.add(name)
            item.add_marker(pytest.mark.xfail(reason=EXCLUDED + excluded[name], strict=True))
            item.add_marker(pytest.mark.timeout(LIMIT), append=False)
    missing = [test for test in excluded.keys() - found if test.partition("::")[0] in files]
    if missing and not items[0].config.option.keyword:
        raise pytest.UsageError(f"own_worker.txt names tests that are not there: {sorted(missing)}")


@contextlib.contextmanager
def worker(app, config):
    name = anon_nodename()
    environment = dict(os.environ, INTEGRATION_CONFIG=json.dumps(config))
    environment.setdefault("MARTLET_HOME", str(HERE.parents[2]))
    # Its log is in the report's: pytest has the standard output captured.
    with open(os.environ["MARTLET_WORKER_LOG"], "ab") as log:
        process = subprocess.Popen(
            [os.environ["MARTLET_BINARY"], "worker", "--app", str(HERE / "integration_app.py"), "--python",
             sys.executable, "--hostname", name, *OPTIONS],
            env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT)
    try:
        end = time.monotonic() + 60
        while not app.control.ping(destination=[name], timeout=0.5):
            assert process.poll() is None and time.monotonic() < end, "the worker does not start"
        yield types.SimpleNamespace(hostname=name)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="session")
def celery_session_worker(celery_session_app, celery_config, celery_includes, celery_class_tasks):
    for module in celery_includes:
        celery_session_app.loader.import_task_module(module)
    for task in celery_class_tasks:
        celery_session_app.register_task(task)
    with worker(celery_session_app, celery_config) as started:
        yield started


# The suite's conftest takes it from there.
celery.contrib.pytest.celery_session_worker = celery_session_worker
