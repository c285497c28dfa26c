#!/usr/bin/python3
"""A worker without the SDK, that breaks the protocol in the way that $MODE says once it has a request."""
import array
import json
import mmap
import os
import socket
import struct
import sys
import time

RESULT, CHUNK, CANCELLED, READY, LOG, PROGRESS, RELEASED = 67, 68, 71, 65, 72, 66, 75
EXEC, CANCEL = 2, 3
mode = os.environ.get("MODE", "")
sock = socket.socket(fileno=os.dup(0))
rest = b""


def note(*words):
    with open(os.environ["NOTES"], "ab", buffering=0) as file:
        file.write((" ".join(map(str, words)) + "\n").encode())


def control(type, value):
    payload = json.dumps(value).encode()
    sock.sendall(struct.pack("<IBBHQ", len(payload), type, 0, 0, 0) + payload)


def item(type, id, body, status=0, flags=0, meta=b""):
    payload = struct.pack("<QHHII", id, status, flags, len(meta), len(body)) + meta + body
    sock.sendall(struct.pack("<IBBHQ", len(payload), type, 0, 1, 0) + payload)


def frame():
    global rest
    while len(rest) < 16 or len(rest) < 16 + struct.unpack_from("<I", rest)[0]:
        received = sock.recv(1 << 20)
        if not received:
            sys.exit(0)
        rest += received
    length, type, _, count, _ = struct.unpack_from("<IBBHQ", rest)
    payload, rest = rest[16 : 16 + length], rest[16 + length :]
    return type, count, payload


def first():
    """HELLO, and the memory that comes with it."""
    global rest
    rest, passed, _, _ = sock.recvmsg(1 << 16, socket.CMSG_SPACE(4))
    memory = array.array("i", passed[0][2]) if passed else [None]
    return *frame(), memory[0]


def shared(id, offset, length, generation=1):
    item(RESULT, id, struct.pack("<QQI", offset, length, generation), status=200, flags=4)


def ids(count, payload):
    at = 0
    for _ in range(count):
        id, _, _, meta, body = struct.unpack_from("<QHHII", payload, at)
        at += 20 + meta + body
        yield id


def answer(id):
    if mode == "garbage":
        sock.sendall(b"Traceback (most recent call last):\n" * 100)
    elif mode == "huge":
        sock.sendall(struct.pack("<IBBHQ", 1 << 31, RESULT, 0, 1, 0))
    elif mode == "closes":
        sock.shutdown(socket.SHUT_RDWR)
        time.sleep(60)
    elif mode == "answer and garbage":
        body = b'"whole"'
        payload = struct.pack("<QHHII", id, 200, 0, 0, len(body)) + body
        sock.sendall(struct.pack("<IBBHQ", len(payload), RESULT, 0, 1, 0) + payload + b"Traceback (most recent")
    elif mode == "gives up":
        item(CANCELLED, id, b"")
    elif mode == "bad first chunk":
        item(CHUNK, id, b"x", meta=b'{"headers": [["x", "a\\r\\nset-cookie: b"]]}')
    elif mode == "chunk and answer":
        item(CHUNK, id, b"12345678", meta=b'{"length": 8}')
        item(RESULT, id, b"HTTP/1.1 200 OK and more", status=200)
    elif mode == "twice":
        for body in (b'"first"', b'"second"'):
            item(RESULT, id, body, status=200)
    elif mode == "strangers":
        for other in (0, id + 1, id + 1000, (1 << 64) - 1):
            item(RESULT, other, b'"not yours"', status=200)
        item(RESULT, id, b'"yours"', status=200)
    elif mode == "bad meta":
        item(RESULT, id, b"{}", status=200, meta=b'{"headers": [["x", "a\\r\\nset-cookie: b"]]}')
    elif mode == "bad status":
        item(RESULT, id, b"{}", status=99)
    elif mode == "chunk after last":
        item(CHUNK, id, b"whole", flags=1)
        item(CHUNK, id, b"more", status=1, flags=1)
    elif mode == "short":
        item(CHUNK, id, b"too short", flags=1, meta=b'{"length": 1000}')
    elif mode == "long":
        item(CHUNK, id, b"HTTP/1.1 200 OK and more than it said", flags=1, meta=b'{"length": 8}')
    elif mode == "shared":
        memory[half : half + 8] = b'"shared"'
        shared(id, half, 8)
    elif mode == "shared, cut off":
        for size in (0, 1 << 30):
            try:
                os.ftruncate(descriptor, size)
            except PermissionError:
                note("refused")
        memory[half : half + (1 << 20)] = b"x" * (1 << 20)
        shared(id, half, 1 << 20)
    elif mode == "shared, written after":
        memory[half : half + (1 << 20)] = b"x" * (1 << 20)
        shared(id, half, 1 << 20)
        for letter in b"abcdefghijklmnopqrstuvwxyz" * 40:
            memory[half : half + (1 << 20)] = bytes([letter]) * (1 << 20)
    elif mode == "shared, outside":
        shared(id, half - 1, 8)
    elif mode == "shared, beyond":
        shared(id, 2 * half - 4, 8)
    elif mode == "shared, far beyond":
        shared(id, (1 << 64) - 4, 8)
    elif mode == "shared, unasked releases":
        for number in range(2000):
            item(RELEASED, number * 4096, b"", status=0)
        item(RESULT, id, b'"released"', status=200)
    elif mode == "flood":
        sock.settimeout(2)
        for number in range(20_000):
            item(CHUNK, id, b"x" * 60_000, status=number % 65536)
            note("sent", number)
    elif mode == "log flood":
        for number in range(30_000):
            control(LOG, {"level": "info", "message": f"line {number} " + "x" * 200})
        item(RESULT, id, b'"logged"', status=200)
    elif mode != "silent":
        item(RESULT, id, json.dumps(mode).encode(), status=200)


type, count, payload, descriptor = first()
hello = json.loads(payload)
half = hello.get("shm", 0)
memory = mmap.mmap(descriptor, 2 * half) if descriptor is not None else None
if hello["purpose"] == "serve" and mode == "slow start":
    for number in range(8):
        control(PROGRESS, {"message": f"layer {number}"})
        time.sleep(0.15)
version = str(os.getpid()) if mode == "versions" and hello["purpose"] == "serve" else "1"
api = {"path": "/predict", "stream": mode == "flood", "authorizes": mode == "authorizes"}
if mode == "great numbers":
    great = (1 << 63) - 1
    api.update(max_batch=great, concurrent=great, batch_timeout_ms=1e300, timeout_ms=1e300)
control(READY, {"protocol": 1, "version": version, "apis": [api], "shm": mode.startswith("shared")})
while True:
    type, count, payload = frame()
    if type == EXEC:
        for id in ids(count, payload):
            note("exec", id)
            answer(id)
    elif type == CANCEL:
        note("cancel", payload.decode())
        if mode == "bad first chunk":
            for id in json.loads(payload)["ids"]:
                item(CANCELLED, id, b"")
