"""Stock Celery producers before `martlet broker` and `martlet worker`, with an app as its users have it."""

import contextlib
import importlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

from support import HOME, Child, binary, eventually, main

CONFIG = """
broker_url = "redis://localhost:6379/0"
result_backend = "redis://localhost:6379/1"
task_routes = {"tasks.simple_task": {"queue": "cpu_queue"}, "tasks.complex_task": {"queue": "gpu_queue"}}
"""
TASKS = '''
import os, time
from celery import Celery, signals
from celery.exceptions import SoftTimeLimitExceeded

app = Celery("distributed_langchain", broker="redis://localhost:6379/0")
app.config_from_object("config")
started = []

@signals.worker_process_init.connect
def begun(**_):
    started.append(os.getpid())

@app.task(bind=True, queue="cpu_queue")
def simple_task(self, query: str):
    return f"answer to {query}"

@app.task(bind=True, queue="gpu_queue")
def complex_task(self, doc: str):
    try:
        if self.request.retries == 0:
            raise ConnectionError("no model")
        return f"{doc} after {self.request.retries}"
    except Exception as e:
        self.retry(exc=e, countdown=0.2)

@app.task
def add(x, y):
    return x + y

@app.task
def xsum(numbers):
    return sum(numbers)

@app.task
def fails(text):
    raise ValueError(text)

@app.task
def signalled():
    return started == [os.getpid()]

@app.task(bind=True)
def progressing(self, gate):
    self.update_state(state="PROGRESS", meta={"percent": 50})
    while not os.path.exists(gate):
        time.sleep(0.01)
    return "done"

@app.task
def waits(gate, beat):
    with open(beat, "a") as file:
        file.write(f"{os.getpid()}\\n")
    while not os.path.exists(gate):
        time.sleep(0.01)
    return "waited"

@app.task(soft_time_limit=0.3)
def softly():
    try:
        time.sleep(60)
    except SoftTimeLimitExceeded:
        return "tidied up"

@app.task(time_limit=0.5)
def hardly():
    time.sleep(60)
'''
FUNCTIONS = """
import os, time
from martlet import task

@task(name="own.double", queue="own")
def double(x):
    return 2 * x

@task(name="own.flaky", queue="own", retry_on=ConnectionError, retry_backoff=0.1)
def flaky(context):
    if context.retries < 2:
        raise ConnectionError("away")
    return context.retries

@task(name="own.tells", queue="own")
async def tells(gate, context):
    context.progress({"percent": 30})
    while not os.path.exists(gate):
        context.check()
        time.sleep(0.01)
    return "told"
"""
QUEUES = "celery,cpu_queue,gpu_queue"


class Place:
    """A broker, a worker and a producer, each in a process of its own, in a folder with the app's files."""

    def __init__(self, *options: str):
        self._stack = contextlib.ExitStack()
        self.folder = pathlib.Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        (self.folder / "config.py").write_text(CONFIG)
        (self.folder / "tasks.py").write_text(TASKS)
        self.options = options

    def __enter__(self):
        try:
            port = _free_port()
            command = [binary(), "broker", "--port", str(port), "--data", self.folder / "data"]
            self.broker = self._stack.enter_context(Child(command))
            url = self.broker.prints(r"(redis://\S+)/0$")
            # What the app's file says of localhost:6379 holds where that is free; a test has a port of its own.
            for name, text in (("config.py", CONFIG), ("tasks.py", TASKS)):
                (self.folder / name).write_text(text.replace("redis://localhost:6379", url))
            self.url = f"{url}/0"
            self.worker = self.start(*self.options)
            self.tasks = self._stack.enter_context(_imported(self.folder))
            return self
        except BaseException:
            self._stack.__exit__(*sys.exc_info())
            raise

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def start(self, *options: str) -> Child:
        """Another worker, once it takes tasks."""
        command = [binary(), "worker", "--app", self.folder / "tasks.py", "--python", sys.executable]
        stated = options if any("queues" in one for one in options) else (*options, "--queues", QUEUES)
        worker = self._stack.enter_context(Child([*command, *stated], {"MARTLET_HOME": str(HOME)}))
        worker.prints(r"^(ready)$", within=30)
        return worker

    def gate(self, name: str) -> pathlib.Path:
        return self.folder / name

    def processes(self, beat: pathlib.Path) -> list:
        """Those that began the task which writes there."""
        return [int(line) for line in beat.read_text().split()] if beat.exists() else []


