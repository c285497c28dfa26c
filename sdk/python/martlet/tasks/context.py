"""What a task may know of its run, and say of it."""

from typing import TYPE_CHECKING, Any, Mapping, NoReturn, Optional, Union

from ..errors import RequestCancelled
from .errors import MaxRetriesExceeded, TaskRetry

if TYPE_CHECKING:
    from .decorator import Task
    from .message import TaskMessage
    from .reply import Reply, ReplyInBatch


class TaskContext:
    """One run of a task.

    `id`: of the task, the same at each retry. `name`, `retries` (0 the first time), `max_retries`, `root_id`,
    `parent_id`, `group`: as the message says. `headers`: all of the message's. `cancelled`: whether the task was
    revoked, or its worker ends.
    """

    def __init__(
        self,
        task: "Task",
        message: Optional["TaskMessage"] = None,
        reply: Union["Reply", "ReplyInBatch", None] = None,
    ):
        headers: Mapping[str, Any] = message.headers if message is not None else {}
        self.headers = headers
        self.id: str = message.id if message is not None else ""
        self.name = task.name
        self.retries: int = message.retries if message is not None else 0
        self.max_retries = task.max_retries
        self.root_id: Optional[str] = headers.get("root_id")
        self.parent_id: Optional[str] = headers.get("parent_id")
        self.group: Optional[str] = headers.get("group")
        self._reply = reply

    @classmethod
    def alone(cls, task: "Task") -> "TaskContext":
        """Of a call that is no run: nothing is told to anybody."""
        return cls(task)

    @property
    def cancelled(self) -> bool:
        return self._reply is not None and self._reply.cancelled

    def check(self) -> None:
        """Raises `RequestCancelled` once the task was revoked. Cheap: call it between steps."""
        if self.cancelled:
            raise RequestCancelled

    def progress(self, value: Any) -> None:
        """Tells how far the task is: it has the state `PROGRESS` with this value until it ends. Anything that JSON can
        say; Celery's clients find it as `result.info`."""
        if self._reply is not None:
            self._reply.progress(value)

    def retry(self, error: Optional[BaseException] = None, countdown: Optional[float] = None) -> NoReturn:
        """Ends this run; the task is run again in `countdown` seconds (without it, after its back-off).

        Raises `error`, or `MaxRetriesExceeded` without one, when it was run again as often as it may.
        """
        if self.max_retries is not None and self.retries >= self.max_retries:
            raise error or MaxRetriesExceeded(f"{self.name}[{self.id}] was run again {self.retries} times")
        raise TaskRetry(error, countdown) from error
