"""Tasks: functions whose calls wait in a queue until a worker has time for them."""

from .batches import TaskCall
from .context import TaskContext
from .decorator import Task, task
from .errors import SoftTimeLimitExceeded, TaskIgnored, TaskRejected, TaskRetry

__all__ = [
    "SoftTimeLimitExceeded",
    "Task",
    "TaskCall",
    "TaskContext",
    "TaskIgnored",
    "TaskRejected",
    "TaskRetry",
    "task",
]
