"""A request's body as a value: JSON, a form, parts of a multipart form, or the bytes as they are."""

import json
import tempfile
from typing import Any, Dict, Iterator, List, Optional, Tuple, Union
from urllib.parse import parse_qsl

from .errors import HTTPException
from .request import Request

SPOOL_BYTES = 1 << 20
"""A file part larger than this lies on disk, in an unnamed file."""
MAX_PARTS = 1000
MAX_FIELD_BYTES = 1 << 20
"""Of a field that is no file. Files are bounded by the limit on the whole body (`max_body`)."""
MAX_HEAD_BYTES = 16 * 1024
"""Of the lines before a part's content."""


class Upload:
    """A file part. `filename`, `content_type`, `file` (a binary file at its start), `size` in bytes.

    It is closed when the request is over, however it ended; copy what must live longer.
    """

    def __init__(self, filename: str, content_type: str, content: Union[bytes, memoryview]):
        self.filename = filename
        self.content_type = content_type
        self.size = len(content)
        self.file: Any = tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)
        self.file.write(content)
        self.file.seek(0)

    def read(self, size: int = -1) -> bytes:
        return self.file.read(size)

    def seek(self, offset: int) -> None:
        self.file.seek(offset)

    def close(self) -> None:
        self.file.close()


class Form(Dict[str, Any]):
    """The last value of each field: text, or an `Upload`. `getlist(name)` gives all of them."""

    def __init__(self, pairs: List[Tuple[str, Any]]):
        super().__init__(pairs)
        self._pairs = list(pairs)

    def add(self, name: str, value: Any) -> None:
        self[name] = value
        self._pairs.append((name, value))

    def getlist(self, name: str) -> List[Any]:
        return [value for key, value in self._pairs if key == name]

    def multi_items(self) -> List[Tuple[str, Any]]:
        return list(self._pairs)

    def close(self) -> None:
        for _, value in self._pairs:
            if isinstance(value, Upload):
                value.close()


def value(request: Request) -> Any:
    """The body of a request. Raises `HTTPException`: 400 where the body is not what its type says."""
    type = request.content_type
    if type == "application/json":
        return from_json(request.body)
    media, parameters = media_type(type)
    if media == "application/json" or media.endswith("+json"):
        return from_json(request.body)
    if media == "application/x-www-form-urlencoded":
        if request.body.count(b"&") >= MAX_PARTS:
            raise HTTPException(413, f"The form has more than {MAX_PARTS} fields")
        return Form(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    if media == "multipart/form-data":
        boundary = parameters.get("boundary")
        if not boundary:
            raise HTTPException(400, "The multipart form names no boundary")
        return multipart(request.body, boundary.encode("latin-1", "replace"))
    return request.body


def multipart(body: bytes, boundary: bytes) -> Form:
    """Raises `HTTPException`; no file is left open then."""
    found = Form([])
    try:
        for name, value in parts(body, boundary):
            found.add(name, value)
    except BaseException:
        found.close()
        raise
    return found


def from_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, "The request's body is not JSON") from None


def media_type(text: str) -> Tuple[str, Dict[str, str]]:
    """A media type and its parameters, names in lower case."""
    media, _, rest = text.partition(";")
    return media.strip().lower(), _parameters(rest)


def _parameters(text: str) -> Dict[str, str]:
    found: Dict[str, str] = {}
    at = 0
    while at < len(text):
        equals = text.find("=", at)
        if equals < 0:
            break
        name = text[at:equals].strip(" ;\t").lower()
        at = equals + 1
        if text[at : at + 1] == '"':
            quoted: List[str] = []
            at += 1
            while at < len(text) and text[at] != '"':
                # Browsers write a quote in a name as %22; a backslash only ever escapes a quote or itself.
                if text[at] == "\\" and text[at + 1 : at + 2] in ('"', "\\"):
                    at += 1
                quoted.append(text[at])
                at += 1
            at = text.find(";", at) + 1 or len(text)
            found[name] = "".join(quoted)
        else:
            end = text.find(";", at)
            end = len(text) if end < 0 else end
            found[name] = text[at:end].strip()
            at = end + 1
    return found


def parts(body: bytes, boundary: bytes) -> Iterator[Tuple[str, Any]]:
    """The fields of a multipart form. Raises `HTTPException`: 400 where it does not end as it must, 413 where it has
    too many parts or too long ones."""
    mark = b"\r\n--" + boundary
    # The first one need not stand on a line of its own.
    at = len(mark) - 2 if body.startswith(mark[2:]) else _after(body.find(mark), mark)
    for _ in range(MAX_PARTS):
        if body[at : at + 2] == b"--":
            return
        start = body.find(b"\r\n", at)
        end = body.find(mark, start) if start >= 0 else -1
        # The line's end may be the one before the next mark, where a part is empty.
        head = min(start + 2, end) if end >= 0 else -1
        at = _after(end, mark)
        field = _part(body, head, end)
        if field is not None:
            yield field
    if body[at : at + 2] != b"--":
        raise HTTPException(413, "The multipart form has too many parts")


def _after(found: int, mark: bytes) -> int:
    if found < 0:
        raise HTTPException(400, "The multipart form is not complete")
    return found + len(mark)


def _part(body: bytes, start: int, end: int) -> Optional[Tuple[str, Any]]:
    if body.startswith(b"\r\n", start):
        return None
    middle = body.find(b"\r\n\r\n", start, end)
    head_end, content = (middle, middle + 4) if middle >= 0 else (end, end)
    if head_end - start > MAX_HEAD_BYTES:
        raise HTTPException(413, "A part of the multipart form has too long a head")
    headers: Dict[str, str] = {}
    for line in body[start:head_end].decode("utf-8", "replace").split("\r\n"):
        key, _, text = line.partition(":")
        headers[key.strip().lower()] = text.strip()
    _, disposition = media_type(headers.get("content-disposition", ""))
    if "name" not in disposition:
        return None
    name = disposition["name"]
    if "filename" in disposition:
        type = headers.get("content-type", "application/octet-stream")
        return name, Upload(disposition["filename"], type, memoryview(body)[content:end])
    if end - content > MAX_FIELD_BYTES:
        raise HTTPException(413, f"The field {name[:100]} of the multipart form is too long")
    return name, body[content:end].decode("utf-8", "replace")
