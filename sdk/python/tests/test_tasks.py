"""Tasks of the SDK's own: `@task`, its context, limits, cancelling, and what Martlet is told."""

import json
import time
import unittest

from fake_host import FakeHost, frames
from task_messages import message, message1

import martlet
from martlet.tasks.decorator import registered

TASKS = """
    import asyncio, datetime, time
    from martlet import SoftTimeLimitExceeded, TaskIgnored, TaskRejected, task

    @task
    def add(x, y=1):
        return x + y

    @task(name="kind", queue="gpu_queue", max_retries=2, retry_backoff=0.5, soft_time_limit=9, time_limit=10,
          rate_limit="10/m", ignore_result=True, acks_late=False)
    def kind_of(value):
        return type(value).__name__

    @task
    def fails(text):
        raise ValueError(text, object())

    @task(retry_on=OSError)
    def flaky():
        raise ConnectionError("away")

    @task
    def asks(context, countdown=None):
        context.retry(ValueError("not yet"), countdown=countdown)

    @task
    def leaves(requeue):
        raise TaskRejected("not mine", requeue=requeue)

    @task
    def ignored():
        raise TaskIgnored

    @task
    def unsayable():
        return float("nan")

    @task
    def tells(context):
        for percent in (10, 60):
            context.progress({"percent": percent})
        return [context.id, context.name, context.retries, context.headers["x-key"]]

    @task
    def sleeps(seconds):
        try:
            time.sleep(seconds)
        except SoftTimeLimitExceeded:
            return "tidied up"
        return "slept"

    @task
    def spins():
        try:
            while True:
                sum(range(1000))
        finally:
            print("left in order", flush=True)

    @task
    def checks(context):
        print("begun", flush=True)
        while True:
            context.check()
            time.sleep(0.005)

    @task
    async def waits(seconds):
        await asyncio.sleep(seconds)
        return "waited"

    @task
    def dies():
        import os
        os._exit(9)
    """


class Worker(FakeHost):
    def __init__(self, source=TASKS, purpose="serve", name="jobs.py", **more):
        super().__init__(source, api="/-/tasks", purpose=purpose, name=name, environment={"MARTLET_TASKS": "1"}, **more)

    def run(self, name, *arguments, soft=None, **named):
        """The outcome of one run."""
        self.begin(name, *arguments, soft=soft, **named)
        return self.take(frames.RESULT).json()

    def begin(self, name, *arguments, soft=None, headers=None, **named):
        told = {"x-martlet-soft-limit": str(soft)} if soft else {}
        raw = message(f"jobs.{name}", arguments, named, **(headers or {}))
        return self.execute(body=raw, op="task", headers=told)


