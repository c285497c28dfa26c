"""Replies as they are on the wire, and what of them may differ from one server to the next."""

import dataclasses
import http.client
import json
import re
import urllib.parse

ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
VOLATILE = [
    (re.compile(r'"__langserve_version":"[^"]*"'), '"__langserve_version":""'),
    (re.compile(r'"(start_time|end_time)":"[^"]*"'), r'"\1":""'),
    (re.compile(r'("path":"/logs/[^"]*/end_time","value":)"[^"]*"'), r'\1""'),
    (re.compile(r',"url":"https://errors\.pydantic\.dev[^"]*"'), ""),
]
HEADERS = ("content-type", "cache-control", "x-accel-buffering", "allow")


@dataclasses.dataclass
class Case:
    """One request. `differs`: why the two replies may differ, besides in the ids; then only what `alike` names is
    compared, `status` or nothing. `ours`: the status that Martlet answers."""

    method: str
    path: str
    body: object = None
    headers: dict = dataclasses.field(default_factory=dict)
    raw: bytes | None = None
    differs: str = ""
    alike: tuple = ("status",)
    ours: int | None = None

    def __str__(self) -> str:
        said = self.raw if self.raw is not None else json.dumps(self.body) if self.body is not None else ""
        return f"{self.method} {self.path} {said!s:.100} {self.headers or ''}"


@dataclasses.dataclass
class Reply:
    status: int
    headers: dict
    text: str
    is_whole: bool


def ask(url: str, case: Case) -> Reply:
    place = urllib.parse.urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    data = case.raw if case.raw is not None else json.dumps(case.body).encode() if case.body is not None else None
    headers = {"user-agent": "compare", **({"content-type": "application/json"} if data is not None else {})}
    try:
        connection.request(case.method, case.path, body=data, headers={**headers, **case.headers})
        answer = connection.getresponse()
        text, is_whole = b"", True
        try:
            while piece := answer.read1(1 << 16):
                text += piece
        except http.client.HTTPException:
            is_whole = False
        named = {name.lower(): value for name, value in answer.getheaders() if name.lower() in HEADERS}
        return Reply(answer.status, named, text.decode(), is_whole)
    finally:
        connection.close()


def settled(text: str) -> str:
    """With ids numbered by their first appearance, without times and versions."""
    numbers: dict = {}
    text = ID.sub(lambda found: f"id-{numbers.setdefault(found.group(0), len(numbers))}", text)
    for pattern, instead in VOLATILE:
        text = pattern.sub(instead, text)
    return text
