"""What `import litserve` gives in a worker of Martlet's: LitServe's names, Martlet's behaviour.

`MODULES` maps each module's name to what is in it.
"""

import importlib.util
import os
import pdb
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any, Dict, NoReturn, Optional

from .. import answers, callbacks, launch, litapi, litserver, loggers
from ..specs import base, openai, openai_embedding
from ..specs.records import Record
from . import examples, litserve_client

__version__ = "0.2.19"
"""The version of LitServe whose behaviour was looked at."""


class LitAPI(litapi.LitAPI):
    """As Martlet's, with LitServe's habit for answers of bytes."""

    bytes_as_text = True


class LitServer(litserver.LitServer):
    """As Martlet's; `run` also writes `client.py`, and says when the server is up, as LitServe does."""

    index = "litserve running"
    _with_client = True

    def run(self, *arguments: Any, generate_client_file: bool = True, **more: Any) -> NoReturn:
        self._with_client = generate_client_file
        super().run(*arguments, **more)

    def _launch(self, file: Path, host: str, port: int) -> NoReturn:
        if self._with_client:
            litserve_client.write(port)
        launch.supervise(file, host, port)


class MCP:
    """The API as a tool for assistants: Martlet offers it at its own MCP endpoint."""

    def __init__(
        self, description: Optional[str] = None, input_schema: Optional[dict] = None, name: Optional[str] = None
    ):
        self.name = name
        self.description = description
        self.input_schema = input_schema


class LitAPIStatus:
    OK = "OK"
    ERROR = "ERROR"
    FINISH_STREAMING = "FINISH_STREAMING"
    START = "START"


class LitLoop:
    """Accepted as an argument; Martlet's own loops run instead."""

    def __init__(self, *_: Any, **__: Any):
        pass


class ContinuousBatchingLoop(LitLoop):
    """Accepted as an argument; an API with `add_request` and `step` is batched continuously in any case."""


class Output:
    """What one step made for one request: `status` is `LitAPIStatus.OK` or `.FINISH_STREAMING`."""

    def __init__(self, uid: str, output: Any, status: str):
        self.uid = uid
        self.output = output
        self.status = status


class EventTypes:
    BEFORE_SETUP = "on_before_setup"
    AFTER_SETUP = "on_after_setup"
    BEFORE_DECODE_REQUEST = "on_before_decode_request"
    AFTER_DECODE_REQUEST = "on_after_decode_request"
    BEFORE_ENCODE_RESPONSE = "on_before_encode_response"
    AFTER_ENCODE_RESPONSE = "on_after_encode_response"
    BEFORE_PREDICT = "on_before_predict"
    AFTER_PREDICT = "on_after_predict"
    ON_SERVER_START = "on_server_start"
    ON_SERVER_END = "on_server_end"
    ON_REQUEST = "on_request"
    ON_RESPONSE = "on_response"


class PredictionTimeLogger(callbacks.Callback):
    """Logs how long each `predict` took, in seconds, as `prediction_time`."""

    def on_before_predict(self, *_: Any, **__: Any) -> None:
        self._began = time.perf_counter()

    def on_after_predict(self, *_: Any, lit_api: Any = None, **__: Any) -> None:
        lit_api.log("prediction_time", time.perf_counter() - self._began)


def is_package_installed(package_name: str) -> bool:
    try:
        return importlib.util.find_spec(package_name) is not None
    except (ImportError, ValueError):
        return False


def wrap_litserve_start(*_: Any, **__: Any) -> NoReturn:
    """LitServe's own tests start a server inside of themselves with it; there is no server inside a worker."""
    raise NotImplementedError("Martlet serves from a process of its own; start it with LitServer.run()")


def configure_logging(*_: Any, **__: Any) -> None:
    """Martlet has its own log."""


def set_trace() -> None:
    """A worker has no terminal: reads commands from `/dev/tty` where there is one."""
    try:
        terminal = open("/dev/tty")
    except OSError:
        print("set_trace: no terminal", file=sys.stderr)
        return
    pdb.Pdb(stdin=terminal).set_trace(sys._getframe(1))


def set_trace_if_debug(debug_env_var: str = "LITSERVE_DEBUG", debug_env_var_value: str = "1") -> None:
    if os.environ.get(debug_env_var) == debug_env_var_value:
        set_trace()


def _request_types() -> Dict[str, Any]:
    """FastAPI's classes where it is installed: files use them as annotations and for answers."""
    try:
        from starlette.requests import Request
        from starlette.responses import Response
    except ImportError:
        return {"Request": Any, "Response": answers.Response}
    return {"Request": Request, "Response": Response}


def _record(name: str, **defaults: Any) -> type:
    return type(name, (Record,), {"defaults": defaults})


