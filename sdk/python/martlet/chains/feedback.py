"""Feedback and public traces are LangSmith's: Martlet checks what was sent and says that they are not there."""

import uuid
from typing import Any, List, Mapping

from ..errors import HTTPException
from . import refusals

_NEEDED = {"feedback": ("run_id", "key"), "token_feedback": ("token_or_url",), "public_trace_link": ("run_id",)}


def refuse(endpoint: str, body: Mapping[str, Any]) -> None:
    """Raises `HTTPException`: 422 where something is missing or is no id, else 400."""
    wrong: List[Any] = []
    for name in _NEEDED[endpoint]:
        if name not in body:
            wrong += refusals.missing(name, body, ["body"]).detail
        elif name == "run_id" and not _is_id(body[name]):
            wrong += refusals.wrong("uuid_parsing", ["body", name], "Input should be a valid UUID", body[name]).detail
    if wrong:
        raise HTTPException(422, wrong)
    raise HTTPException(400, "No LangSmith is connected to this server, and this endpoint writes to it")


def _is_id(value: Any) -> bool:
    try:
        uuid.UUID(str(value))
    except ValueError:
        return False
    return True