def check_the_articles_calls_are_answered():
    with Place("--concurrency", "2") as place:
        tasks = place.tasks
        assert tasks.simple_task.delay("Hello CPU").get(timeout=10) == "answer to Hello CPU"
        # The first try fails, and is tried again after its countdown.
        assert tasks.complex_task.delay("doc").get(timeout=10) == "doc after 1"
        assert "cpu_queue, gpu_queue" in place.worker.text("stdout")
        assert tasks.signalled.delay().get(timeout=10) is True


def check_chains_groups_and_chords_are_celerys():
    from celery import chain, chord, group

    with Place("--concurrency", "2") as place:
        tasks = place.tasks
        assert chain(tasks.add.s(1, 2), tasks.add.s(3), tasks.add.s(4))().get(timeout=10) == 10
        assert group(tasks.add.s(n, n) for n in range(10))().get(timeout=20) == [2 * n for n in range(10)]
        assert chord((tasks.add.s(n, 1) for n in range(10)), tasks.xsum.s())().get(timeout=20) == 55
        assert chain(tasks.add.s(1, 1), group(tasks.add.s(1), tasks.add.s(2)), tasks.xsum.s())().get(timeout=20) == 7


def check_failures_and_unknown_tasks_reach_the_producer():
    from celery.exceptions import NotRegistered

    with Place("--concurrency", "1") as place:
        result = place.tasks.fails.delay("bad z")
        try:
            result.get(timeout=10)
            raise AssertionError("no exception")
        except ValueError as error:
            assert error.args == ("bad z",), error
        assert "raise ValueError(text)" in result.traceback
        try:
            place.tasks.app.send_task("tasks.nowhere").get(timeout=10)
            raise AssertionError("no exception")
        except NotRegistered:
            pass


def check_states_of_the_tasks_own_are_seen():
    with Place("--concurrency", "1") as place:
        gate = place.gate("gate")
        result = place.tasks.progressing.delay(str(gate))
        eventually(lambda: result.state == "PROGRESS", 10, "the task says how far it is")
        assert result.info == {"percent": 50}, result.info
        gate.touch()
        assert result.get(timeout=10) == "done"


def check_time_limits_hold():
    from celery.exceptions import TimeLimitExceeded

    with Place("--concurrency", "1") as place:
        assert place.tasks.softly.delay().get(timeout=10) == "tidied up"
        began = time.monotonic()
        try:
            place.tasks.hardly.delay().get(timeout=10)
            raise AssertionError("no exception")
        except TimeLimitExceeded:
            assert time.monotonic() - began < 8
        # Another process has taken the place of the one that was ended.
        assert place.tasks.add.delay(1, 2).get(timeout=10) == 3


def check_a_revoked_task_does_not_run_and_one_that_runs_is_ended():
    from celery.exceptions import TaskRevokedError

    with Place("--concurrency", "1") as place:
        gate, beat = place.gate("gate"), place.gate("beat")
        running = place.tasks.waits.delay(str(gate), str(beat))
        eventually(lambda: place.processes(beat), 10, "the task runs")
        waiting = place.tasks.add.delay(1, 2)
        waiting.revoke()
        running.revoke(terminate=True)
        for result in (running, waiting):
            try:
                result.get(timeout=10)
                raise AssertionError("no exception")
            except TaskRevokedError:
                pass
        assert place.tasks.add.delay(2, 2).get(timeout=10) == 4
        assert len(place.processes(beat)) == 1