class FunctionTests(unittest.TestCase):
    def test_a_value_is_the_outcome_with_its_text_and_time(self):
        with Worker() as worker:
            got = worker.run("add", 2, y=3)
            self.assertEqual((got["state"], got["value"], got["result"]), ("SUCCESS", 5, "5"))
            self.assertGreaterEqual(got["runtime"], 0)

    def test_arguments_come_by_protocol_1_compressed_and_with_types_of_kombus(self):
        with Worker() as worker:
            worker.execute(body=message1("jobs.add", (4,)), op="task")
            self.assertEqual(worker.take(frames.RESULT).json()["value"], 5)
            worker.execute(body=message("jobs.add", ([1],), {"y": [2]}, compress=True), op="task")
            self.assertEqual(worker.take(frames.RESULT).json()["value"], [1, 2])
            for value, kind in (
                ({"__type__": "datetime", "__value__": "2026-11-21T01:31:42+00:00"}, "datetime"),
                ({"__type__": "decimal", "__value__": "1.5"}, "Decimal"),
                ({"__type__": "base64", "__value__": "AP8="}, "bytes"),
                ({"__type__": "uuid", "__value__": "11111111-1111-4111-8111-111111111111"}, "UUID"),
            ):
                worker.execute(body=message("kind", (value,)), op="task")
                self.assertEqual(worker.take(frames.RESULT).json()["value"], kind)

    def test_an_exception_keeps_its_type_module_and_arguments(self):
        with Worker() as worker:
            got = worker.run("fails", "bad z")
            self.assertEqual((got["state"], got["exc_type"], got["exc_module"]), ("FAILURE", "ValueError", "builtins"))
            self.assertEqual(got["exc_message"][0], "bad z")
            self.assertTrue(got["exc_message"][1].startswith("<object"))
            self.assertIn("Traceback", got["traceback"])
            self.assertIn("raise ValueError", got["traceback"])
            self.assertEqual(worker.run("unsayable")["exc_type"], "ValueError")
            self.assertEqual(worker.run("add", 1, nothing=2)["exc_type"], "TypeError")
            self.assertEqual(worker.run("add", 1)["state"], "SUCCESS")

    def test_options_that_make_no_sense_are_refused(self):
        for options in [
            {"rate": "fast"},
            {"rate_key": "k"},
            {"unique": True, "unique_until": "never"},
            {"unique": True, "unique_seconds": 0},
        ]:
            with self.subTest(options=options), self.assertRaises(ValueError):
                martlet.tasks.task(name="odd", **options)(lambda: None)

    def test_messages_that_cannot_be_run_are_failures_that_say_why(self):
        with Worker() as worker:
            got = worker.run("unknown")
            self.assertEqual((got["exc_type"], got["exc_message"]), ("NotRegistered", ["jobs.unknown"]))
            for raw, said in (
                (message("jobs.add", content="application/x-python-serialize"), "task_serializer = 'json'"),
                (message("jobs.add", body=b"{"), "cannot be read"),
                (message("jobs.add", body=b"[1]"), "no arguments"),
                (message("jobs.add", body=b"zip", compression="application/x-gzip"), "cannot be decompressed"),
                (message("jobs.add", compression="application/zstd"), "cannot be read here"),
                (b"{}", "names no task"),
                (b"[", "no JSON"),
            ):
                worker.execute(body=raw, op="task")
                got = worker.take(frames.RESULT).json()
                self.assertEqual((got["state"], got["exc_type"]), ("FAILURE", "TaskMessageError"), got)
                self.assertIn(said, got["exc_message"][0])

    def test_a_task_is_run_again_when_it_asks_or_says_for_which_errors_and_not_without_end(self):
        with Worker() as worker:
            got = worker.run("asks", countdown=60)
            self.assertEqual((got["state"], got["delay"], got["exc_type"]), ("RETRY", 60, "ValueError"))
            self.assertIsNone(worker.run("asks")["delay"])
            got = worker.run("asks", headers={"retries": 3})
            self.assertEqual((got["state"], got["exc_message"]), ("FAILURE", ["not yet"]))
            self.assertEqual(worker.run("flaky")["state"], "RETRY")
            self.assertEqual(worker.run("flaky", headers={"retries": 3})["state"], "FAILURE")

    def test_a_task_may_be_rejected_or_leave_no_result(self):
        with Worker() as worker:
            self.assertEqual([worker.run("leaves", again)["requeue"] for again in (True, False)], [True, False])
            self.assertEqual(worker.run("ignored"), {"state": "IGNORED"})

    def test_progress_comes_while_the_task_runs_and_the_outcome_last(self):
        with Worker() as worker:
            id = worker.begin("tells", headers={"x-key": "k", "retries": 1})
            lines = b"".join(one.body for one in worker.stream(id)).split(b"\n")
            told = [json.loads(line) for line in lines]
            self.assertEqual(told[:2], [{"progress": {"percent": 10}}, {"progress": {"percent": 60}}])
            self.assertEqual(told[2]["value"], ["t1", "jobs.tells", 1, "k"])

    def test_the_soft_limit_is_raised_in_the_task_and_in_no_later_one(self):
        with Worker() as worker:
            began = time.monotonic()
            self.assertEqual(worker.run("sleeps", 20, soft=0.1)["value"], "tidied up")
            self.assertLess(time.monotonic() - began, 5)
            self.assertEqual(worker.run("add", 1, soft=0.05)["value"], 2)
            self.assertEqual(worker.run("sleeps", 0.2)["value"], "slept")
            got = worker.run("waits", 20, soft=0.1)
            self.assertEqual((got["state"], got["exc_type"]), ("FAILURE", "SoftTimeLimitExceeded"))
            self.assertEqual(worker.run("waits", 0)["value"], "waited")

    def test_a_task_that_nobody_wants_is_stopped_and_the_process_goes_on(self):
        for name, arguments in (("spins", ()), ("checks", ()), ("waits", (60,))):
            with self.subTest(name), Worker() as worker:
                id = worker.begin(name, *arguments)
                # Until it runs: a task that waits is given up without having begun.
                time.sleep(0.2)
                worker.cancel(id)
                got = worker.take(frames.CANCELLED)
                self.assertEqual((got.id, got.meta["phase"]), (id, "computing"))
                self.assertEqual(worker.run("add", 1)["value"], 2)
                if name == "spins":
                    self.assertIn("left in order", worker.output())

    def test_a_process_that_dies_answers_nothing(self):
        with Worker() as worker:
            worker.begin("dies")
            with self.assertRaises(EOFError):
                worker.take(frames.RESULT)


class DescriptionTests(unittest.TestCase):
    def test_martlet_is_told_every_task_and_what_holds_for_it(self):
        with Worker(purpose="describe") as worker:
            api = worker.ready.meta["apis"][0]
            said = (api["path"], api["operation"], api["max_batch"], api["concurrent"])
            self.assertEqual(said, ("/-/tasks", "task", 1, 1))
            told = worker.ready.meta["settings"]["tasks"]
            self.assertEqual(told["kind"], "functions")
            by_name = {one["name"]: one for one in told["tasks"]}
            self.assertIn("jobs.add", by_name)
            self.assertEqual(
                by_name["kind"],
                {
                    "name": "kind",
                    "queue": "gpu_queue",
                    "max_retries": 2,
                    "retry_delay": 0.5,
                    "soft_time_limit": 9,
                    "time_limit": 10,
                    "rate_limit": "10/m",
                    "ignore_result": True,
                    "rate": None,
                    "rate_key": None,
                    "unique": False,
                    "unique_until": "finished",
                    "unique_seconds": 86400.0,
                    "acks_late": False,
                    "batch_size": None,
                    "batch_timeout": 0.2,
                },
            )

    def test_a_file_without_tasks_says_so(self):
        with Worker("import json\n", purpose="describe") as worker:
            self.assertIn("no Celery app and no function with @task", worker.ready.body.decode())


class DecoratorTests(unittest.TestCase):
    def tearDown(self):
        registered.clear()

    def test_a_task_is_called_as_the_function_that_it_is(self):
        @martlet.task
        def double(x, context):
            context.progress(x)
            return 2 * x, context.cancelled

        self.assertEqual(double(2), (4, False))

    def test_two_tasks_of_one_name_and_options_without_sense_are_refused(self):
        martlet.task(name="one")(lambda: 1)
        with self.assertRaisesRegex(ValueError, "two tasks are called one"):
            martlet.task(name="one")(lambda: 2)
        for wrong in ({"max_retries": -1}, {"time_limit": 0}, {"retry_backoff": -1}):
            with self.assertRaises(ValueError):
                martlet.task(**wrong)(lambda: 3)


if __name__ == "__main__":
    unittest.main()
