"""Tasks that are run together: one call of a function for many of them."""

from typing import TYPE_CHECKING, Any, Dict, List, Mapping, Optional, Sequence, Tuple

from .context import TaskContext
from .errors import TaskMessageError
from .message import TaskMessage
from .reply import Reply, ReplyInBatch, failure

if TYPE_CHECKING:
    from .decorator import Task


class TaskCall:
    """One of the calls that a function with `batch_size` gets. `args` and `kwargs`: what the task was called with;
    `context`: of its own run (None in a call that is none)."""

    def __init__(
        self,
        args: Sequence[Any] = (),
        kwargs: Optional[Mapping[str, Any]] = None,
        context: Optional[TaskContext] = None,
    ):
        self.args: List[Any] = list(args)
        self.kwargs: Dict[str, Any] = dict(kwargs or {})
        self.context = context

    def __repr__(self) -> str:
        return f"<call of {self.context.name}[{self.context.id}]>" if self.context is not None else "<call>"


def messages_in(body: bytes) -> List[bytes]:
    """Those of a batch: a line with their lengths, and then they themselves. Raises `ValueError`."""
    line, _, rest = body.partition(b"\n")
    messages = []
    start = 0
    for length in map(int, line.split()):
        messages.append(rest[start : start + length])
        start += length
    if start != len(rest):
        raise ValueError("the messages of a batch are not as long as it says")
    return messages


def read_calls(
    task: "Task", messages: Mapping[int, TaskMessage], reply: Reply
) -> Tuple[Dict[int, TaskCall], Dict[int, Dict[str, Any]]]:
    """By their places: the calls, and the failures of those whose arguments cannot be read."""
    calls: Dict[int, TaskCall] = {}
    failures: Dict[int, Dict[str, Any]] = {}
    for place, message in messages.items():
        try:
            arguments, named = message.arguments()
        except TaskMessageError as error:
            failures[place] = {"state": "FAILURE", "runtime": 0.0, **failure(error)}
        else:
            calls[place] = TaskCall(arguments, named, TaskContext(task, message, ReplyInBatch(reply, place)))
    return calls, failures


def one_for_each(calls: Mapping[int, TaskCall], returned: Any) -> List[Any]:
    """Raises `ValueError` where a function has not returned as many values as it was given calls."""
    if isinstance(returned, (str, bytes, Mapping)):
        raise ValueError(f"a batch returns a list, not a {type(returned).__name__}")
    values = list(returned)
    if len(values) != len(calls):
        raise ValueError(f"{len(values)} values were returned for a batch of {len(calls)}")
    return values
