"""Reads the request corpus; its first lines say how it is written."""

import pathlib
import re

CORPUS = pathlib.Path(__file__).parent.parent / "MartletWireTests" / "Corpus" / "requests.txt"


def cases():
    name = outcome = None
    data = b""
    for line in CORPUS.read_text(encoding="utf-8").split("\n"):
        if line.startswith("%"):
            continue
        if line.startswith("== "):
            if name is not None:
                yield name, repeated(outcome), data
            name, outcome = line[3:].split(" => ", 1)
            data = b""
        else:
            data += decode(line)
    yield name, repeated(outcome), data


def repeated(text):
    return re.sub(r"\{\{(.*?)\*([0-9]+)\}\}", lambda m: m.group(1) * int(m.group(2)), text)


def decode(line):
    def escape(match):
        code = match.group(1)
        if code.startswith("x"):
            return chr(int(code[1:], 16))
        return {"r": "\r", "n": "\n", "t": "\t"}.get(code, code)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", escape, repeated(line)).encode("latin-1")
