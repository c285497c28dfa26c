"""From what a hook returned to the bytes that the client gets."""

import base64
import dataclasses
import datetime
import decimal
import enum
import json
import pathlib
import uuid
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from . import frames
from .errors import client_error
from .request import Request

JSON = "application/json"
BYTES = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
EVENTS = "text/event-stream; charset=utf-8"


class Response:
    """An answer whose status, headers and media type are your own.

    `content`: bytes or text as they are; anything else as JSON. Starlette's and FastAPI's response objects whose body
    is there as a whole work as well.
    """

    def __init__(
        self,
        content: Any = b"",
        status_code: int = 200,
        headers: Optional[Mapping[str, str]] = None,
        media_type: Optional[str] = None,
    ):
        self.status_code = status_code
        self.headers = dict(headers or {})
        if isinstance(content, (bytes, bytearray, memoryview)):
            self.body, kind = bytes(content), BYTES
        elif isinstance(content, str):
            self.body, kind = content.encode(), TEXT
        else:
            self.body, kind = to_json(content), JSON
        self.media_type = media_type or kind


def plain(value: Any) -> Any:
    """The part of a value that JSON can say, for what `json` does not know: arrays, models, dataclasses, dates."""
    dump = getattr(value, "model_dump", None)
    if callable(dump):
        try:
            return dump(mode="json")
        except TypeError:
            return dump()
    if hasattr(value, "tolist") and callable(value.tolist):
        return value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return base64.b64encode(raw).decode()
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, (uuid.UUID, pathlib.PurePath)):
        return str(value)
    if hasattr(value, "dict") and callable(value.dict):
        return value.dict()
    if hasattr(value, "__iter__"):
        return list(value)
    if hasattr(value, "__dict__"):
        return vars(value)
    raise TypeError(f"an answer of type {type(value).__name__} cannot be said in JSON")


_encode: Callable[[Any], str] = json.JSONEncoder(
    ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=plain
).encode


def to_json(value: Any) -> bytes:
    """Compact UTF-8 JSON. Raises `TypeError` and `ValueError` (also for NaN and infinities)."""
    return _encode(value).encode("utf-8", "replace")


def reply(request: Request, value: Any, bytes_as_text: bool = False) -> None:
    """Answers with what `encode_response` returned. `bytes_as_text`: bytes that are UTF-8 become a JSON string."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        raw = bytes(value)
        if bytes_as_text:
            try:
                request.reply(200, b"", to_json(raw.decode()))
                return
            except UnicodeDecodeError:
                pass
        request.reply(200, frames.dump({"type": BYTES}), raw)
        return
    status = getattr(value, "status_code", None)
    if isinstance(status, int) and isinstance(getattr(value, "body", None), (bytes, memoryview)):
        type, headers = response_head(value)
        meta: Dict[str, Any] = {"type": type}
        if headers:
            meta["headers"] = headers
        request.reply(status, frames.dump(meta), bytes(value.body))
        return
    request.reply(200, b"", to_json(value))


_encode_plainly = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode


def pass_on(request: Request, value: Any) -> None:
    """Answers with what the next stage of a pipeline gets. Raises `TypeError` for what would not arrive as it is."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        reply(request, value)
        return
    try:
        text = _encode_plainly(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"a stage returned a {type(value).__name__} that cannot travel to the next one ({error}): between stages,"
            " encode_response must return bytes, or dict, list, str, int, float, bool or None, and nothing else in them"
        ) from None
    request.reply(200, b"", text.encode("utf-8", "replace"))


def response_head(response: Any) -> Tuple[str, List[List[str]]]:
    """Media type and further headers of a response object."""
    pairs = response.headers.items() if response.headers is not None else ()
    type = getattr(response, "media_type", None) or BYTES
    headers: List[List[str]] = []
    for name, text in pairs:
        lower = name.lower()
        if lower == "content-type":
            type = text
        elif lower != "content-length":
            headers.append([name, str(text)])
    return type, headers


def chunk(value: Any) -> bytes:
    """One item of a plain stream: text and bytes as they are, anything else as one line of JSON."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value)
    if isinstance(value, dict):
        return (json.dumps(value, default=plain) + "\n").encode("utf-8", "replace")
    dump = getattr(value, "model_dump_json", None)
    if callable(dump):
        return (dump() + "\n").encode("utf-8", "replace")
    return to_json(value) + b"\n"


def fail(request: Request, error: BaseException, scope: str = "item") -> None:
    """Ends a request with an error: the client's own where a hook raised one for it, else a bare 500."""
    told = client_error(error)
    if told is None:
        body = to_json({"detail": "Internal server error"})
        request.fail(500, "model_failed", f"{type(error).__name__}: {error}"[:1000], scope, body)
        return
    status, detail, headers = told
    body = to_json({"detail": detail})
    message = detail if isinstance(detail, str) else f"status {status}"
    pairs = [(name, str(text)) for name, text in headers.items()]
    request.fail(status, "refused_by_model", message[:1000], scope, body, JSON, pairs)
