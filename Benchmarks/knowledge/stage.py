"""A server with `knowledge:` and a model behind it, started from the release binary; and what talks to them."""

import contextlib
import http.client
import json
import os
import pathlib
import sys
import time
import urllib.parse

import harness
import ledger
from load import stage as load_stage

HERE = pathlib.Path(__file__).resolve().parent
# Where the launcher installs encoders and texts.
HOME = pathlib.Path(os.environ.get("MARTLET_HOME", harness.HERE.parent))
BASE = "bench"

POOL = """
pools:
  chat: {{targets: [{{url: "http://127.0.0.1:{port}", max_inflight: {slots}}}], health: off, keepalive: {{idle: 1s}}}}
models: {{stub: {{pool: chat}}}}
"""


class KnowledgeServer(load_stage.Gateway):
    """The process under test."""

    def wait_until_serving(self, seconds=60):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            with contextlib.suppress(OSError), Client(self.port) as client:
                if client.ask("GET", "/knowledge")[0] == 200:
                    return self
            time.sleep(0.05)
        raise SystemExit(f"{self.name} does not serve; it said:\n{pathlib.Path(self.log).read_text()[-3000:]}")

    def peak(self):
        """The most memory it had at a time, MiB; None where the kernel does not say."""
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
        return None

    def client(self):
        return Client(self.port)


class Client:
    """One connection, kept. A request that fails is not tried again."""

    def __init__(self, port, timeout=600):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def ask(self, method, path, value=None, fields=None):
        """The status and what the JSON of the answer says."""
        body = value if isinstance(value, (bytes, type(None))) else json.dumps(value).encode()
        self.connection.request(method, path, body, fields or {"content-type": "application/json"})
        answer = self.connection.getresponse()
        text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text.decode(errors="replace")

    def must(self, method, path, value=None, fields=None):
        status, found = self.ask(method, path, value, fields)
        if status >= 300:
            raise SystemExit(f"{method} {path}: {status} {str(found)[:500]}")
        return found

    def create(self, base=BASE):
        return self.must("POST", "/knowledge", {"name": base})

    def put(self, name, data, base=BASE):
        """One document, whole."""
        return self.must(
            "PUT", f"/knowledge/{base}/documents/{urllib.parse.quote(name)}", data,
            {"content-type": "application/octet-stream"})

    def upload(self, files, base=BASE, **settings):
        """A form of {name: bytes}: what was added, and what failed."""
        border = "martlet-bench-border"
        parts = [
            f'--{border}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
            for name, value in settings.items()]
        for name, data in files.items():
            parts.append(
                f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n".encode() + data + b"\r\n")
        body = b"".join(parts) + f"--{border}--\r\n".encode()
        return self.must(
            "POST", f"/knowledge/{base}/documents", body, {"content-type": f"multipart/form-data; boundary={border}"})

    def search(self, query, limit=3, base=BASE):
        return self.must("POST", f"/knowledge/{base}/search", {"query": query, "limit": limit})["passages"]

    def answer(self, question, base=BASE, **settings):
        return self.must("POST", f"/knowledge/{base}/ask", {"question": question, "stream": False, **settings})

    def documents(self, base=BASE):
        found, first = [], 0
        while first is not None:
            page = self.must("GET", f"/knowledge/{base}/documents?limit=1000&next={first}")
            found += page["documents"]
            first = page["next"]
        return found


def serve(bench, model=None, slots=64, **settings):
    """Starts a server with an empty store. `model`: the stub that answers. `settings`: of `knowledge:`."""
    port, console = harness.free_port(), harness.free_port()
    folder = bench.directory / f"knowledge-{port}"
    values = {"store": str(folder), "weights": str(HOME / ".martlet/encoders"), **settings}
    body = ""
    if model:
        values["chat"] = "stub"
        body = POOL.format(port=model.port, slots=slots)
    path = bench.directory / f"{port}-martlet.yaml"
    path.write_text(
        load_stage.CONFIGURATION.format(port=port, console=console, body=body)
        + f"knowledge: {json.dumps(values)}\n")
    server = bench.start("martlet-knowledge", [bench.binary, "up", str(path)], port, kind=KnowledgeServer)
    server.console = console
    return server


def stub(bench, *arguments):
    """A model of a few lines, on a port of its own."""
    port = harness.free_port()
    return bench.start("stub", [sys.executable, str(HERE / "stub.py"), str(port), *map(str, arguments)], port)


def said_by(model):
    return json.loads(ledger.get(model.port, "/stats"))


def under_way(server):
    """Answers that are being made, and requests that are at a model."""
    page = server.metrics()
    names = ("knowledge_answers_under_way", "in_flight")
    return {name: ledger.total(page.get(f"martlet_{name}", [])) for name in names}


def settled(server, model, files=None):
    """Whether nothing is under way, at the server and at the model, and no more descriptors are open than `files`."""
    def holds():
        # The connection that asks for metrics is a descriptor, too.
        is_closed = files is None or server.files() <= files
        return is_closed and not any(under_way(server).values()) and not said_by(model)["active"]
    quiet = load_stage.wait_until("quiet", holds, 10)
    time.sleep(0.3)
    return quiet
