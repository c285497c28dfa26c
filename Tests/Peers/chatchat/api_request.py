"""Chatchat's own client before Martlet: the same checks pass before a real Langchain-Chatchat server.

    python api_request.py [--peer] [CHECK]...

The Python is one with the packages of ../requirements.txt, MARTLET_TEST_BINARY names the binary. `ApiRequest` is what
Chatchat's web pages and its tests/api ask with, and where its pages chat they use the openai client; both are its own.
What tests/api asks is asked here in its order, with its texts; it takes names where lists have been objects for years.
With --peer a Chatchat server is asked in Martlet's place. The chat model is a mock, in both cases.
"""

import contextlib
import importlib.util
import json
import os
import pathlib
import socket
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Clients"))
# Chatchat's client looks for settings in a folder, and makes them where there are none.
SETTINGS = tempfile.TemporaryDirectory()
os.environ["CHATCHAT_ROOT"] = SETTINGS.name
PEER = "--peer" in sys.argv
if PEER:
    # It names its own default embedding for new bases, and a Chatchat server must have that. Martlet needs not.
    (pathlib.Path(SETTINGS.name) / "model_settings.yaml").write_text(
        "DEFAULT_EMBEDDING_MODEL: e5\nMODEL_PLATFORMS:\n  - {platform_name: a, platform_type: xinference, "
        "auto_detect_model: false, api_base_url: 'http://127.0.0.1:1/v1', embed_models: [e5], llm_models: [smollm2]}\n")

import httpx  # noqa: E402
import openai  # noqa: E402
from support import HOME, MODEL_PYTHON, Martlet, Mock, eventually, main  # noqa: E402

from chatchat.webui_pages.utils import ApiRequest  # noqa: E402

KB = "kb_for_api_test"
FILES = {
    "年假.md": "# 年假\n\n员工每年享有十五天带薪年假，未休完的年假可以结转到次年三月。\n",
    "报销.md": "# 报销\n\n发票须在三十天内提交，出租车费只在二十二点以后报销。\n",
    "office.md": "# Office\n\nThe office opens at eight and closes at six. Visitors sign in at the desk.\n",
}
QUESTION = "员工一年有几天年假？"
TOP_K = 3


class Server:
    """Whoever is asked."""

    def __init__(self, url: str):
        self.url = url
        self.api = ApiRequest(url)

    def post(self, path: str, body, **options) -> httpx.Response:
        return httpx.post(self.url + path, json=body, timeout=60, **options)

    def chat(self, path: str) -> openai.OpenAI:
        """As the web pages make it."""
        return openai.Client(base_url=f"{self.url}{path}", api_key="NONE")

    def filled(self) -> None:
        assert self.api.create_knowledge_base(KB)["code"] == 200
        told = self.api.upload_kb_docs(paths(self.files()), KB, override=True)
        assert told["code"] == 200 and told["data"]["failed_files"] == {}, told

    def files(self) -> pathlib.Path:
        folder = pathlib.Path(SETTINGS.name) / "uploads"
        folder.mkdir(exist_ok=True)
        for name, text in FILES.items():
            (folder / name).write_text(text)
        return folder


def paths(folder: pathlib.Path) -> list:
    return [str(folder / name) for name in FILES]


def models(mock: str) -> str:
    return (
        f"pools:\n  smollm2: {{targets: [{mock}]}}\n"
        f'  e5: {{targets: [{{backend: e5}}]}}\n'
        f'backends:\n  e5: {{command: [{MODEL_PYTHON}, {HOME}/models/e5.py, --port, "{{port}}"]}}\n'
        "models: {smollm2: {pool: smollm2}, e5: {pool: e5}}\n"
    )


@contextlib.contextmanager
def martlet():
    with tempfile.TemporaryDirectory() as folder, Mock("--tokens", "8") as mock:
        configuration = (
            f"pools: {{smollm2: {{targets: [{mock.url}]}}}}\nmodels: {{smollm2: {{pool: smollm2}}}}\n"
            f"knowledge:\n  store: {folder}/knowledge\n  weights: {HOME}/.martlet/encoders\n  chat: smollm2\n"
            "  compatibility: chatchat\n"
        )
        with Martlet(configuration) as server:
            yield Server(server.wait_for("smollm2").url)


@contextlib.contextmanager
def chatchat():
    # The name is its own package's here.
    place = importlib.util.spec_from_file_location("two_servers", HERE.parent / "chatchat.py")
    peers = importlib.util.module_from_spec(place)
    sys.modules["two_servers"] = peers
    place.loader.exec_module(peers)
    with tempfile.TemporaryDirectory() as name, Mock("--tokens", "8") as mock, Martlet(models(mock.url)) as gateway:
        root = pathlib.Path(name)
        shared = peers.prepare(root, sys.executable)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        url = gateway.wait_for("smollm2", "e5").url
        with peers.Chatchat(sys.executable, port, root / "server", shared, url) as server:
            eventually(lambda: server.is_up, 50, "Chatchat listens")
            yield Server(f"http://127.0.0.1:{port}")


