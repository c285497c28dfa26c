"""What a task may raise to say how it is to end."""

from typing import Optional


class TaskRetry(Exception):
    """The task is to be run again. `context.retry()` raises it.

    `cause`: the exception that is told of, None where there was none. `countdown`: seconds until then; None: what the
    task's back-off says.
    """

    def __init__(self, cause: Optional[BaseException] = None, countdown: Optional[float] = None):
        super().__init__(cause, countdown)
        self.cause = cause
        self.countdown = countdown


class TaskRejected(Exception):
    """The task is not for this worker: with `requeue` it goes back to its queue, else it is gone and has no result."""

    def __init__(self, reason: str = "", requeue: bool = False):
        super().__init__(reason, requeue)
        self.requeue = requeue


class TaskIgnored(Exception):
    """The task has ended, and no result is to be kept of it."""


class SoftTimeLimitExceeded(Exception):
    """The task's soft time limit is over: raised in the task's own code, which may tidy up and end by itself."""


class MaxRetriesExceeded(Exception):
    """The task asked to be run again more often than it may."""


class TaskMessageError(ValueError):
    """The message is none that a worker can run."""
