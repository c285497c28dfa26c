"""What may go wrong in a model's code, and what the client is told about it."""

from http import HTTPStatus
from typing import Any, Mapping, Optional, Tuple


class HTTPException(Exception):
    """Raise it in any hook to answer with an HTTP status of your own.

    `status_code`: 400 to 599. `detail`: text, or anything that JSON can say; the client gets `{"detail": …}`.
    `headers`: further headers of the answer. FastAPI's and Starlette's exceptions of this name work as well.
    """

    def __init__(self, status_code: int, detail: Any = None, headers: Optional[Mapping[str, str]] = None):
        super().__init__(status_code, detail)
        self.status_code = status_code
        self.detail = detail if detail is not None else _phrase(status_code)
        self.headers = dict(headers or {})


class RequestCancelled(BaseException):
    """Raised by `context.check()`, and in interruptible code, once nobody waits for the answer.

    It is no `Exception`, so that a broad `except Exception` in a model does not swallow it.
    """


class GivenUpUnasked(Exception):
    """The model stopped by itself, as if it were cancelled, and somebody waits for the answer."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"


def client_error(error: BaseException) -> Optional[Tuple[int, Any, Mapping[str, str]]]:
    """Status, detail and headers of an error that is meant for the client; None of any other.

    By duck type: an integer `status_code` from 400 to 599 and a `detail`.
    """
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and 400 <= status <= 599 and hasattr(error, "detail"):
        return status, error.detail, getattr(error, "headers", None) or {}
    return None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device's memory was too small for the batch. By name, so that torch need not be installed."""
    if type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError) and "out of memory" in str(error).lower()