def fresh() -> Server:
    """The server that all checks share, without what former ones left."""
    SERVER.api.delete_knowledge_base(KB)
    return SERVER


def ours_only(chatchat: str):
    """For what Chatchat 0.3.1.3 does not do itself, with the packages of today; said what it does."""

    def chosen(check):
        return check if not PEER else lambda: print(f"left out: Chatchat {chatchat}")

    return chosen


def found(server: Server, query: str = QUESTION, **options) -> list:
    return server.api.search_kb_docs(KB, query=query, **options)


# MARK: tests/api/test_kb_api_request.py, in its order


def check_bases_are_made_listed_and_removed() -> None:
    server = fresh()
    api = server.api
    blank = api.create_knowledge_base(" ")
    assert (blank["code"], blank["msg"]) == (404, "知识库名称不能为空，请重新填写知识库名称"), blank
    made = api.create_knowledge_base(KB)
    assert (made["code"], made["msg"]) == (200, f"已新增知识库 {KB}"), made
    again = api.create_knowledge_base(KB)
    assert (again["code"], again["msg"]) == (404, f"已存在同名知识库 {KB}"), again
    hostile = api.create_knowledge_base("../x")
    assert (hostile["code"], hostile["msg"]) == (403, "Don't attack me"), hostile
    listed = {base["kb_name"]: base for base in api.list_knowledge_bases()}
    assert {"kb_info", "vs_type", "embed_model", "file_count", "create_time"} <= set(listed[KB]), listed
    told = api.update_kb_info(KB, "员工手册")
    assert told["code"] == 200 and told["data"]["kb_info"] == "员工手册", told
    assert api.delete_knowledge_base(KB)["code"] == 200
    assert KB not in [base["kb_name"] for base in api.list_knowledge_bases()]
    assert api.delete_knowledge_base(KB)["code"] == 404


def check_files_are_uploaded_updated_and_deleted() -> None:
    server = fresh()
    api, folder = server.api, server.files()
    server.filled()
    told = api.upload_kb_docs(paths(folder), KB, override=False)
    assert told["code"] == 200 and set(told["data"]["failed_files"]) == set(FILES), told
    listed = {file["file_name"]: file for file in api.list_kb_docs(KB)}
    assert set(listed) == set(FILES) and all(file["docs_count"] > 0 for file in listed.values()), listed
    assert not any(file["custom_docs"] for file in listed.values()), listed
    assert len(found(server)) == TOP_K
    told = api.update_kb_docs(KB, list(FILES))
    assert told["code"] == 200 and told["data"]["failed_files"] == {}, told
    assert len(found(server)) == TOP_K


def check_what_is_deleted_is_not_found() -> None:
    server = fresh()
    server.filled()
    assert server.api.update_kb_docs(KB, list(FILES))["data"]["failed_files"] == {}
    told = server.api.delete_kb_docs(KB, ["年假.md"])
    assert told["code"] == 200 and told["data"]["failed_files"] == {}, told
    texts = [document["page_content"] for document in found(server)]
    assert len(texts) == TOP_K - 1 and not any("年假" in text for text in texts), texts


@ours_only("answers HTTP 500 where nothing is left to be found")
def check_nothing_is_found_where_nothing_is_left() -> None:
    server = fresh()
    server.filled()
    assert server.api.delete_kb_docs(KB, list(FILES))["data"]["failed_files"] == {}
    assert found(server) == []


@ours_only("answers HTTP 500 to chunks made by hand")
def check_chunks_are_given_by_hand_and_read_anew() -> None:
    server = fresh()
    api, folder = server.api, server.files()
    server.filled()
    custom = {"年假.md": [{"page_content": "custom docs", "metadata": {}}]}
    told = api.upload_kb_docs(paths(folder), KB, override=True, docs=custom)
    assert told["code"] == 200 and told["data"]["failed_files"] == {}, told
    assert [file["file_name"] for file in api.list_kb_docs(KB) if file["custom_docs"]] == ["年假.md"]
    assert "custom docs" in [document["page_content"] for document in found(server, "custom docs")]
    told = api.update_kb_docs(KB, list(FILES), override_custom_docs=True)
    assert told["code"] == 200 and told["data"]["failed_files"] == {}, told
    texts = [document["page_content"] for document in found(server)]
    assert any("十五天带薪年假" in text for text in texts) and "custom docs" not in texts, texts


def check_a_base_is_made_anew_from_the_files_that_are_kept() -> None:
    server = fresh()
    server.filled()
    assert server.api.delete_kb_docs(KB, ["年假.md"], delete_content=False)["code"] == 200
    assert len(found(server)) == TOP_K - 1
    events = list(server.api.recreate_vector_store(KB))
    assert [event["code"] for event in events] == [200] * len(FILES), events
    assert {event["doc"] for event in events} == set(FILES), events
    assert (events[-1]["finished"], events[-1]["total"]) == (len(FILES), len(FILES)), events
    assert len(found(server)) == TOP_K


