"""Why a request is refused, in the words that clients of LangServe expect."""

from typing import Any, Dict, List, Optional, Sequence

from ..errors import HTTPException


def wrong(kind: str, where: Sequence[Any], message: str, value: Any) -> HTTPException:
    """422 with one thing that does not fit, in pydantic's form."""
    return HTTPException(422, [{"type": kind, "loc": list(where), "msg": message, "input": value}])


def missing(name: str, value: Any, where: Sequence[Any] = ()) -> HTTPException:
    return wrong("missing", [*where, name], "Field required", value)


def not_validated(error: ValueError, where: Sequence[Any] = ()) -> HTTPException:
    """422 with all that pydantic found. An error that is none of pydantic's is said in its own words."""
    details: Any = getattr(error, "errors", None)
    if not callable(details):
        return HTTPException(422, [{"type": "value_error", "loc": list(where), "msg": str(error)}])
    found: List[Dict[str, Any]] = []
    for one in details(include_url=False):
        context: Optional[Dict[str, Any]] = one.get("ctx")
        said = {"type": one["type"], "loc": [*where, *one["loc"]], "msg": one["msg"], "input": one["input"]}
        if context:
            said["ctx"] = {key: str(value) if isinstance(value, Exception) else value for key, value in context.items()}
        found.append(said)
    return HTTPException(422, found)


def invalid_json() -> HTTPException:
    return HTTPException(422, ["Invalid JSON body"])


def invalid_hash() -> HTTPException:
    return HTTPException(400, "Invalid config hash")


def not_found() -> HTTPException:
    return HTTPException(404, "Not Found")
