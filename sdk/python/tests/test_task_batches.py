"""Tasks that are run together: `@task(batch_size=…)`."""

import json
import time
import unittest

from fake_host import FakeHost, frames
from task_messages import message

import martlet
from martlet.tasks.decorator import registered

TASKS = """
    import time
    from martlet import SoftTimeLimitExceeded, TaskIgnored, TaskRetry, task

    @task(batch_size=8, batch_timeout=0.5, retry_on=OSError)
    def squares(calls):
        return [call.args[0] ** 2 for call in calls]

    @task(batch_size=8)
    def mixed(calls):
        ends = {"fails": ValueError("bad z"), "retries": TaskRetry(countdown=60), "ignored": TaskIgnored(),
                "unsayable": float("nan")}
        return [ends.get(call.kwargs["x"], call.kwargs["x"]) for call in calls]

    @task(batch_size=8, retry_on=OSError)
    def breaks(calls):
        raise OSError("away")

    @task(batch_size=8)
    def short(calls):
        return [1]

    @task(batch_size=8)
    async def tells(calls):
        for call in calls:
            call.context.progress(call.context.id)
        return [[call.context.retries, call.context.headers["id"]] for call in calls]

    @task(batch_size=8)
    def sleeps(calls):
        try:
            while True:
                time.sleep(0.005)
        except SoftTimeLimitExceeded:
            return ["tidied up"] * len(calls)
    """


class Worker(FakeHost):
    def __init__(self, purpose="serve"):
        super().__init__(TASKS, api="/-/tasks", purpose=purpose, name="jobs.py", environment={"MARTLET_TASKS": "1"})

    def begin(self, name, calls, soft=None, raw=None):
        """One batch of calls, each the arguments by place or by name."""
        bodies = [
            message(f"jobs.{name}", call, id=f"t{place}")
            if not isinstance(call, dict)
            else message(f"jobs.{name}", (), call, id=f"t{place}")
            for place, call in enumerate(calls)
        ]
        bodies += raw or []
        lengths = " ".join(str(len(one)) for one in bodies).encode()
        told = {"x-martlet-batch": str(len(bodies)), **({"x-martlet-soft-limit": str(soft)} if soft else {})}
        return self.execute(body=lengths + b"\n" + b"".join(bodies), op="task", headers=told)

    def run(self, name, calls, **more):
        self.begin(name, calls, **more)
        return self.take(frames.RESULT).json()["batch"]


class BatchTests(unittest.TestCase):
    def test_one_call_gets_all_and_each_has_its_outcome(self):
        with Worker() as worker:
            got = worker.run("squares", [(2,), (3,), (4,)])
            self.assertEqual([one["value"] for one in got], [4, 9, 16])
            self.assertEqual({one["state"] for one in got}, {"SUCCESS"})

    def test_an_exception_among_the_values_ends_its_task_alone(self):
        with Worker() as worker:
            got = worker.run("mixed", [{"x": x} for x in ("fails", "retries", "ignored", "unsayable", "well")])
            self.assertEqual([one["state"] for one in got], ["FAILURE", "RETRY", "IGNORED", "FAILURE", "SUCCESS"])
            self.assertEqual((got[0]["exc_type"], got[0]["exc_message"]), ("ValueError", ["bad z"]))
            self.assertEqual(got[1]["delay"], 60)
            self.assertEqual(got[4]["value"], "well")

    def test_an_exception_of_the_call_ends_all_and_a_wrong_number_of_values_too(self):
        with Worker() as worker:
            self.assertEqual([one["state"] for one in worker.run("breaks", [(), ()])], ["RETRY", "RETRY"])
            got = worker.run("short", [(), ()])
            self.assertEqual([one["exc_type"] for one in got], ["ValueError", "ValueError"])
            self.assertIn("1 values were returned for a batch of 2", got[0]["exc_message"][0])

    def test_whoever_cannot_be_read_fails_alone(self):
        with Worker() as worker:
            got = worker.run("squares", [(2,)], raw=[b"{}", message("jobs.squares", body=b"{")])
            self.assertEqual([one["state"] for one in got], ["SUCCESS", "FAILURE", "FAILURE"])
            self.assertEqual([one.get("exc_type") for one in got[1:]], ["TaskMessageError"] * 2)

    def test_a_task_that_comes_by_itself_is_a_batch_of_one(self):
        with Worker() as worker:
            worker.execute(body=message("jobs.squares", (5,)), op="task")
            self.assertEqual(worker.take(frames.RESULT).json()["value"], 25)

    def test_each_call_has_its_own_context_and_progress(self):
        with Worker() as worker:
            id = worker.begin("tells", [(), ()])
            told = [json.loads(line) for line in b"".join(one.body for one in worker.stream(id)).split(b"\n")]
            self.assertEqual(told[:2], [{"progress": "t0", "of": 0}, {"progress": "t1", "of": 1}])
            self.assertEqual([one["value"] for one in told[2]["batch"]], [[0, "t0"], [0, "t1"]])

    def test_limits_and_cancelling_are_those_of_the_call(self):
        with Worker() as worker:
            began = time.monotonic()
            got = worker.run("sleeps", [(), ()], soft=0.1)
            self.assertEqual([one["value"] for one in got], ["tidied up"] * 2)
            id = worker.begin("sleeps", [(), ()])
            time.sleep(0.2)
            worker.cancel(id)
            self.assertEqual(worker.take(frames.CANCELLED).id, id)
            self.assertLess(time.monotonic() - began, 10)
            self.assertEqual(worker.run("squares", [(2,)])[0]["value"], 4)

    def test_martlet_is_told_of_batches(self):
        with Worker(purpose="describe") as worker:
            told = {one["name"]: one for one in worker.ready.meta["settings"]["tasks"]["tasks"]}
            got = told["jobs.squares"]
            self.assertEqual((got["batch_size"], got["batch_timeout"]), (8, 0.5))


class DecoratorTests(unittest.TestCase):
    def tearDown(self):
        registered.clear()

    def test_options_that_make_no_sense_are_refused(self):
        for options in ({"batch_size": 0}, {"batch_size": 2, "batch_timeout": -1}):
            with self.subTest(options=options), self.assertRaises(ValueError):
                martlet.task(**options)(lambda calls: [])
        with self.assertRaisesRegex(ValueError, "each of its calls has one"):
            martlet.task(batch_size=2)(lambda calls, context: [])

    def test_a_function_for_batches_is_called_with_calls_of_the_callers(self):
        @martlet.task(batch_size=2)
        def sums(calls):
            return [sum(call.args) for call in calls]

        self.assertEqual(sums([martlet.TaskCall([1, 2]), martlet.TaskCall([3])]), [3, 3])


if __name__ == "__main__":
    unittest.main()
