"""Writes the fuzzers' first inputs: the request corpus, the examples of docs/configuration.md, and a few of each kind.

Usage: seeds.py FOLDER
"""

import base64
import pathlib
import re
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Differential"))
import corpus  # noqa: E402

HEAD_END = b"\r\n\r\n"


def frame(kind, *items, nonce=0, payload=b""):
    """A frame of a worker; an item is (id, status, flags, meta, body)."""
    for number, status, flags, meta, body in items:
        payload += struct.pack("<QHHII", number, status, flags, len(meta), len(body)) + meta + body
    return struct.pack("<IBBHQ", len(payload), kind, 0, len(items), nonce) + payload


def task(body, headers=b'{"task": "t", "id": "i", "eta": null, "timelimit": [2, 1], "retries": 0}'):
    """A task as it lies on a queue."""
    return (
        b'{"body": "' + base64.b64encode(body) + b'", "content-type": "application/json", "headers": ' + headers
        + b', "properties": {"body_encoding": "base64", "delivery_tag": "d", "priority": 3, "delivery_info": '
        b'{"exchange": "", "routing_key": "q"}}}'
    )


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
    "HeaderFuzz": [
        b"Accept: */*\r\nCookie: a=b\r\ncookie: c\r\nX-Y:  z \t",
        b"Connection: x-hop, close\r\nX-Hop: 1\r\nAuthorization: Bearer x",
    ],
    "ForwardFuzz": [
        b"9.9.9.9, 198.51.100.8", b"203.0.113.9\n10.0.0.1,  fd00::1", b"unknown, [::1]:443, _x",
        b", ,,\n \n127.0.0.1",
    ],
    "WorkerFrameFuzz": [
        frame(65, payload=b'{"protocol":1,"apis":[]}') + frame(70, nonce=7),
        frame(67, (1, 200, 0, b"", b'{"output":1}'), (2, 404, 0, b'{"type":"a/b","headers":[["X-A","\\u00e9"]]}', b"no")),
        frame(68, (3, 0, 0, b'{"status":200,"length":9,"x":{"y":[null,-1.5]}}', b"first")) + frame(68, (3, 1, 1, b"", b"last")),
        frame(69, (4, 500, 0, b'{"code":"failed","scope":"batch"}', b"")) + frame(71, (5, 0, 0, b"{}", b"")),
        frame(67, (6, 200, 4, b"", struct.pack("<QQI", 16, 240, 3))) + frame(67, (7, 200, 4, b"{}", struct.pack("<QQI", 255, 1, 4))),
        struct.pack("<IBBHQQHHII", 40, 75, 0, 2, 0, 4096, 0, 0, 7, 0) + struct.pack("<QHHII", 0, 0, 0, 8, 0),
        frame(72, payload=b'{"level":"info","message":"m","fields":{}}') + frame(74, payload=b'{"max_batch":8}'),
    ],
    "TensorFuzz": [
        b'\xff{"inputs":[{"name":"x","datatype":"FP32","shape":[2,2],"data":[[1,2.5e3],[-0,4]]}],"outputs":[{"name":"y"}]}',
        b'\x06{"inputs":[{"name":"x","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":5}}]     }\x01\0\0\0a',
        b'{"output":[[1,2],[3,4.5]],"label":["a","\\u00e9"],"ok":true,"more":{"a":[null]},"none":[[],[]]}',
    ],
    "LineFuzz": [b"\x04one\ntwo, which is long\r\n\n", b"\x1f\xc3\xa9 without an end"],
    "DeskFuzz": [
        b'{"action":"drain","pool":"main","url":"http://a:8000"}',
        b'{"action":"add","pool":"p","url":"https://[::1]","version":"2"}',
        b"http://user@host:99999/x", b"remove",
    ],
    "TextFuzz": [b"90", b"0.5", b"250ms", b"1.5h", b"30s", b"64KiB", b"16m", b"512", b'a "b" \\ \n\x00\xe2\x80\xa8'],
    "CeleryFuzz": [
        task(b'[[1, "a"], {"k": null}, {"callbacks": [{"task": "c", "args": [1], "options": {"queue": "q"}}], "chain": '
             b'[{"task": "b", "immutable": true}], "chord": null, "errbacks": null}]'),
        task(b'[[], {}, {"chain": [{"task": "celery.chord", "subtask_type": "chord", "options": {"task_id": "g"}, '
             b'"kwargs": {"header": [{"task": "a"}, {"task": "celery.group", "subtask_type": "group", "kwargs": '
             b'{"tasks": [{"task": "b"}]}}], "body": {"task": "s", "options": {"link": [{"task": "l"}]}}}}]}]'),
        task(b'{"task": "t", "id": "i", "args": [1], "taskset": "g", "retries": 1}', headers=b"{}"),
        b'{"status": "FAILURE", "result": {"exc_type": "E", "exc_message": ["x"], "exc_module": "m"}, "children": '
        b'[[["a", null], [[["b", null], null]]]], "task_id": "x"}',
        b'{"body": "{\\"method\\": \\"ping\\", \\"pattern\\": \\"w*\\", \\"matcher\\": \\"glob\\"}", "properties": {}}',
        b"*3\r\n$5\r\nLPUSH\r\n$1\r\nq\r\n$2\r\n{}\r\nPING\r\n",
    ],
    "AddressFuzz": [
        b"http://a:8000/health?x", b"https://[::1]:443/", b"10.0.0.0/8", b"fd00::/8", b"::ffff:10.0.0.1/104", b"127.0.0.1",
    ],
}


def main():
    folder = pathlib.Path(sys.argv[1])
    cases = [case for case in corpus.cases() if len(case.data) < 4096]
    chunked = [case.data for case in cases if b"Transfer-Encoding: chunked\r\n\r\n" in case.data]
    answers = [b"\x00" + case.data for case in corpus.read(HERE.parent / "Hostile" / "answers.txt")]
    page = (HERE.parent.parent / "docs" / "configuration.md").read_text(encoding="utf-8")
    seeds = SEEDS | {
        "RequestFuzz": [case.data for case in cases],
        "ChunkFuzz": [data.split(HEAD_END, 1)[1] for data in chunked],
        "ConfigurationFuzz": [block.encode() for block in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)],
    }
    seeds["ResponseFuzz"] = seeds["ResponseFuzz"] + [data for data in answers if len(data) < 4096]
    paused = b"\x00HTTP/1.1 429 Too Many\r\nRetry-After: 17\r\nContent-Length: 0\r\n\r\n"
    seeds["ReplyFuzz"] = seeds["ResponseFuzz"] + [paused]
    for target, inputs in seeds.items():
        (folder / target).mkdir(parents=True, exist_ok=True)
        for number, data in enumerate(inputs):
            (folder / target / f"seed-{number:03}").write_bytes(data)


main()
