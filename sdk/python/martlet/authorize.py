"""`authorize`: who may call. FastAPI's security objects work where FastAPI is installed, without its application.

The arguments of `authorize` are filled in by their defaults: a `Depends(x)` by what `x` gives for the request, and so
on downwards; an argument named or annotated `request` by a small request object; `Header()`, `Query()` by their text.
"""

import asyncio
import hmac
import inspect
import os
from typing import Any, Callable, Dict, Mapping, Optional
from urllib.parse import parse_qsl, urlencode

from .errors import HTTPException
from .request import Request

Checker = Callable[[Request], Any]
"""Raises where the caller may not; gives a coroutine where `authorize` is one."""


class Caller:
    """What a security object reads of a request: `headers`, `query_params`, `cookies`, `method`, `url_path`."""

    def __init__(self, request: Request):
        meta = request.meta
        self.headers = Headers(request.headers)
        self.query_params = dict(parse_qsl(meta.get("query") or "", keep_blank_values=True))
        self.method = meta.get("method") or "POST"
        self.url_path = meta.get("path") or ""
        self.client = meta.get("client") or ""
        self.state: Dict[str, Any] = {}

    @property
    def cookies(self) -> Dict[str, str]:
        found: Dict[str, str] = {}
        for pair in self.headers.get("cookie", "").split(";"):
            name, equals, value = pair.strip().partition("=")
            if equals:
                found[name] = value.strip('"')
        return found


class Headers(Dict[str, str]):
    """Names in any case."""

    def __init__(self, headers: Mapping[str, str]):
        super().__init__({name.lower(): value for name, value in headers.items()})

    def get(self, name: str, default: Any = None) -> Any:
        return super().get(name.lower(), default)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


def checker(authorize: Callable[..., Any]) -> Checker:
    """Raises `HTTPException` 401 where `authorize` returns False; what it raises itself goes to the client."""
    is_async = _needs_loop(authorize)

    async def check(request: Request) -> None:
        _verdict(await _call(authorize, Caller(request)))

    def check_now(request: Request) -> None:
        # Security objects are coroutines that never wait; they are stepped to their end without a loop.
        _step(check(request))

    return check if is_async else check_now


def by_key() -> Optional[Callable[[Caller], None]]:
    """LitServe's key for the whole server: with `LIT_SERVER_API_KEY` set, callers must send it as `X-API-Key`."""
    key = os.environ.get("LIT_SERVER_API_KEY")
    if not key:
        return None
    expected = key.encode()

    def authorize(request: Caller) -> None:
        if not hmac.compare_digest((request.headers.get("x-api-key") or "").encode(), expected):
            raise HTTPException(401, "The X-API-Key header does not hold the server's key")

    return authorize


def _verdict(answer: Any) -> None:
    if answer is False:
        raise HTTPException(401, "Unauthorized")


def _needs_loop(authorize: Callable[..., Any]) -> bool:
    return asyncio.iscoroutinefunction(authorize)


def _step(coroutine: Any) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value
    coroutine.close()
    raise RuntimeError("a dependency of authorize waits for something; make authorize a coroutine")


async def _call(function: Callable[..., Any], caller: Caller) -> Any:
    arguments: Dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        arguments[parameter.name] = await _argument(parameter, caller)
    answer = function(**arguments)
    return await answer if inspect.isawaitable(answer) else answer


async def _argument(parameter: inspect.Parameter, caller: Caller) -> Any:
    default = parameter.default
    for extra in getattr(parameter.annotation, "__metadata__", ()):
        if type(extra).__name__ in ("Depends", "Security", "Header", "Query", "Cookie"):
            default = extra
    kind = type(default).__name__
    if kind in ("Depends", "Security"):
        return await _dependency(default.dependency, caller)
    if kind == "Header":
        name = default.alias or parameter.name.replace("_", "-")
        return _given(caller.headers.get(name), default, name)
    if kind == "Query":
        return _given(caller.query_params.get(default.alias or parameter.name), default, parameter.name)
    if kind == "Cookie":
        return _given(caller.cookies.get(default.alias or parameter.name), default, parameter.name)
    if default is not parameter.empty:
        return default
    return caller


async def _dependency(dependency: Optional[Callable[..., Any]], caller: Caller) -> Any:
    if dependency is None:
        return None
    if hasattr(dependency, "scheme_name"):
        answer = dependency(_starlette_request(caller))
        return await answer if inspect.isawaitable(answer) else answer
    return await _call(dependency, caller)


def _starlette_request(caller: Caller) -> Any:
    """The request object that FastAPI's security objects are written for."""
    from starlette.requests import Request as StarletteRequest

    return StarletteRequest(
        {
            "type": "http",
            "method": caller.method,
            "path": caller.url_path,
            "query_string": urlencode(caller.query_params).encode(),
            "headers": [
                (name.encode("latin-1", "replace"), text.encode("latin-1", "replace"))
                for name, text in caller.headers.items()
            ],
        }
    )


def _given(text: Optional[str], default: Any, name: str) -> Any:
    if text is not None:
        return text
    fallback = getattr(default, "default", None)
    if fallback is ... or type(fallback).__name__ == "PydanticUndefinedType":
        raise HTTPException(422, [{"type": "missing", "loc": [name], "msg": "Field required"}])
    return fallback
