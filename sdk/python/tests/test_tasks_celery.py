"""A Celery app as it is, run through Celery's own tracer. Left out where Celery is not installed."""

import importlib.util
import time
import unittest

from fake_host import FakeHost, frames
from task_messages import message, message1

CONFIG = """
    broker_url = "memory://"
    result_backend = "cache+memory://"
    task_routes = {"tasks.simple_task": {"queue": "cpu_queue"}, "tasks.complex_task": {"queue": "gpu_queue"}}
    worker_concurrency = 3
    """
TASKS = """
    import os, time
    from celery import Celery, Task, signals
    from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded

    app = Celery("distributed")
    app.config_from_object("config")
    seen = []

    for name in ("worker_init", "worker_process_init", "task_prerun", "task_postrun", "task_failure"):
        def note(name=name, **_):
            seen.append(name)
        getattr(signals, name).connect(note, weak=False)

    class Counted(Task):
        count = 0
        def __call__(self, *args, **kwargs):
            Counted.count += 1
            return super().__call__(*args, **kwargs)

    @app.task(bind=True, queue="cpu_queue", rate_limit="10/m", soft_time_limit=40, time_limit=60)
    def simple_task(self, query):
        return f"{self.name}:{self.request.id}:{self.request.hostname}:{query}"

    @app.task(base=Counted)
    def counted():
        return Counted.count

    @app.task
    def signalled():
        return list(seen)

    @app.task
    def fails():
        raise KeyError("z")

    @app.task(bind=True, max_retries=1)
    def again(self):
        raise self.retry(exc=ValueError("later"), countdown=60)

    @app.task(bind=True, acks_late=True)
    def rejects(self, requeue):
        raise Reject("no", requeue=requeue)

    @app.task
    def ignores():
        raise Ignore()

    @app.task
    def sleeps(seconds):
        try:
            time.sleep(seconds)
        except SoftTimeLimitExceeded:
            return "soft"
        return "slept"

    @app.task(bind=True)
    def state(self):
        self.update_state(state="PROGRESS", meta={"percent": 50})
        return self.AsyncResult(self.request.id).info

    @app.task
    def quits():
        raise SystemExit(3)
    """


