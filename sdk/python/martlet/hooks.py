"""A user's hooks, made ready to be called: who wants a context, who is a coroutine, what a request must look like."""

import asyncio
import inspect
import typing
from typing import Any, Callable, Dict, List, Optional

from . import authorize, forms
from .context import Context, ContextList
from .errors import HTTPException
from .litapi import LitAPI, overrides
from .request import Request

Hook = Callable[[Any, Any], Any]
"""Called with the value and the context; the context is dropped where the user's hook takes none."""


def parameter_names(function: Callable[..., Any]) -> List[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):
        return []


def adapt(function: Callable[..., Any]) -> Hook:
    names = parameter_names(function)[1:]
    if "context" in names:
        return lambda value, context: function(value, context=context)
    if "ctx" in names:
        return lambda value, context: function(value, ctx=context)
    return lambda value, context: function(value)


def wants_context(function: Callable[..., Any]) -> bool:
    return any(name in ("context", "ctx") for name in parameter_names(function)[1:])


def request_model(function: Callable[..., Any]) -> Optional[Any]:
    """The pydantic model that `decode_request`'s first argument is annotated with."""
    names = parameter_names(function)
    if not names:
        return None
    try:
        annotation = typing.get_type_hints(function).get(names[0])
    except Exception:
        annotation = getattr(function, "__annotations__", {}).get(names[0])
    return annotation if hasattr(annotation, "model_validate") and hasattr(annotation, "model_fields") else None


def validated(model: Any, value: Any) -> Any:
    """The pydantic model made of a request's value. Raises `HTTPException` 422 with what does not fit."""
    if isinstance(value, forms.Form):
        value = dict(value)
    try:
        return model.model_validate(value)
    except ValueError as error:
        details = getattr(error, "errors", None)
        if details is None:
            raise
        wrong = []
        for one in details():
            said = {**one, "loc": ["body", *one["loc"]]}
            wrong.append({key: said[key] for key in ("type", "loc", "msg", "input") if key in said})
        raise HTTPException(422, wrong) from None


class Hooks:
    """The hooks of one API."""

    def __init__(self, api: LitAPI):
        spec = api.spec
        decode = spec.decode_request if spec and not overrides(api, "decode_request") else api.decode_request
        encode = spec.encode_response if spec and not overrides(api, "encode_response") else api.encode_response
        self.spec = spec
        self.model = request_model(decode) if spec is None else None
        self.decode = adapt(decode)
        self.predict = adapt(api.predict)
        self.encode = adapt(encode)
        self.batch = adapt(api.batch)
        self.unbatch = adapt(_stream_unbatch if _keeps_lists(api) else api.unbatch)
        may = getattr(api, "authorize", None) or authorize.by_key()
        self.authorize = authorize.checker(may) if callable(may) else None
        self.wants_context = spec is not None or any(
            wants_context(function) for function in (decode, api.predict, encode, api.batch, api.unbatch)
        )
        self.threaded: Dict[str, bool] = {
            "decode": overrides(api, "decode_request") and not _is_async(decode),
            "encode": overrides(api, "encode_response") and not _is_async(encode),
        }

    def value(self, request: Request) -> Any:
        """The request's body as `decode_request` (or the spec) gets it. Raises `HTTPException` 4xx."""
        value = forms.value(request)
        if isinstance(value, forms.Form):
            request.form = value
        return validated(self.model, value) if self.model is not None else value

    def context(self, request: Request) -> Optional[Context]:
        return Context(request) if self.wants_context else None

    def contexts(self, contexts: List[Optional[Context]]) -> Optional[ContextList]:
        return ContextList(context for context in contexts if context is not None) if self.wants_context else None


def _is_async(function: Callable[..., Any]) -> bool:
    return asyncio.iscoroutinefunction(function) or inspect.isasyncgenfunction(function)


def _keeps_lists(api: LitAPI) -> bool:
    return api.stream and not overrides(api, "unbatch")


def _stream_unbatch(outputs: Any) -> Any:
    """A batched stream's steps are lists already, or become ones."""
    if hasattr(outputs, "__aiter__"):
        return _async_lists(outputs)
    return (list(output) for output in outputs)


async def _async_lists(outputs: Any) -> Any:
    async for output in outputs:
        yield list(output)
