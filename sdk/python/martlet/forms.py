"""A request's body as a value: JSON, a form, parts of a multipart form, or the bytes as they are."""

import json
import tempfile
from typing import Any, Dict, Iterator, List, Optional, Tuple
from urllib.parse import parse_qsl

from .errors import HTTPException
from .request import Request

SPOOL_BYTES = 1 << 20
"""A file part larger than this lies on disk, in an unnamed file."""
MAX_PARTS = 1000


class Upload:
    """A file part. `filename`, `content_type`, `file` (a binary file at its start), `size` in bytes.

    It is closed when the request's answer is made; copy what must live longer.
    """

    def __init__(self, filename: str, content_type: str, content: bytes):
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
        self._pairs = pairs

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
        return Form(parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True))
    if media == "multipart/form-data":
        boundary = parameters.get("boundary")
        if not boundary:
            raise HTTPException(400, "The multipart form names no boundary")
        return Form(list(parts(request.body, boundary.encode("latin-1", "replace"))))
    return request.body


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
    """The fields of a multipart form. Raises `HTTPException` 400 where it does not end as it must."""
    mark = b"\r\n--" + boundary
    body = b"\r\n" + body
    at = body.find(mark)
    count = 0
    while True:
        if at < 0:
            raise HTTPException(400, "The multipart form is not complete")
        at += len(mark)
        if body[at : at + 2] == b"--":
            return
        start = body.find(b"\r\n", at)
        end = body.find(mark, start) if start >= 0 else -1
        if end < 0:
            raise HTTPException(400, "The multipart form is not complete")
        count += 1
        if count > MAX_PARTS:
            raise HTTPException(413, "The multipart form has too many parts")
        field = _part(body[start + 2 : end])
        if field is not None:
            yield field
        at = end


def _part(part: bytes) -> Optional[Tuple[str, Any]]:
    head, separator, content = part.partition(b"\r\n\r\n")
    if not separator and part.startswith(b"\r\n"):
        head, content = b"", part[2:]
    headers: Dict[str, str] = {}
    for line in head.decode("utf-8", "replace").split("\r\n"):
        key, _, text = line.partition(":")
        headers[key.strip().lower()] = text.strip()
    _, disposition = media_type(headers.get("content-disposition", ""))
    if "name" not in disposition:
        return None
    name = disposition["name"]
    if "filename" in disposition:
        return name, Upload(disposition["filename"], headers.get("content-type", "application/octet-stream"), content)
    return name, content.decode("utf-8", "replace")