# MARK: What else the client asks


def check_a_search_answers_documents_as_langchain_writes_them() -> None:
    server = fresh()
    server.filled()
    for document in found(server):
        assert {"page_content", "metadata", "type", "score"} <= set(document), document
        assert document["metadata"]["source"] in FILES, document
    assert len(found(server, top_k=1)) == 1
    unknown = server.api.search_kb_docs("nobody", query=QUESTION)
    assert unknown == [], unknown


def check_a_file_is_downloaded_as_it_was_uploaded() -> None:
    server = fresh()
    server.filled()
    query = {"knowledge_base_name": KB, "file_name": "年假.md"}
    answer = httpx.get(f"{server.url}/knowledge_base/download_doc", params=query)
    assert answer.status_code == 200 and answer.text == FILES["年假.md"], answer


def check_a_page_of_the_web_ui_chats() -> None:
    server = fresh()
    server.filled()
    asked = {"top_k": TOP_K, "score_threshold": 2.0, "temperature": 0.7, "prompt_name": "default"}
    client = server.chat(f"/knowledge_base/local_kb/{KB}")
    chunks = list(client.chat.completions.create(
        model="smollm2", messages=[{"role": "user", "content": QUESTION}], stream=True,
        extra_body={**asked, "return_direct": False}))
    assert len(chunks[0].docs) == TOP_K and chunks[0].docs[0].startswith("出处 [1] ["), chunks[0]
    assert not chunks[0].choices[0].delta.content
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks[1:]).strip(), chunks
    direct = list(client.chat.completions.create(
        model="smollm2", messages=[{"role": "user", "content": QUESTION}], stream=True,
        extra_body={**asked, "return_direct": True}))
    assert len(direct) == 1 and len(direct[0].docs) == TOP_K, direct


def check_events_have_chatchats_own_form() -> None:
    server = fresh()
    server.filled()
    body = {"query": QUESTION, "mode": "local_kb", "kb_name": KB, "top_k": TOP_K, "model": "smollm2"}
    # The client takes what one read of the network brings for one event.
    stream = server.api.post("/chat/kb_chat", json={**body, "stream": True}, stream=True)
    events = list(server.api._httpx_stream2generator(stream, as_json=True))
    assert len(events[0]["docs"]) == TOP_K and events[0]["choices"][0]["delta"]["content"] == "", events[0]
    assert len({event["id"] for event in events}) == len(events) > 2, "each has an id of its own"
    for event in events:
        choice = event["choices"][0]
        assert choice["role"] == "assistant" and "role" not in choice["delta"], event
        assert not choice.get("finish_reason"), event
        assert {"status", "message_type", "message_id", "is_ref"} <= set(event), event
    with httpx.stream("POST", f"{server.url}/chat/kb_chat", json={**body, "stream": True}, timeout=60) as answer:
        assert "[DONE]" not in "".join(answer.iter_text())
    whole = server.post("/chat/kb_chat", {**body, "stream": False}).json()
    assert isinstance(whole, str) and json.loads(whole)["choices"][0]["message"]["content"], whole


def check_a_chat_about_a_few_files() -> None:
    server = fresh()
    told = server.api.upload_temp_docs([str(server.files() / "年假.md")])
    assert told["code"] == 200 and told["data"]["failed_files"] == [], told
    name = told["data"]["id"]
    events = list(server.api.file_chat(QUESTION, name, model="smollm2"))
    assert "".join(event.get("answer", "") for event in events).strip(), events
    assert "十五天带薪年假" in events[-1]["docs"][0], events[-1]
    first = server.chat(f"/knowledge_base/temp_kb/{name}").chat.completions.create(
        model="smollm2", messages=[{"role": "user", "content": QUESTION}], stream=True,
        extra_body={"top_k": 1, "score_threshold": 2.0})
    assert next(iter(first)).docs[0].startswith("出处 [1] ["), "the pages read what is cited first"
    unknown = list(server.api.file_chat(QUESTION, "0" * 32, model="smollm2"))
    assert unknown[0]["code"] == 404, unknown


def check_the_other_calls_are_answered() -> None:
    server = fresh()
    server.filled()
    assert "search_local_knowledgebase" in server.api.list_tools()
    assert server.api.get_server_configs(), "settings of the server, as an object"
    assert server.api.chat_feedback("1", 80, "good").status_code == 200


@ours_only("answers HTTP 500 to a call of a tool")
def check_the_tool_searches() -> None:
    server = fresh()
    server.filled()
    told = server.api.call_tool("search_local_knowledgebase", {"database": KB, "query": QUESTION})
    assert "十五天带薪年假" in json.dumps(told, ensure_ascii=False), told


if __name__ == "__main__":
    sys.argv = [word for word in sys.argv if word != "--peer"]
    with chatchat() if PEER else martlet() as SERVER:
        main(globals())
