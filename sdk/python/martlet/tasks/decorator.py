"""`@task`: the functions of a file that are tasks."""

import inspect
import re
from typing import Any, Callable, Dict, Optional, Sequence, Type, Union, overload

from ..hooks import parameter_names
from .context import TaskContext

Function = Callable[..., Any]
_RATE = re.compile(r"\d+(\.\d+)?(/[smh])?")


class Task:
    """A function that is a task, and what holds for it. Called, it is the function."""

    def __init__(
        self,
        function: Function,
        name: Optional[str] = None,
        queue: Optional[str] = None,
        max_retries: Optional[int] = 3,
        retry_on: Union[Type[BaseException], Sequence[Type[BaseException]]] = (),
        retry_backoff: float = 1.0,
        soft_time_limit: Optional[float] = None,
        time_limit: Optional[float] = None,
        rate_limit: Optional[str] = None,
        ignore_result: bool = False,
        rate: Optional[str] = None,
        rate_key: Optional[str] = None,
        unique: bool = False,
        unique_until: str = "finished",
        unique_seconds: float = 86400.0,
        acks_late: bool = True,
        batch_size: Optional[int] = None,
        batch_timeout: float = 0.2,
    ):
        if not callable(function):
            raise ValueError("a task is a function")
        self.function = function
        self.name = name or f"{function.__module__}.{function.__qualname__}"
        self.queue = queue
        self.max_retries = max_retries
        self.retry_on = (retry_on,) if isinstance(retry_on, type) else tuple(retry_on)
        self.retry_backoff = float(retry_backoff)
        self.soft_time_limit = soft_time_limit
        self.time_limit = time_limit
        self.rate_limit = rate_limit
        self.ignore_result = ignore_result
        self.rate = rate
        self.rate_key = rate_key
        self.unique = bool(unique)
        self.unique_until = unique_until
        self.unique_seconds = float(unique_seconds)
        self.acks_late = bool(acks_late)
        self.batch_size = batch_size
        self.batch_timeout = float(batch_timeout)
        self.is_async = inspect.iscoroutinefunction(function)
        self.wants_context = "context" in parameter_names(function)
        self.__name__ = getattr(function, "__name__", self.name)
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        _check(self)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """The function's value, at once and here. Where it takes a context and none is given, it gets one of no run."""
        if self.wants_context and "context" not in named:
            named["context"] = TaskContext.alone(self)
        return self.function(*arguments, **named)

    def __repr__(self) -> str:
        return f"<task {self.name}>"

    def described(self) -> Dict[str, Any]:
        """As `READY` says it."""
        return {
            "name": self.name,
            "queue": self.queue,
            "max_retries": self.max_retries,
            "retry_delay": self.retry_backoff,
            "soft_time_limit": self.soft_time_limit,
            "time_limit": self.time_limit,
            "rate_limit": self.rate_limit,
            "ignore_result": self.ignore_result,
            "rate": self.rate,
            "rate_key": self.rate_key,
            "unique": self.unique,
            "unique_until": self.unique_until,
            "unique_seconds": self.unique_seconds,
            "acks_late": self.acks_late,
            "batch_size": self.batch_size,
            "batch_timeout": self.batch_timeout,
        }


registered: Dict[str, Task] = {}
"""Every task of this process, by name."""


@overload
def task(function: Function) -> Task: ...


@overload
def task(
    *,
    name: Optional[str] = ...,
    queue: Optional[str] = ...,
    max_retries: Optional[int] = ...,
    retry_on: Union[Type[BaseException], Sequence[Type[BaseException]]] = ...,
    retry_backoff: float = ...,
    soft_time_limit: Optional[float] = ...,
    time_limit: Optional[float] = ...,
    rate_limit: Optional[str] = ...,
    ignore_result: bool = ...,
    rate: Optional[str] = ...,
    rate_key: Optional[str] = ...,
    unique: bool = ...,
    unique_until: str = ...,
    unique_seconds: float = ...,
    acks_late: bool = ...,
    batch_size: Optional[int] = ...,
    batch_timeout: float = ...,
) -> Callable[[Function], Task]: ...


