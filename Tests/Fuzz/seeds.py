"""Writes the fuzzers' first inputs: the request corpus, and a few responses, streams and bodies.

Usage: seeds.py FOLDER
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "Differential"))
from corpus import cases  # noqa: E402

SEEDS = {
    "ResponseFuzz": [
        b"\x00HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"\x00HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n",
        b"\x01HTTP/1.1 304 Not Modified\r\nKeep-Alive: timeout=5\r\nConnection: keep-alive, x\r\nX: y\r\n\r\n",
        b"\x00HTTP/1.0 200 OK\r\n\r\nuntil the end",
    ],
    "EventFuzz": [
        b"data: {\"choices\":[]}\n\ndata: [DONE]\n\n",
        b"\xef\xbb\xbfevent: x\r\ndata: 1\r\n\r\n: c\r\r",
        b"data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\n",
    ],
    "PeekFuzz": [
        b'{"messages":[{"role":"user","content":"a \\"b\\" {["}],"model":"m","stream":true}',
        b'{"model":"\\ud83d\\ude00\\/x","n":-1.5e3,"a":[{"b":[null,false]}]}',
        b'{"usage":{"prompt_tokens":1,"details":{"total_tokens":3},"completion_tokens":2,"total_tokens":3}}',
    ],
}


def main():
    folder = pathlib.Path(sys.argv[1])
    seeds = SEEDS | {"RequestFuzz": [data for _, _, data in cases() if len(data) < 4096]}
    for target, inputs in seeds.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (folder / target / f"seed-{number:03}").write_bytes(data)


main()