class UsageInfo(Record):
    """Numbers of tokens."""

    defaults = {"prompt_tokens": 0, "total_tokens": 0, "completion_tokens": 0}

    def __add__(self, other: Any) -> "UsageInfo":
        return UsageInfo({key: (self[key] or 0) + (other[key] or 0) for key in self.defaults})

    def __radd__(self, other: Any) -> "UsageInfo":
        return self if other == 0 else self + other


_types = _request_types()
_top = {
    "__version__": __version__,
    "Callback": callbacks.Callback,
    "LitAPI": LitAPI,
    "LitServer": LitServer,
    "Logger": loggers.Logger,
    "OpenAISpec": openai.OpenAISpec,
    "OpenAIEmbeddingSpec": openai_embedding.OpenAIEmbeddingSpec,
    "set_trace": set_trace,
    "set_trace_if_debug": set_trace_if_debug,
    "configure_logging": configure_logging,
    **_types,
}
_chat = {
    "OpenAISpec": openai.OpenAISpec,
    "ChatMessage": openai.ChatMessage,
    "ChatMessageWithUsage": openai.ChatMessage,
    "ChatCompletionRequest": openai.ChatCompletionRequest,
    "UsageInfo": UsageInfo,
    "ToolCall": _record("ToolCall", index=0, id=None, type="function"),
    **{
        name: _record(name)
        for name in (
            "AudioContent",
            "ChatCompletionChunk",
            "ChatCompletionResponse",
            "ChatCompletionResponseChoice",
            "ChatCompletionStreamingChoice",
            "ChoiceDelta",
            "Function",
            "FunctionCall",
            "ImageContent",
            "ImageContentURL",
            "InputAudio",
            "JSONSchema",
            "ResponseFormatJSONObject",
            "ResponseFormatJSONSchema",
            "ResponseFormatText",
            "TextContent",
            "Tool",
        )
    },
}
_embedding = {
    "OpenAIEmbeddingSpec": openai_embedding.OpenAIEmbeddingSpec,
    "EmbeddingRequest": openai_embedding.EmbeddingRequest,
    "Embedding": _record("Embedding", object="embedding"),
    "EmbeddingResponse": _record("EmbeddingResponse", object="list"),
    "UsageInfo": UsageInfo,
}
_callbacks = {
    "Callback": callbacks.Callback,
    "CallbackRunner": callbacks.CallbackRunner,
    "NoopCallback": callbacks.NoopCallback,
    "EventTypes": EventTypes,
}
_loops = {
    "LitLoop": LitLoop,
    "ContinuousBatchingLoop": ContinuousBatchingLoop,
    "DefaultContinuousBatchingLoop": ContinuousBatchingLoop,
    "Output": Output,
}
_utils = {
    "LitAPIStatus": LitAPIStatus,
    "is_package_installed": is_package_installed,
    "wrap_litserve_start": wrap_litserve_start,
    "configure_logging": configure_logging,
    "set_trace": set_trace,
    "set_trace_if_debug": set_trace_if_debug,
}


def _examples() -> Dict[str, Dict[str, Any]]:
    made = examples.make(LitAPI)
    return {
        "litserve.test_examples": made,
        "litserve.test_examples.simple_example": made,
        "litserve.test_examples.openai_spec_example": made,
        "litserve.test_examples.openai_embedding_spec_example": made,
    }


MODULES: Dict[str, Dict[str, Any]] = {
    "litserve.__about__": {"__version__": __version__},
    "litserve.api": {"LitAPI": LitAPI},
    "litserve.server": {"LitServer": LitServer, **_types},
    "litserve.specs": {**_chat, **_embedding, "LitSpec": base.Spec},
    "litserve.specs.base": {"LitSpec": base.Spec},
    "litserve.specs.openai": _chat,
    "litserve.specs.openai_embedding": _embedding,
    "litserve.callbacks": _callbacks,
    "litserve.callbacks.base": _callbacks,
    "litserve.callbacks.defaults": {"PredictionTimeLogger": PredictionTimeLogger},
    "litserve.callbacks.defaults.metric_callback": {"PredictionTimeLogger": PredictionTimeLogger},
    "litserve.loggers": {"Logger": loggers.Logger},
    "litserve.loops": _loops,
    "litserve.loops.base": _loops,
    "litserve.loops.continuous_batching_loop": _loops,
    "litserve.mcp": {"MCP": MCP},
    "litserve.utils": _utils,
    **_examples(),
}


def _namespace(name: str) -> ModuleType:
    module = ModuleType(name)
    module.__dict__.update(MODULES[name])
    return module


MODULES["litserve"] = {**_top, "test_examples": _namespace("litserve.test_examples")}
