"""OpenAI's chat completions: `POST /v1/chat/completions`, whole or as server-sent events."""

import json
import time
import uuid
from typing import TYPE_CHECKING, Any, Dict, List, Optional

from .. import answers
from ..context import Context
from ..errors import HTTPException, client_error
from ..request import Request
from ..sinks import Sink, Slot
from .base import Spec
from .records import Record

if TYPE_CHECKING:
    from ..litapi import LitAPI

_USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")
_SPOKEN = ("content", "tool_calls", "refusal", "reasoning_content")
MAX_CHOICES = 128


class ChatMessage(Record):
    """A message: `role`, `content`, and where they apply `name`, `tool_calls`, `tool_call_id`.

    A model may also say `finish_reason`, and `prompt_tokens`, `completion_tokens`, `total_tokens` with its last one.
    """

    defaults = {"role": "assistant", "content": None, "name": None, "tool_calls": None, "tool_call_id": None}


class ChatCompletionRequest(Record):
    """A request as `decode_request` gets it. Keys that the client left out are None (`n` 1, `stream` False)."""

    defaults = {
        "model": "",
        "messages": [],
        "temperature": 0.7,
        "top_p": 1.0,
        "n": 1,
        "max_tokens": None,
        "max_completion_tokens": None,
        "stop": None,
        "stream": False,
        "stream_options": None,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "seed": None,
        "user": None,
        "tools": None,
        "tool_choice": "auto",
        "response_format": None,
        "reasoning_effort": None,
        "metadata": None,
    }


class OpenAISpec(Spec):
    """`predict` is a generator of text, of messages (`{"role", "content", …}`), or of parts of messages.

    `context` holds the request's other keys (`temperature`, `max_tokens`, …).
    """

    api_path = "/v1/chat/completions"
    stream = True
    request_schema = {
        "type": "object",
        "required": ["messages"],
        "properties": {
            "model": {"type": "string"},
            "messages": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["role"],
                    "properties": {"role": {"type": "string"}, "content": {"type": ["string", "array", "null"]}},
                },
            },
            "n": {"type": "integer", "minimum": 1, "maximum": MAX_CHOICES},
            "stream": {"type": "boolean"},
            "stream_options": {"type": "object", "properties": {"include_usage": {"type": "boolean"}}},
            "temperature": {"type": "number"},
            "max_completion_tokens": {"type": "integer"},
            "tools": {"type": "array", "items": {"type": "object"}},
            "response_format": {"type": "object"},
        },
    }

    def slots(self, request: Request, value: Any, api: "LitAPI") -> List[Slot]:
        asked = read(value)
        sink = EventSink(request, asked) if asked.stream else WholeSink(request, asked)
        others = {key: one for key, one in asked.items() if key != "messages"}
        made = []
        for index in range(asked.n):
            copy = ChatCompletionRequest(asked, n=1)
            made.append(Slot(sink, index, Context(request, others), copy))
        return made

    def encode_response(self, output: Any) -> Any:
        return output


def read(value: Any) -> ChatCompletionRequest:
    """A chat request. Raises `HTTPException` 422 where it is none."""
    if not isinstance(value, dict):
        raise _wrong("the request must be a JSON object", None)
    given = {key: one for key, one in value.items() if one is not None}
    messages = given.get("messages")
    if not isinstance(messages, list):
        raise _wrong("messages must be a list", "messages")
    for message in messages:
        if not isinstance(message, dict) or not isinstance(message.get("role"), str):
            raise _wrong("each message must be an object with a role", "messages")
    n = given.get("n", 1)
    if not isinstance(n, int) or isinstance(n, bool) or not 1 <= n <= MAX_CHOICES:
        raise _wrong(f"n must be between 1 and {MAX_CHOICES}", "n")
    if not isinstance(given.get("stream", False), bool):
        raise _wrong("stream must be true or false", "stream")
    if not isinstance(given.get("stream_options", {}), dict):
        raise _wrong("stream_options must be an object", "stream_options")
    asked = ChatCompletionRequest(given)
    asked["messages"] = [ChatMessage(message) for message in messages]
    return asked


def _wrong(message: str, parameter: Optional[str]) -> HTTPException:
    return HTTPException(422, [{"type": "value_error", "loc": ["body", parameter or ""], "msg": message}])


def message_of(output: Any) -> Dict[str, Any]:
    """The message that an output of the model is. Raises `HTTPException` 500 where it is none."""
    if output is None:
        return {}
    if isinstance(output, str):
        return {"content": output}
    dump = getattr(output, "model_dump", None)
    if callable(dump):
        output = dump()
    if isinstance(output, list) and output:
        return message_of(output[-1])
    if isinstance(output, dict) and ("content" in output or "tool_calls" in output or "role" in output):
        return {key: value for key, value in output.items() if value is not None}
    raise HTTPException(500, f"The model's output is no message: {str(output)[:200]}")


