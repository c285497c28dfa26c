"""A file with tasks as an app of Martlet's: one API, whose requests are runs of tasks."""

import os
from typing import Any, Dict, List, Optional, Protocol

from ..errors import RequestCancelled
from ..litapi import LitAPI
from ..litserver import LitServer
from ..loops.calls import CallLoop
from ..loops.prepare import Served
from ..request import Request
from ..watcher import Watcher
from .batches import messages_in
from .decorator import registered
from .functions import Functions
from .message import TaskMessage, TaskMessageError
from .reply import Reply, failure

PATH = "/-/tasks"
OPERATION = "task"
SOFT_LIMIT = "x-martlet-soft-limit"
"""The header that says in how many seconds the task is to be told that its time is over."""
BATCH = "x-martlet-batch"
"""The header that says how many messages the body has: after a line with their lengths."""
_LONGEST = 64 * 1024 * 1024
"""Bytes of a message."""


class Runner(Protocol):
    """Who can run some of the tasks."""

    def knows(self, name: str) -> bool: ...

    def open(self) -> None: ...

    def close(self) -> None: ...

    def run(self, message: TaskMessage, request: Request, reply: Reply, soft: Optional[float]) -> Dict[str, Any]: ...


class TaskServer(LitServer):
    """What `martlet worker` runs: the tasks of a file, of a Celery app, of the SDK's own, or both."""

    def __init__(self, celery: Optional[Any] = None):
        self._celery = celery
        runners: List[Runner] = [celery] if celery is not None else []
        api = TaskAPI([*runners, Functions()])
        super().__init__(api, accelerator="cpu", workers_per_device=self._processes(), timeout=False)

    def _processes(self) -> int:
        """As many as the app says, or one for each core."""
        wanted = self._celery.settings().get("concurrency") if self._celery is not None else None
        return wanted or len(os.sched_getaffinity(0))

    def settings(self) -> Dict[str, Any]:
        told: Dict[str, Any] = self._celery.settings() if self._celery is not None else {"kind": "functions"}
        tasks: List[Dict[str, Any]] = self._celery.tasks() if self._celery is not None else []
        taken = {one["name"] for one in tasks}
        tasks += [task.described() for name, task in sorted(registered.items()) if name not in taken]
        return {**super().settings(), "openapi": False, "tasks": {**told, "tasks": tasks}}


class TaskAPI(LitAPI):
    """The body of a request is a task's message as it lay in its queue, the answer what became of the run."""

    operation = OPERATION

    def __init__(self, runners: List[Runner]):
        super().__init__(api_path=PATH, max_body=_LONGEST)
        self.runners = runners

    def setup(self, device: str) -> None:
        for runner in self.runners:
            runner.open()

    def predict(self, x: Any) -> Any:
        raise NotImplementedError("a task answers by itself")

    def make_loop(self, served: Served, watcher: Watcher) -> "TaskRuns":
        return TaskRuns(served, watcher, self.runners)


class TaskRuns(CallLoop):
    """One task after the other, in the main thread, where signals are heard."""

    def __init__(self, served: Served, watcher: Watcher, runners: List[Runner]):
        super().__init__(served, watcher)
        self._runners = runners

    def run(self) -> None:
        super().run()
        for runner in self._runners:
            runner.close()

    def _alone(self, request: Request) -> None:
        if request.operation == "health":
            self._served.health(request, True)
            return
        reply = Reply(request)
        try:
            reply.end(self._outcome(request, reply))
        except RequestCancelled:
            request.give_up("computing")
        except Exception as error:
            self._served.failed(request, error)

    def _outcome(self, request: Request, reply: Reply) -> Dict[str, Any]:
        limit = request.headers.get(SOFT_LIMIT)
        soft = float(limit) if limit else None
        if BATCH in request.headers:
            return {"batch": self._outcomes(request, reply, soft)}
        try:
            message = TaskMessage(request.body)
            runner = next((one for one in self._runners if one.knows(message.name)), None)
            if runner is None:
                raise KeyError(message.name)
        except TaskMessageError as error:
            return {"state": "FAILURE", "runtime": 0.0, **failure(error)}
        except KeyError as error:
            told = {"exc_type": "NotRegistered", "exc_message": list(error.args), "exc_module": "celery.exceptions"}
            return {"state": "FAILURE", "runtime": 0.0, **failure(error), **told}
        return runner.run(message, request, reply, soft)

    def _outcomes(self, request: Request, reply: Reply, soft: Optional[float]) -> List[Dict[str, Any]]:
        """Of a batch: tasks of one name, which is a function."""
        messages: Dict[int, TaskMessage] = {}
        outcomes: Dict[int, Dict[str, Any]] = {}
        raws = messages_in(request.body)
        for place, raw in enumerate(raws):
            try:
                messages[place] = TaskMessage(raw)
            except TaskMessageError as error:
                outcomes[place] = {"state": "FAILURE", "runtime": 0.0, **failure(error)}
        functions = next(one for one in self._runners if isinstance(one, Functions))
        if messages:
            outcomes.update(functions.run_batch(messages, request, reply, soft))
        return [outcomes[place] for place in range(len(raws))]
