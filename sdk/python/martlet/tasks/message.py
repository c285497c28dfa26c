"""A task's message as it lies in a queue: Celery's protocol 2, and 1."""

import base64
import datetime
import decimal
import importlib
import json
import uuid
from typing import Any, Callable, Dict, List, Tuple, Union

from .errors import TaskMessageError

MAX_BODY = 256 * 1024 * 1024
"""Bytes of arguments, taken out of their compression."""

_COMPRESSIONS = {
    "application/x-gzip": ("zlib", "decompressobj"),
    "application/x-bz2": ("bz2", "BZ2Decompressor"),
    "application/x-lzma": ("lzma", "LZMADecompressor"),
}
"""Modules of the standard library that an interpreter may have been built without."""
_TYPES: Dict[str, Callable[[str], Any]] = {
    "datetime": datetime.datetime.fromisoformat,
    "date": lambda text: datetime.datetime.fromisoformat(text).date(),
    "time": datetime.time.fromisoformat,
    "decimal": decimal.Decimal,
    "uuid": uuid.UUID,
    "bytes": str.encode,
    "base64": base64.b64decode,
}
"""How kombu says in JSON what JSON does not know."""


class TaskMessage:
    """Raises `TaskMessageError` where it is none. The arguments are read by `arguments()`."""

    def __init__(self, raw: bytes):
        try:
            envelope = json.loads(raw)
        except ValueError as error:
            raise TaskMessageError(f"the message is no JSON: {error}") from None
        if not isinstance(envelope, dict):
            raise TaskMessageError("the message is no JSON object")
        self.envelope: Dict[str, Any] = envelope
        self.properties: Dict[str, Any] = envelope.get("properties") or {}
        self.content_type = str(envelope.get("content-type") or "application/json")
        self.content_encoding = str(envelope.get("content-encoding") or "utf-8")
        self.headers: Dict[str, Any] = envelope.get("headers") or {}
        self._old: Union[Dict[str, Any], None] = None
        if not self.headers.get("task"):
            self._old = self._protocol1()
        says = self._old if self._old is not None else self.headers
        self.name = str(says.get("task") or "")
        self.id = str(says.get("id") or "")
        self.retries = int(says.get("retries") or 0)
        if not self.name or not self.id:
            raise TaskMessageError("the message names no task, or has no id")

    def body(self) -> bytes:
        """As its sender serialized it, still compressed where it was."""
        body = self.envelope.get("body") or ""
        if self.properties.get("body_encoding") == "base64":
            try:
                return base64.b64decode(body)
            except (ValueError, TypeError) as error:
                raise TaskMessageError(f"the body is no base64: {error}") from None
        return body.encode() if isinstance(body, str) else json.dumps(body).encode()

    def arguments(self) -> Tuple[List[Any], Dict[str, Any]]:
        """Those by place and those by name. Raises `TaskMessageError`."""
        if self._old is not None:
            arguments, named = self._old.get("args") or [], self._old.get("kwargs") or {}
        else:
            read = self._value()
            if not isinstance(read, list) or len(read) < 2:
                raise TaskMessageError("the body has no arguments")
            arguments, named = read[0] or [], read[1] or {}
        if not isinstance(arguments, list) or not isinstance(named, dict):
            raise TaskMessageError("the arguments are no list and no mapping")
        return arguments, named

    def _protocol1(self) -> Dict[str, Any]:
        value = self._value() if self.envelope.get("body") else None
        if not isinstance(value, dict):
            raise TaskMessageError("the message names no task")
        return value

    def _value(self) -> Any:
        if self.content_type != "application/json":
            raise TaskMessageError(
                f"the arguments are {self.content_type}: a task of Martlet's reads JSON (task_serializer = 'json')"
            )
        body = self.body()
        compression = self.headers.get("compression")
        if compression:
            body = _decompressed(body, str(compression))
        try:
            return json.loads(body.decode(self.content_encoding), object_hook=_typed)
        except (ValueError, LookupError) as error:
            raise TaskMessageError(f"the arguments cannot be read: {error}") from None


def _typed(value: Dict[str, Any]) -> Any:
    if value.keys() != {"__type__", "__value__"}:
        return value
    reader = _TYPES.get(value["__type__"])
    if reader is None:
        raise ValueError(f"a value of the type {value['__type__']!r}")
    return reader(value["__value__"])


def _decompressed(body: bytes, kind: str) -> bytes:
    """Raises `TaskMessageError`, also for what would not end."""
    module, name = _COMPRESSIONS.get(kind, ("", ""))
    try:
        reader = getattr(importlib.import_module(module), name)()
    except (ImportError, ValueError):
        raise TaskMessageError(f"the arguments are compressed as {kind}, which cannot be read here") from None
    try:
        made: bytes = reader.decompress(body, MAX_BODY)
    except Exception as error:
        raise TaskMessageError(f"the arguments cannot be decompressed: {error}") from None
    if not reader.eof:
        raise TaskMessageError(f"the arguments have no end, or more than {MAX_BODY} bytes")
    return made