def check_a_task_whose_process_is_killed_runs_again():
    with Place("--concurrency", "1") as place:
        gate, beat = place.gate("gate"), place.gate("beat")
        result = place.tasks.waits.delay(str(gate), str(beat))
        first = eventually(lambda: place.processes(beat), 10, "the task runs")[0]
        os.kill(first, signal.SIGKILL)
        eventually(lambda: len(place.processes(beat)) == 2, 20, "the task runs again, in another process")
        gate.touch()
        assert result.get(timeout=10) == "waited"
        assert len(set(place.processes(beat))) == 2


def check_a_task_that_must_not_run_twice_fails_when_its_process_is_killed():
    with Place("--concurrency", "1", "--acks-as-app") as place:
        gate, beat = place.gate("gate"), place.gate("beat")
        result = place.tasks.waits.delay(str(gate), str(beat))
        first = eventually(lambda: place.processes(beat), 10, "the task runs")[0]
        os.kill(first, signal.SIGKILL)
        try:
            result.get(timeout=20)
            raise AssertionError("no exception")
        except Exception as error:
            assert type(error).__name__ == "WorkerLostError", error
        assert place.tasks.add.delay(1, 2).get(timeout=10) == 3
        assert len(place.processes(beat)) == 1


def check_a_worker_that_is_told_to_end_finishes_what_runs():
    with Place("--concurrency", "1") as place:
        gate, beat = place.gate("gate"), place.gate("beat")
        running = place.tasks.waits.delay(str(gate), str(beat))
        eventually(lambda: place.processes(beat), 10, "the task runs")
        place.worker.process.send_signal(signal.SIGTERM)
        eventually(lambda: "draining" in place.worker.text("stderr"), 10, "the worker takes no more")
        waiting = place.tasks.add.delay(1, 2)
        gate.touch()
        assert running.get(timeout=10) == "waited"
        assert place.worker.process.wait(20) == 0
        assert waiting.state == "PENDING"
        place.start("--concurrency", "1")
        assert waiting.get(timeout=10) == 3


def check_the_worker_answers_remote_control():
    with Place("--concurrency", "2", "-n", "own@%h") as place:
        control = place.tasks.app.control
        name = next(iter(control.ping(timeout=5)[0]))
        assert name.startswith("own@"), name
        inspect = control.inspect(timeout=5)
        assert "tasks.simple_task" in inspect.registered()[name]
        assert {queue["name"] for queue in inspect.active_queues()[name]} == set(QUEUES.split(","))
        assert inspect.stats()[name]["pool"]["max-concurrency"] == 2


def check_programs_run_where_they_are_allowed_alone():
    with Place("--allow-shell", "echo", "--allow-shell", "false") as place:
        send = place.tasks.app.send_task
        got = send("martlet.shell", ["echo", "$HOME", "a b"]).get(timeout=10)
        assert got == {"status": 0, "stdout": "$HOME a b\n", "stderr": "", "truncated": False}, got
        for words, kind in ((["false"], subprocess.CalledProcessError), (["ls"], PermissionError)):
            try:
                send("martlet.shell", words).get(timeout=10)
                raise AssertionError("no exception")
            except kind:
                pass


