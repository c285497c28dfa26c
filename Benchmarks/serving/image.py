"""LitServe's comparison with FastAPI, its method on a model that installs from a package: random JPEGs as base64 in JSON,
50 requests at once, twelve times, the first two left out. And what serving adds for one client at a time.
"""

import base64
import concurrent.futures
import http.client
import json
import random
import re
import socket
import statistics
import subprocess
import time

from load import verdict

from . import stage

AT_ONCE, ROUNDS, WARM_UP = 50, 12, 2
ALONE = 40
# The bare model, in a process of its own, timed request by request.
BARE = """
import sys, time, json
sys.path.insert(0, sys.argv[1])
import image
api = image.Classifier()
api.setup("cpu")
for line in sys.stdin:
    began = time.perf_counter()
    json.dumps(api.encode_response(api.predict(api.decode_request(json.loads(line)))))
    print(time.perf_counter() - began, flush=True)
"""


def measure(bench, options):
    bodies = pictures()
    rounds = 3 if options.quick else ROUNDS
    found = {side: [] for side in ("martlet", "litserve")}
    for side in stage.turns(list(found), 1 if options.quick else 2):
        with stage.serve(bench, side, "image") as server:
            found[side] += [crowd(server.port, bodies) for _ in range(rounds)][WARM_UP:]
    ours, theirs = (statistics.median(found[side]) for side in found)
    added, bare = alone(bench, bodies, 5 if options.quick else ALONE)
    return [
        verdict.row(
            f"image model, 1 worker, {AT_ONCE} requests at once", "≥ LitServe",
            f"{ours:.1f}/s, LitServe {theirs:.1f}/s: {ours / theirs:.2f} ×", ours >= theirs),
        verdict.at_most(
            f"image model: added to the bare model's {bare * 1000:.1f} ms, p50", "ms", added * 1000, 1, digits=2),
    ], {"requests_per_second": found, "bare_p50_seconds": bare, "added_p50_seconds": added}


def pictures():
    """Request bodies: noise, as there. The same for every run."""
    script = (
        "import io,sys,base64,json,numpy as np; from PIL import Image; r=np.random.default_rng(1)\n"
        "for _ in range(2):\n"
        "    f=io.BytesIO(); Image.fromarray(r.integers(0,255,(224,224,3),dtype=np.uint8)).save(f,'JPEG')\n"
        "    print(json.dumps({'image_data': base64.b64encode(f.getvalue()).decode()}))\n")
    return subprocess.run(
        [str(stage.PYTHON), "-c", script], capture_output=True, text=True, check=True).stdout.splitlines()


def crowd(port, bodies):
    """Requests per second."""
    def one(number):
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        try:
            return ask(connection, bodies[number % len(bodies)])
        finally:
            connection.close()
    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, range(AT_ONCE)))
    return AT_ONCE / (time.perf_counter() - began)


def ask(connection, body):
    connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    text = answer.read()
    if answer.status != 200 or len(json.loads(text)["scores"]) != 2:
        raise SystemExit(f"status {answer.status}: {text[:200]}")


class Line:
    """A kept connection that costs the client next to nothing: what is measured is what serving adds, and not
    what Python's HTTP client does."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    @staticmethod
    def request(body):
        head = f"POST /predict HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        return f"{head}\r\n\r\n{body}".encode()

    def ask(self, request):
        self.socket.sendall(request)
        answer = b""
        while True:
            part = self.socket.recv(65536)
            if not part:
                raise SystemExit("the server closed the connection")
            answer += part
            head, end, body = answer.partition(b"\r\n\r\n")
            if end and len(body) >= int(re.search(rb"(?i)content-length: (\d+)", head)[1]):
                break
        return answer

    def close(self):
        self.socket.close()


def alone(bench, bodies, count):
    """(median of what serving adds, median of the bare model), request by request in turn."""
    bare = subprocess.Popen(
        [str(stage.PYTHON), "-c", BARE, str(stage.HERE / "models")], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True)
    try:
        with stage.serve(bench, "martlet", "image") as server:
            line = Line(server.port)
            times, added = [], []
            for number in range(count + 5):
                body = random.Random(number).choice(bodies)
                bare.stdin.write(body + "\n")
                bare.stdin.flush()
                alone = float(bare.stdout.readline())
                request = line.request(body)
                began = time.perf_counter()
                answer = line.ask(request)
                took = time.perf_counter() - began
                if not answer.startswith(b"HTTP/1.1 200 ") or b'"scores"' not in answer:
                    raise SystemExit(f"answered: {answer[:300]}")
                if number >= 5:
                    times.append(alone)
                    added.append(took - alone)
            line.close()
        return statistics.median(added), statistics.median(times)
    finally:
        bare.stdin.close()
        bare.wait(10)
