"""Reads the request corpus; the first lines of its requests.txt say how it is written."""

import dataclasses
import pathlib
import re

FOLDER = pathlib.Path(__file__).parent.parent / "MartletWireTests" / "Corpus"


@dataclasses.dataclass
class Case:
    name: str
    outcome: str
    # What the backend must see of the last request's fields: `+name`, `-name`.
    fields: list
    data: bytes = b""
    is_row: bool = False
    # The name of its file.
    part: str = ""


def cases():
    for path in sorted(FOLDER.glob("*.txt")):
        for case in read(path):
            case.part = path.stem
            yield case


def read(path):
    case, title, template = None, None, []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("%") or not line:
            continue
        if line[:3] in ("== ", "++ ", "-- ") and case:
            yield case
            case = None
        if line.startswith("== "):
            name, outcome = line[3:].split(" => ", 1)
            case, title = made(name, outcome), None
        elif line.startswith("++ "):
            title, template = line[3:], []
        elif line.startswith("-- "):
            value, outcome = line[3:].rsplit(" => ", 1)
            case = made(f"{title}: {value}", outcome)
            case.is_row = True
            case.data = b"".join(decode(part.replace("<>", value)) for part in template)
        elif title is not None:
            template.append(line)
        else:
            case.data += decode(line)
    if case:
        yield case


def made(name, outcome):
    outcome, _, fields = outcome.partition(" [")
    return Case(name, repeated(outcome), fields.rstrip("]").split())


def repeated(text):
    return re.sub(r"\{\{(.*?)\*([0-9]+)\}\}", lambda m: m.group(1) * int(m.group(2)), text)


def decode(line):
    def escape(match):
        code = match.group(1)
        if code.startswith("x"):
            return chr(int(code[1:], 16))
        return {"r": "\r", "n": "\n", "t": "\t"}.get(code, code)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", escape, repeated(line)).encode("latin-1")
