"""One runnable behind its endpoints, as an ASGI application: LangServe's HTTP contract.

`answer` serves one endpoint; `__call__` finds it by the path, for a runnable that is served without a web framework.
"""

import json
from typing import Any, Dict, Mapping, Optional, Sequence

from .. import log
from ..answers import JSON
from ..errors import HTTPException, client_error
from . import configuration, feedback, operations, playground, refusals
from .call import Call
from .configuration import Config, Modifier
from .encoding import encode
from .endpoints import ALWAYS, endpoints
from .http import Answered, live, redirect, reply, stream
from .schemas import Schemas

_COMPUTED = {"invoke": operations.invoke, "batch": operations.batch}
_STREAMED: Dict[str, Any] = {
    "stream": operations.stream,
    "stream_log": operations.stream_log,
    "stream_events": operations.stream_events,
}


class Chain:
    """A runnable and how it is served; the arguments are those of `martlet.serve_chain`.

    Raises `ValueError` and `TypeError` where they make no sense.
    """

    def __init__(
        self,
        path: str,
        runnable: Any,
        *,
        input_type: Any = "auto",
        output_type: Any = "auto",
        config_keys: Sequence[str] = ("configurable",),
        include_callback_events: bool = False,
        per_req_config_modifier: Optional[Modifier] = None,
        enable_feedback_endpoint: bool = False,
        enable_public_trace_link_endpoint: bool = False,
        enabled_endpoints: Optional[Sequence[str]] = None,
        disabled_endpoints: Optional[Sequence[str]] = None,
        stream_log_name_allow_list: Optional[Sequence[str]] = None,
        astream_events_version: str = "v2",
        serializer: Any = None,
    ):
        if path and not path.startswith("/"):
            raise ValueError(f"the path {path!r} must start with '/'")
        if not is_runnable(runnable):
            raise TypeError(f"a runnable is needed, with invoke, batch and stream, not a {type(runnable).__name__}")
        if "run_name" in config_keys:
            raise ValueError("run_name is the path's; config_keys cannot name it")
        types = {"input_type": input_type, "output_type": output_type}
        chosen = {name: type for name, type in types.items() if type != "auto"}
        self.path = path.rstrip("/")
        self.runnable = runnable.with_types(**chosen) if chosen else runnable
        self.config_keys = tuple(config_keys)
        self.callback_events = include_callback_events
        self.modifier = per_req_config_modifier
        self.log_names = None if stream_log_name_allow_list is None else list(stream_log_name_allow_list)
        self.events_version = astream_events_version
        self.encode = serializer.dumps if serializer is not None else encode
        self.is_plain = False
        """Whether its coroutines are known to be none; its plain methods are called then."""
        self.schemas = Schemas(self.runnable)
        self.endpoints = endpoints(enabled_endpoints, disabled_endpoints)
        for name, method in (("stream_log", "astream_log"), ("stream_events", "astream_events")):
            if not hasattr(runnable, method):
                self.endpoints.pop(name, None)
        if not enable_feedback_endpoint:
            self.endpoints.pop("feedback", None)
        if not enable_public_trace_link_endpoint:
            self.endpoints.pop("public_trace_link", None)
        self.hashes = "config_hashes" not in (disabled_endpoints or ()) and (
            enabled_endpoints is None or "config_hashes" in enabled_endpoints
        )

    # By the path.

    async def __call__(self, scope: Mapping[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await live(receive, send)
            return
        answered = Answered(send)
        try:
            call = self.found(scope, receive)
            if call is not None:
                await self.answer(call, answered)
            else:
                # A browser asked for the folder without its slash.
                await redirect(answered, scope["path"] + "/")
        except Exception as error:
            told = client_error(error)
            if told is None:
                await reply(answered, 500, b"Internal Server Error", "text/plain; charset=utf-8")
                raise
            status, detail, headers = told
            await reply(answered, status, encode({"detail": detail}), JSON, headers)

    def found(self, scope: Mapping[str, Any], receive: Any) -> Optional[Call]:
        """What a path asks for; None for a playground without its slash. Raises `HTTPException` 404 and 405."""
        path: str = scope["path"]
        words = path[len(self.path) :].strip("/").split("/")
        hash: Optional[str] = None
        if len(words) > 2 and words[0] == "c" and self.hashes:
            hash, words = words[1], words[2:]
        name, below = words[0], "/".join(words[1:])
        methods = self.endpoints.get(name)
        if methods is None or (hash is not None and not self.may_have_hash(name)) or (below and name != "playground"):
            raise refusals.not_found()
        if scope["method"] not in methods:
            raise HTTPException(405, "Method Not Allowed", {"allow": methods[0]})
        if name == "playground":
            if not below and not path.endswith("/"):
                return None
            if below not in ("", "index.html"):
                raise refusals.not_found()
        return Call(name, hash, self.path, scope, receive)

    @staticmethod
    def may_have_hash(endpoint: str) -> bool:
        """Whether an endpoint is there with a configuration in its path as well."""
        return endpoint not in ALWAYS

    def described(self) -> Dict[str, Any]:
        """As `READY` says it; a schema that cannot be made is left open."""
        schemas: Dict[str, Any] = {}
        for side in ("input", "output", "config"):
            try:
                schemas[side] = json.loads(encode(self._schema(side, {})))
            except Exception as error:
                log.error(f"the {side} schema of the chain at {self.path or '/'} cannot be told", error)
                schemas[side] = {}
        endpoints = [name for name in self.endpoints if name not in (*ALWAYS, "playground")]
        return {**schemas, "endpoints": endpoints, "config_hashes": self.hashes}

    def _schema(self, side: str, config: Config) -> Any:
        if side == "config":
            return self.schemas.configuration(config, self.config_keys)
        return self.schemas.json(side, config)

    # One endpoint.

    async def answer(self, call: Call, send: Any) -> None:
        """Answers; what the runnable raises comes out, except where a stream has begun that can say it."""
        try:
            if call.endpoint in _STREAMED:
                parts = await _STREAMED[call.endpoint](self, await call.json(), call)
            else:
                await self._whole(call, send)
                return
        except HTTPException as refusal:
            said = {"detail": refusal.detail}
            if call.endpoint in _STREAMED:
                # LangChain's JavaScript client shows this member alone.
                said["message"] = refusal.detail if isinstance(refusal.detail, str) else "the request is not valid"
            await reply(send, refusal.status_code, encode(said), JSON, refusal.headers)
            return
        await stream(parts, send)

    async def _whole(self, call: Call, send: Any) -> None:
        name = call.endpoint
        if name in _COMPUTED:
            await reply(send, 200, self.encode(await _COMPUTED[name](self, await call.json(), call)), JSON)
        elif name in ALWAYS:
            if call.scope["method"] != "HEAD":
                feedback.refuse(name, await call.json())
            await reply(send, 200, b"null", JSON)
        elif name == "playground":
            configuration.of_hash(call.hash)
            await reply(send, 200, playground.page(), "text/html; charset=utf-8", playground.HEADERS)
        else:
            config = configuration.allowed(self.runnable, configuration.of_hash(call.hash), self.config_keys)
            await reply(send, 200, encode(self._schema(name[: -len("_schema")], config)), JSON)


def is_runnable(value: Any) -> bool:
    return not isinstance(value, type) and all(
        callable(getattr(value, name, None)) for name in ("invoke", "batch", "stream")
    )