def check_functions_of_the_sdk_are_called_by_celerys_clients():
    from celery import Celery, chain, signature

    with Place("--concurrency", "1") as place:
        file = place.folder / "functions.py"
        file.write_text(FUNCTIONS)
        command = [binary(), "worker", "-A", file, "--python", sys.executable, "-b", place.url, "-c", "1", "-n", "own"]
        with Child(command, {"MARTLET_HOME": str(HOME)}) as worker:
            worker.prints(r"^(ready)$", within=30)
            # Martlet stores their results, beside their queue.
            app = Celery("producer", broker=place.url, backend=place.url)
            send = lambda name, *args: app.send_task(name, args, queue="own")
            assert send("own.double", 21).get(timeout=10) == 42
            assert send("own.flaky").get(timeout=10) == 2
            step = lambda name, *args: signature(name, args=args, app=app, options={"queue": "own"})
            assert chain(step("own.double", 1), step("own.double"), step("own.double"))().get(timeout=10) == 8
            gate = place.gate("gate")
            result = send("own.tells", str(gate))
            eventually(lambda: result.state == "PROGRESS", 10, "the task says how far it is")
            assert result.info == {"percent": 30}
            gate.touch()
            assert result.get(timeout=10) == "told"
            assert worker.stop() == 0


def check_tasks_in_swift_are_called_by_celerys_clients():
    from celery import Celery
    from celery.exceptions import TaskRevokedError, TimeLimitExceeded

    with Place("--concurrency", "1") as place:
        # Built with the tests.
        program = HOME / ".build/debug/task-peer"
        told = {"MARTLET_BROKER": place.url, "MARTLET_LISTEN": "127.0.0.1:0", "MARTLET_CONSOLE": "off"}
        with Child([program], told) as worker:
            worker.prints(r"^(worker +peer@)", within=30)
            app = Celery("producer", broker=place.url, backend=place.url)
            send = lambda name, *args: app.send_task(name, args, queue="swift")
            assert send("swift.add", 2, 3).get(timeout=10) == 5
            assert send("swift.add", 2).get(timeout=10) == 3
            assert send("swift.flaky").get(timeout=10) == 2
            waiting = send("swift.waits")
            eventually(lambda: waiting.state == "PROGRESS", 10, "the task says how far it is")
            assert waiting.info == {"percent": 50}
            waiting.revoke(terminate=True)
            wrong = send("swift.add", "two", 3)
            for result, kind in (
                (waiting, TaskRevokedError), (wrong, TypeError), (send("swift.limited"), TimeLimitExceeded)
            ):
                try:
                    result.get(timeout=10)
                    raise AssertionError("no exception")
                except kind:
                    pass
            assert worker.stop() == 0


def check_processes_come_and_go_with_the_load():
    with Place("--autoscale", "3,1") as place:
        gate, beat = place.gate("gate"), place.gate("beat")
        results = [place.tasks.waits.delay(str(gate), str(beat)) for _ in range(3)]
        eventually(lambda: len(set(place.processes(beat))) == 3, 30, "three processes run a task each")
        gate.touch()
        assert [result.get(timeout=10) for result in results] == ["waited"] * 3


def check_a_mistake_ends_the_worker_at_once():
    with tempfile.TemporaryDirectory() as folder:
        (pathlib.Path(folder) / "empty.py").write_text("x = 1\n")
        (pathlib.Path(folder) / "rabbit.py").write_text(
            "from celery import Celery\napp = Celery('rabbit', broker='amqp://localhost')\n"
        )
        for file, said in (("empty.py", "no Celery app"), ("rabbit.py", "say which with --broker")):
            command = [binary(), "worker", "-A", f"{folder}/{file}", "--python", sys.executable]
            with Child(command, {"MARTLET_HOME": str(HOME)}) as worker:
                assert worker.process.wait(30) != 0
                assert said in worker.text("stderr"), worker.text("stderr")


@contextlib.contextmanager
def _imported(folder: pathlib.Path):
    """The app's module, as a producer imports it."""
    sys.path.insert(0, str(folder))
    try:
        module = importlib.import_module("tasks")
        yield module
        module.app.close()
    finally:
        sys.path.remove(str(folder))
        for name in ("tasks", "config"):
            sys.modules.pop(name, None)


def _free_port() -> int:
    with socket.socket() as place:
        place.bind(("127.0.0.1", 0))
        return place.getsockname()[1]


if __name__ == "__main__":
    main(globals())
