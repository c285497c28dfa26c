"""Runs the tasks of the SDK's own, functions with `@task`. Martlet stores their results and publishes what follows."""

import asyncio
import time
from typing import Any, Dict, List, Optional, Tuple

from ..answers import to_json
from ..errors import RequestCancelled
from ..loops.interrupt import Interrupt
from ..request import Request
from .batches import one_for_each, read_calls
from .context import TaskContext
from .decorator import Task, registered
from .errors import SoftTimeLimitExceeded, TaskIgnored, TaskMessageError, TaskRejected, TaskRetry
from .limits import SoftLimit
from .message import TaskMessage
from .reply import Reply, failure, text_of


class Functions:
    """Those of `registered`."""

    def __init__(self) -> None:
        self._interrupt = Interrupt()
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    def knows(self, name: str) -> bool:
        return name in registered

    def open(self) -> None:
        """Before the first run."""

    def close(self) -> None:
        """After the last one."""
        if self._loop is not None:
            self._loop.close()

    def run(self, message: TaskMessage, request: Request, reply: Reply, soft: Optional[float]) -> Dict[str, Any]:
        """The outcome of one run. Raises `RequestCancelled` where nobody wants it any more."""
        task = registered[message.name]
        if task.batch_size is not None:
            return self.run_batch({0: message}, request, reply, soft)[0]
        began = time.monotonic()
        try:
            arguments, named = message.arguments()
            if task.wants_context:
                named["context"] = TaskContext(task, message, reply)
            call = (arguments, named)
            value = self._await(task, call, request, soft) if task.is_async else self._call(task, call, request, soft)
            to_json(value)
        except Exception as error:
            return _raised(task, message, error, time.monotonic() - began)
        return _returned(value, time.monotonic() - began)

    def run_batch(
        self, messages: Dict[int, TaskMessage], request: Request, reply: Reply, soft: Optional[float]
    ) -> Dict[int, Dict[str, Any]]:
        """The outcomes of one call for tasks of one name, by their places in the batch; at least one. Raises
        `RequestCancelled` where nobody wants any of them any more."""
        task = registered[next(iter(messages.values())).name]
        began = time.monotonic()
        calls, outcomes = read_calls(task, messages, reply)
        values: List[Any] = []
        if calls:
            call = ([list(calls.values())], {})
            try:
                run = self._await if task.is_async else self._call
                values = one_for_each(calls, run(task, call, request, soft))
            except Exception as error:
                values = [error] * len(calls)
        runtime = time.monotonic() - began
        for place, value in zip(calls, values):
            outcomes[place] = _ended(task, messages[place], value, runtime)
        return outcomes

    def _call(self, task: Task, call: Tuple[Any, Any], request: Request, soft: Optional[float]) -> Any:
        interrupt, mine = self._interrupt, [request]
        interrupt.requests = mine
        request.on_cancel = lambda: interrupt.fire(mine)
        with SoftLimit(soft, SoftTimeLimitExceeded), interrupt:
            # Told before there was anybody to tell, or from now on by an exception.
            if request.cancelled:
                raise RequestCancelled
            return task.function(*call[0], **call[1])

    def _await(self, task: Task, call: Tuple[Any, Any], request: Request, soft: Optional[float]) -> Any:
        loop = self._loop = self._loop or asyncio.new_event_loop()
        late = []

        async def run() -> Any:
            running = asyncio.ensure_future(task.function(*call[0], **call[1]))
            request.on_cancel = lambda: loop.call_soon_threadsafe(running.cancel)
            if request.cancelled:
                running.cancel()

            def rang() -> None:
                late.append(True)
                running.cancel()

            timer = loop.call_later(soft, rang) if soft is not None else None
            try:
                return await running
            finally:
                if timer is not None:
                    timer.cancel()

        try:
            return loop.run_until_complete(run())
        except asyncio.CancelledError:
            if request.cancelled:
                raise RequestCancelled from None
            if late:
                raise SoftTimeLimitExceeded from None
            raise RuntimeError("the task cancelled itself") from None


def _ended(task: Task, message: TaskMessage, value: Any, runtime: float) -> Dict[str, Any]:
    """Of one of a batch."""
    try:
        if isinstance(value, Exception):
            raise value
        to_json(value)
    except Exception as error:
        return _raised(task, message, error, runtime)
    return _returned(value, runtime)


def _returned(value: Any, runtime: float) -> Dict[str, Any]:
    return {"state": "SUCCESS", "runtime": runtime, "value": value, "result": text_of(value)}


def _raised(task: Task, message: TaskMessage, error: Exception, runtime: float) -> Dict[str, Any]:
    if isinstance(error, TaskRetry):
        return {"state": "RETRY", "delay": error.countdown, **failure(error.cause or error)}
    if isinstance(error, TaskRejected):
        return {"state": "REJECTED", "requeue": error.requeue, **failure(error)}
    if isinstance(error, TaskIgnored):
        return {"state": "IGNORED"}
    again = isinstance(error, task.retry_on) and not isinstance(error, TaskMessageError)
    if again and (task.max_retries is None or message.retries < task.max_retries):
        return {"state": "RETRY", "delay": None, **failure(error)}
    return {"state": "FAILURE", "runtime": runtime, **failure(error)}