class _ChatSink(Sink):
    """What both forms of the answer share: one id, one moment, the usage, and why each choice ended."""

    def __init__(self, request: Request, asked: ChatCompletionRequest):
        super().__init__(request, asked.n)
        self._asked = asked
        self._id = f"chatcmpl-{uuid.uuid4().hex}"
        self._created = int(time.time())
        self._usage: List[Dict[str, int]] = [{} for _ in range(asked.n)]
        self._reasons: List[Optional[str]] = [None] * asked.n
        self._calls = [False] * asked.n

    def _take(self, index: int, output: Any) -> Dict[str, Any]:
        """The message of an output; notes usage and the reason of its end."""
        message = message_of(output)
        usage = message.pop("usage", None)
        counts = dict(usage) if isinstance(usage, dict) else {}
        for key in _USAGE:
            if key in message:
                counts[key] = message.pop(key)
        if any(counts.values()):
            self._usage[index] = counts
        reason = message.pop("finish_reason", None)
        if reason:
            self._reasons[index] = reason
        if message.get("tool_calls"):
            self._calls[index] = True
        return message

    def _reason(self, index: int) -> str:
        return self._reasons[index] or ("tool_calls" if self._calls[index] else "stop")

    def _sum(self) -> Dict[str, int]:
        prompt = max((usage.get("prompt_tokens") or 0 for usage in self._usage), default=0)
        completion = sum(usage.get("completion_tokens") or 0 for usage in self._usage)
        known = sum(usage.get("total_tokens") or 0 for usage in self._usage)
        total = known if known and len(self._usage) == 1 else prompt + completion
        return {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}


class WholeSink(_ChatSink):
    """The whole answer as one object."""

    def __init__(self, request: Request, asked: ChatCompletionRequest):
        super().__init__(request, asked)
        self._texts: List[List[str]] = [[] for _ in range(asked.n)]
        self._tools: List[List[dict]] = [[] for _ in range(asked.n)]

    def put(self, index: int, output: Any) -> None:
        message = self._take(index, output)
        content = message.get("content")
        if content:
            self._texts[index].append(content if isinstance(content, str) else json.dumps(content))
        _merge_calls(self._tools[index], message.get("tool_calls") or [])

    def finish(self) -> None:
        choices = []
        for index in range(self._asked.n):
            message: Dict[str, Any] = {"role": "assistant", "content": "".join(self._texts[index])}
            if self._tools[index]:
                message["tool_calls"] = self._tools[index]
            choices.append(
                {"index": index, "message": message, "logprobs": None, "finish_reason": self._reason(index)}
            )
        answers.reply(
            self.request,
            {
                "id": self._id,
                "object": "chat.completion",
                "created": self._created,
                "model": self._asked.model,
                "choices": choices,
                "usage": self._sum(),
            },
        )

    def fail(self, error: BaseException, scope: str = "item") -> None:
        status, body = _error(error)
        self.request.fail(status, "model_failed", str(error)[:1000], scope, answers.to_json(body))


class EventSink(_ChatSink):
    """Server-sent events: chunks of one completion, why it ended, the usage where it was asked for, `[DONE]`."""

    def __init__(self, request: Request, asked: ChatCompletionRequest):
        super().__init__(request, asked)
        self._spoke = [False] * asked.n
        self._begun = False
        self._with_usage = bool((asked.stream_options or {}).get("include_usage"))

    def put(self, index: int, output: Any) -> None:
        message = self._take(index, output)
        delta: Dict[str, Any] = {key: message[key] for key in _SPOKEN if key in message}
        if "tool_calls" in delta:
            delta["tool_calls"] = [{"index": at, **call} for at, call in enumerate(delta["tool_calls"])]
        if not delta:
            return
        if not self._spoke[index]:
            delta = {"role": "assistant", **delta}
            self._spoke[index] = True
        self._send([self._choice(index, delta, None)])

    def end(self, index: int) -> None:
        delta = {} if self._spoke[index] else {"role": "assistant", "content": ""}
        self._send([self._choice(index, delta, self._reason(index))])
        super().end(index)

    def finish(self) -> None:
        if self._with_usage:
            self._send([], self._sum())
        self.request.send(b"data: [DONE]\n\n", last=True)

    def fail(self, error: BaseException, scope: str = "item") -> None:
        status, body = _error(error)
        text = answers.to_json(body)
        if self._begun:
            self.request.send(b"data: " + text + b"\n\n")
        self.request.fail(status, "model_failed", str(error)[:1000], scope, text)

    def _choice(self, index: int, delta: dict, reason: Optional[str]) -> dict:
        return {"index": index, "delta": delta, "logprobs": None, "finish_reason": reason}

    def _send(self, choices: List[dict], usage: Optional[dict] = None) -> None:
        if not self._begun:
            self._begun = True
            self.request.begin(200, {"type": answers.EVENTS, "headers": [["cache-control", "no-cache"]]})
        event: Dict[str, Any] = {
            "id": self._id,
            "object": "chat.completion.chunk",
            "created": self._created,
            "model": self._asked.model,
            "choices": choices,
        }
        if self._with_usage:
            event["usage"] = usage
        self.request.send(b"data: " + answers.to_json(event) + b"\n\n")


def _merge_calls(known: List[dict], parts: List[Any]) -> None:
    """Puts parts of tool calls together: pieces of one call share its `index`."""
    for part in parts:
        part = dict(part)
        index = part.pop("index", None)
        if index is not None and index < len(known) and not part.get("id"):
            function = dict(known[index].get("function") or {})
            more = part.get("function") or {}
            function["arguments"] = (function.get("arguments") or "") + (more.get("arguments") or "")
            known[index]["function"] = function
        else:
            known.append({"type": "function", **part})


def _error(error: BaseException) -> Any:
    """Status and body of an error in OpenAI's form."""
    told = client_error(error)
    status, detail = (told[0], told[1]) if told else (500, "Internal server error")
    kind = "invalid_request_error" if status < 500 else "server_error"
    message = detail if isinstance(detail, str) else json.dumps(detail, default=str)
    return status, {"error": {"message": message, "type": kind, "param": None, "code": None}}