@unittest.skipUnless(importlib.util.find_spec("celery"), "celery is not installed")
class CeleryTests(unittest.TestCase):
    def worker(self, source=TASKS, purpose="serve", **more):
        environment = {"MARTLET_TASKS": "1", "MARTLET_TASK_NODE": "celery@here", **more.pop("environment", {})}
        # Both Celery's own variables would come before the file.
        for name in ("CELERY_BROKER_URL", "CELERY_RESULT_BACKEND"):
            environment.setdefault(name, "")
        return FakeHost(
            source, api="/-/tasks", purpose=purpose, name="tasks.py", environment=environment,
            others={"config.py": CONFIG}, **more,
        )

    def run_one(self, worker, name, *arguments, **headers):
        worker.execute(body=message(f"tasks.{name}", arguments, **headers), op="task")
        return worker.take(frames.RESULT).json()

    def test_a_bound_task_runs_under_its_own_name_and_the_workers(self):
        with self.worker() as worker:
            got = self.run_one(worker, "simple_task", "Hello CPU")
            self.assertEqual((got["settled"], got["state"]), (True, "SUCCESS"))
            self.assertEqual(got["result"], "'tasks.simple_task:t1:celery@here:Hello CPU'")
            worker.execute(body=message1("tasks.simple_task", ("v1",), id="old"), op="task")
            self.assertIn("tasks.simple_task:old:celery@here:v1", worker.take(frames.RESULT).json()["result"])

    def test_signals_and_custom_classes_are_celerys_own(self):
        with self.worker() as worker:
            self.assertEqual(self.run_one(worker, "counted")["result"], "1")
            self.assertEqual(self.run_one(worker, "counted")["result"], "2")
            self.run_one(worker, "fails")
            seen = self.run_one(worker, "signalled")["result"]
            first = "['worker_init', 'worker_process_init', 'task_prerun', 'task_postrun'"
            self.assertTrue(seen.startswith(first), seen)
            self.assertIn("task_failure", seen)

    def test_failures_retries_and_rejections_say_what_celery_says(self):
        with self.worker() as worker:
            got = self.run_one(worker, "fails")
            self.assertEqual((got["state"], got["exception"]), ("FAILURE", "KeyError('z')"))
            self.assertIn("Traceback", got["traceback"])
            got = self.run_one(worker, "again")
            self.assertEqual((got["state"], got["exception"]), ("RETRY", "ValueError('later')"))
            self.assertEqual(self.run_one(worker, "again", retries=1)["state"], "FAILURE")
            self.assertEqual(self.run_one(worker, "rejects", True)["state"], "REQUEUED")
            self.assertEqual(self.run_one(worker, "rejects", False)["state"], "REJECTED")
            self.assertEqual(self.run_one(worker, "ignores")["state"], "IGNORED")

    def test_states_of_the_tasks_own_are_kept_by_the_backend(self):
        with self.worker() as worker:
            self.assertEqual(self.run_one(worker, "state")["result"], "{'percent': 50}")

    def test_what_celery_cannot_read_is_left_to_martlet_to_store(self):
        with self.worker() as worker:
            for raw, kind in (
                (message("tasks.fails", content="application/x-python-serialize", body=b"\x80"), "ContentDisallowed"),
                (message("tasks.nowhere"), "NotRegistered"),
                (message("tasks.fails", body=b"[1]"), "ValueError"),
            ):
                worker.execute(body=raw, op="task")
                got = worker.take(frames.RESULT).json()
                self.assertEqual((got["state"], got.get("settled"), got["exc_type"]), ("FAILURE", None, kind))

    def test_the_soft_limit_is_celerys_exception(self):
        with self.worker() as worker:
            worker.execute(
                body=message("tasks.sleeps", (20,)), op="task", headers={"x-martlet-soft-limit": "0.1"}
            )
            self.assertEqual(worker.take(frames.RESULT).json()["result"], "'soft'")
            self.assertEqual(self.run_one(worker, "sleeps", 0, timelimit=[None, 0.2])["result"], "'slept'")

    def test_a_task_that_is_terminated_takes_its_process_with_it(self):
        with self.worker() as worker:
            id = worker.execute(body=message("tasks.sleeps", (60,)), op="task")
            time.sleep(0.3)
            worker.cancel(id)
            self.assertEqual(worker.process.wait(5), -9)

    def test_a_task_that_ends_its_process_answers_nothing(self):
        with self.worker() as worker:
            worker.execute(body=message("tasks.quits"), op="task")
            self.assertNotEqual(worker.process.wait(5), 0)

    def test_martlet_is_told_the_app(self):
        with self.worker(purpose="describe") as worker:
            told = worker.ready.meta["settings"]["tasks"]
            self.assertEqual((told["kind"], told["broker_url"]), ("celery", "memory://"))
            self.assertEqual((told["result_backend"], told["concurrency"]), ("cache+memory://", 3))
            self.assertEqual([queue["name"] for queue in told["queues"]], ["celery"])
            self.assertEqual(worker.ready.meta["apis"][0]["workers_per_device"], 3)
            self.assertIn("tasks", told["conf"]["include"])
            by_name = {one["name"]: one for one in told["tasks"]}
            self.assertIn("celery.accumulate", by_name)
            simple = by_name["tasks.simple_task"]
            limits = (simple["rate_limit"], simple["soft_time_limit"], simple["time_limit"], simple["max_retries"])
            self.assertEqual(limits, ("10/m", 40, 60, 3))
            self.assertTrue(simple["settles"])
            self.assertEqual((simple["acks_late"], simple["reject_on_worker_lost"]), (False, False))
            self.assertTrue(by_name["tasks.rejects"]["acks_late"])

    def test_what_the_person_says_comes_before_what_the_app_says(self):
        said = {"MARTLET_TASK_BROKER": "redis://127.0.0.1:1/5", "MARTLET_TASK_OTHER_BROKER": "redis://127.0.0.1:2/0"}
        with self.worker(purpose="describe", environment=said) as worker:
            self.assertEqual(worker.ready.meta["settings"]["tasks"]["broker_url"], "redis://127.0.0.1:1/5")
        other = {"MARTLET_TASK_OTHER_BROKER": "redis://127.0.0.1:2/0"}
        with self.worker(purpose="describe", environment=other) as worker:
            self.assertEqual(worker.ready.meta["settings"]["tasks"]["broker_url"], "memory://")
        source = "from celery import Celery\napp = Celery('alone')\n"
        with self.worker(source, purpose="describe", environment=other) as worker:
            self.assertEqual(worker.ready.meta["settings"]["tasks"]["broker_url"], "redis://127.0.0.1:2/0")

    def test_an_app_is_found_as_celery_finds_it(self):
        package = {
            "proj/__init__.py": "",
            "proj/celery.py": "from celery import Celery\napp = Celery('proj', include=['proj.jobs'])\n",
            "proj/jobs.py": "from .celery import app\n@app.task\ndef work(): return 1\n",
        }
        for name in ("proj", "proj.celery", "proj.celery:app", "proj.celery.app"):
            with self.subTest(name), FakeHost(
                "", api="/-/tasks", purpose="describe", name="other.py", application=name, others=package,
                environment={"MARTLET_TASKS": "1"},
            ) as worker:
                self.assertEqual(worker.ready.type, frames.READY, worker.output())
                told = worker.ready.meta["settings"]["tasks"]
                self.assertIn("proj.jobs.work", [one["name"] for one in told["tasks"]])


if __name__ == "__main__":
    unittest.main()