def task(function: Optional[Function] = None, **options: Any) -> Any:
    """Makes a function a task, that `martlet worker` runs. It may be a coroutine.

        @task
        def add(x, y):
            return x + y

        @task(queue="gpu_queue", max_retries=5, retry_on=OSError, soft_time_limit=30)
        def fetch(url, context):
            context.progress({"percent": 10})

    Its arguments come as JSON, and its value must be what JSON can say. A parameter named `context` gets a
    `TaskContext`; callers do not give it.

    name: what callers say; without it `module.function`.
    queue: where the worker takes it from, unless `--queues` says otherwise; without it the worker's default queue.
    max_retries: how often it may be run again; None: without end.
    retry_on: exceptions after which it is run again by itself.
    retry_backoff: seconds before the first retry, doubled for each further one, with full jitter.
    soft_time_limit: seconds after which `SoftTimeLimitExceeded` is raised in it (a coroutine is cancelled).
    time_limit: seconds after which its process is ended.
    rate_limit: such as `"10/m"` (`/s`, `/m`, `/h`); in this worker.
    rate: the same for all workers of the broker together, which keeps count.
    rate_key: tasks that name one have one `rate`; without it a task has its own.
    ignore_result: no result is kept.

    unique: of those with the same arguments one waits or runs at a time; a second one is dropped when a worker takes it,
        and has the state REVOKED, "duplicate of" the first.
    unique_until: `"finished"`, whatever its end; `"started"`: until it begins; `"ttl"`: for `unique_seconds`.
    unique_seconds: after so long others may come in any case.
    acks_late: False for what must not run twice: it is acknowledged before it begins, so when its process dies it
        has failed, and when its worker dies nothing is stored; it is not given to another one.

    batch_size: the function is called for so many tasks at once, with a list of `TaskCall`s, and returns as many values
        in their order. A value that is an exception ends that task alone.
    batch_timeout: seconds that the first of them waits for others.

    Raises `ValueError` where two tasks have one name, or an option makes no sense.
    """

    def decorate(function: Function) -> Task:
        made = Task(function, **options)
        other = registered.get(made.name)
        if other is not None and _code(other) is not _code(made):
            raise ValueError(f"two tasks are called {made.name}")
        registered[made.name] = made
        return made

    return decorate if function is None else decorate(function)


def _code(task: Task) -> Any:
    return getattr(task.function, "__code__", task.function)


def _check(task: Task) -> None:
    """Raises `ValueError` where an option makes no sense."""
    if task.max_retries is not None and task.max_retries < 0:
        raise ValueError("max_retries must be 0 or more, or None")
    if task.retry_backoff < 0:
        raise ValueError("retry_backoff must be 0 or more")
    if task.rate is not None and not _RATE.fullmatch(task.rate):
        raise ValueError(f"rate is such as 10/s, 10/m or 10/h, not {task.rate!r}")
    if task.unique_until not in ("started", "finished", "ttl"):
        raise ValueError(f"unique_until is started, finished or ttl, not {task.unique_until!r}")
    if task.unique_seconds <= 0:
        raise ValueError("unique_seconds must be greater than 0")
    if task.batch_size is not None and task.batch_size < 1:
        raise ValueError("batch_size must be 1 or more")
    if task.batch_timeout < 0:
        raise ValueError("batch_timeout must be 0 or more")
    if task.batch_size is not None and task.wants_context:
        raise ValueError("a function for a batch takes no context: each of its calls has one")
    if task.rate_key is not None and task.rate is None:
        raise ValueError("rate_key goes with rate")
    for name in ("soft_time_limit", "time_limit"):
        limit = getattr(task, name)
        if limit is not None and limit <= 0:
            raise ValueError(f"{name} must be greater than 0")
