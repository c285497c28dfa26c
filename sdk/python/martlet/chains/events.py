"""The bytes of server-sent events, as LangServe's clients read them."""

import datetime
import json
import re
from typing import Any

HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}
PING_EVERY = 15.0
"""Seconds between two signs of life."""

_LINES = re.compile(r"\r\n|\r|\n")


def event(name: str, data: str = "") -> bytes:
    """One event; text of several lines becomes several `data` lines, no text none."""
    lines = [f"event: {name}"]
    if data:
        lines += [f"data: {line}" for line in _LINES.split(data)]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "replace")


def data(encoded: bytes) -> bytes:
    """An event of JSON, which has no line breaks."""
    return b"event: data\r\ndata: " + encoded + b"\r\n\r\n"


def metadata(run_id: Any) -> bytes:
    return event("metadata", json.dumps({"run_id": str(run_id)}))


def error(status: int = 500, message: str = "Internal Server Error") -> bytes:
    return event("error", json.dumps({"status_code": status, "message": message}))


END = event("end")


def ping() -> bytes:
    return f": ping - {datetime.datetime.now(datetime.timezone.utc)}\r\n\r\n".encode()
