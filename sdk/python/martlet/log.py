"""Log lines and figures from anywhere in the worker: to Martlet where it is there, to standard error otherwise."""

import sys
import traceback
from typing import Any, Optional

_serving: Any = None


def connect(serving: Any) -> None:
    """From now on lines go to Martlet."""
    global _serving
    _serving = serving


def line(level: str, message: str, **fields: Any) -> None:
    """`level`: debug, info, notice, warning, error."""
    if _serving is None:
        print(f"martlet: {message}", file=sys.stderr, flush=True)
        return
    _serving.log(level, message, **fields)


def error(message: str, error: Optional[BaseException] = None, **fields: Any) -> None:
    """With the whole traceback."""
    if error is not None:
        message += "\n" + "".join(traceback.format_exception(type(error), error, error.__traceback__))
    line("error", message, **fields)


def metric(name: str, value: float) -> None:
    if _serving is not None:
        _serving.metric(name, value)
