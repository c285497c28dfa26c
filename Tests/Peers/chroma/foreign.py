"""Martlet's knowledge on a real Chroma server, read by the client that Chroma ships.

    python foreign.py [CHECK]...
    python foreign.py -- COMMAND...

The Python is one with the packages of requirements.txt, MARTLET_TEST_BINARY names the binary. With a command, that runs
in place of the checks, with the address of a fresh Chroma server in MARTLET_TEST_CHROMA: so the engines' own tests do
(`EngineTests` and those beside it).
"""

import contextlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Clients"))

import chromadb  # noqa: E402
from support import HOME, Child, Martlet, eventually, main  # noqa: E402

BASE = "handbook"
FILES = {
    "年假.md": "# 年假\n\n员工每年享有十五天带薪年假，未休完的年假可以结转到次年三月。\n",
    "报销.md": "# 报销\n\n发票须在三十天内提交，出租车费只在二十二点以后报销。\n",
    "office.md": "# Office\n\nThe office opens at eight and closes at six. Visitors sign in at the desk.\n",
}


class Chroma(Child):
    """A server with a folder of its own."""

    def __init__(self, folder: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        program = pathlib.Path(sys.executable).parent / "chroma"
        super().__init__(
            [program, "run", "--path", folder, "--host", "127.0.0.1", "--port", self.port],
            {"CHROMA_ANONYMIZED_TELEMETRY": "false"})
        self.url = f"http://127.0.0.1:{self.port}"

    def client(self):
        settings = chromadb.config.Settings(anonymized_telemetry=False)
        return chromadb.HttpClient(host="127.0.0.1", port=self.port, settings=settings)

    def is_up(self) -> bool:
        assert self.process.poll() is None, f"Chroma ended: {self.text('stderr')[-2000:]}"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0


@contextlib.contextmanager
def chroma():
    with tempfile.TemporaryDirectory() as folder, Chroma(folder) as server:
        eventually(server.is_up, 30, "Chroma listens")
        yield server


class Node:
    """A Martlet with its knowledge there."""

    def __init__(self, url: str):
        self.url = url

    def ask(self, method: str, path: str, body: dict | bytes | None = None):
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        headers = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + urllib.parse.quote(path), data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def fill(self) -> None:
        self.ask("POST", "/knowledge", {"name": BASE})
        for name, text in FILES.items():
            self.put(name, text)

    def put(self, name: str, text: str) -> None:
        self.ask("PUT", f"/knowledge/{BASE}/documents/{name}", text.encode())

    def text(self, name: str) -> str:
        return self.ask("GET", f"/knowledge/{BASE}/documents/{name}/text")["text"]

    def nearest(self, question: str) -> str:
        found = self.ask("POST", f"/knowledge/{BASE}/search", {"query": question, "limit": 1})
        return found["passages"][0]["text"]


@contextlib.contextmanager
def node(server: Chroma):
    with tempfile.TemporaryDirectory() as folder:
        configuration = (
            "pools: {none: {targets: ['http://127.0.0.1:9']}}\nroutes: [{path: /none, pool: none}]\n"
            f"knowledge: {{store: {{chroma: '{server.url}'}}, weights: {HOME}/.martlet/encoders}}\n")
        # Copies of files that it gives out are kept below the folder it is started in.
        os.chdir(folder)
        try:
            with Martlet(configuration) as martlet:
                yield Node(martlet.url)
        finally:
            os.chdir(HERE)


@contextlib.contextmanager
def filled():
    """(the server's client, a node that has filled a base)"""
    with chroma() as server, node(server) as martlet:
        martlet.fill()
        yield server.client(), martlet


def collection(client, kind: str):
    """The one of Martlet's that is of this kind. No function embeds in it: Martlet has done so."""
    found = [one for one in client.list_collections() if (one.metadata or {}).get("martlet") == kind]
    assert len(found) == 1, f"one collection of {kind}: {found}"
    return client.get_collection(found[0].name, embedding_function=None)


def names(client) -> set:
    return {one.name for one in client.list_collections()}


# MARK: What Martlet has written


def check_collections_say_what_they_are() -> None:
    with filled() as (client, _):
        documents, vectors, ledger = (collection(client, kind) for kind in ("documents", "vectors", "ledger"))
        assert documents.metadata["base"] == BASE, documents.metadata
        assert ledger.name == "martlet-ledger" and names(client) == {documents.name, vectors.name, ledger.name}
        assert ledger.count() == 1 + len(FILES), "a line for each change"


def check_chunks_are_there_with_text_place_and_vector() -> None:
    with filled() as (client, martlet):
        vectors = collection(client, "vectors")
        bases = martlet.ask("GET", "/knowledge")["bases"]
        assert vectors.count() == next(base["chunks"] for base in bases if base["name"] == BASE) == len(FILES)
        found = vectors.get(include=["metadatas", "embeddings"])
        texts = {name: martlet.text(name) for name in FILES}
        for metadata, vector in zip(found["metadatas"], found["embeddings"], strict=True):
            places = [text[metadata["low"]:metadata["high"]] for text in texts.values()]
            assert metadata["text"] in places, (metadata, places)
            assert abs(sum(value * value for value in vector) - 1) < 1e-4, "vectors are of length 1"
        # A filter on the terms, which the server has an index of.
        leave = vectors.get(where={"words": {"$contains": "年假"}})
        assert ["十五天带薪年假" in metadata["text"] for metadata in leave["metadatas"]] == [True], leave


def check_a_vector_has_the_same_nearest_chunk_here_and_there() -> None:
    with filled() as (client, martlet):
        vectors = collection(client, "vectors")
        found = vectors.get(include=["metadatas", "embeddings"])
        for key, metadata, vector in zip(found["ids"], found["metadatas"], found["embeddings"], strict=True):
            near = vectors.query(query_embeddings=[vector], n_results=2, include=["metadatas", "distances"])
            assert near["ids"][0][0] == key and near["distances"][0][0] < near["distances"][0][1], near
            assert martlet.nearest(metadata["text"]) == metadata["text"]


# MARK: What others have there


def check_collections_of_others_are_left_alone() -> None:
    with filled() as (client, martlet):
        # The second one's name begins as Martlet's do.
        for name in ("notes", "martlet-notes"):
            client.create_collection(name, metadata={"made": 1, "owner": "somebody"}, embedding_function=None).add(
                ids=["1", "2"], embeddings=[[1.0, 0.0], [0.0, 1.0]], documents=["年假", "notes"],
                metadatas=[{"n": 1}, {"n": 2}])
        before = [client.get_collection(name, embedding_function=None).get() for name in ("notes", "martlet-notes")]
        martlet.put("office.md", FILES["office.md"].replace("eight", "nine"))
        martlet.ask("DELETE", f"/knowledge/{BASE}/documents/年假.md")
        assert [base["name"] for base in martlet.ask("GET", "/knowledge")["bases"]] == [BASE]
        assert "nine" in martlet.nearest("When does the office open?")
        martlet.ask("DELETE", f"/knowledge/{BASE}")
        assert names(client) == {"martlet-ledger", "notes", "martlet-notes"}, "only what was Martlet's is gone"
        after = [client.get_collection(name, embedding_function=None).get() for name in ("notes", "martlet-notes")]
        assert after == before, after


def check_what_is_deleted_is_on_the_server_no_more() -> None:
    with filled() as (client, martlet):
        vectors = collection(client, "vectors")
        martlet.ask("DELETE", f"/knowledge/{BASE}/documents/年假.md")
        assert not [text for one in vectors.get()["metadatas"] if "年假" in (text := one["text"])]
        texts = collection(client, "documents").get()["metadatas"]
        assert not [one for one in texts if "带薪年假" in json.dumps(one, ensure_ascii=False)]


def check_another_node_goes_on_where_the_first_has_ended() -> None:
    with chroma() as server:
        with node(server) as first:
            first.fill()
        with node(server) as second:
            assert "十五天" in second.nearest("员工一年有几天年假？")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--"]:
        with chroma() as place:
            ended = subprocess.run(sys.argv[2:], env={**os.environ, "MARTLET_TEST_CHROMA": place.url})
        sys.exit(ended.returncode)
    main(globals())
