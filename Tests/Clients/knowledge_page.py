"""The console's page of knowledge bases, in a real browser: Chinese documents, cited answers, hostile names."""

import contextlib
import http.server
import json
import pathlib
import re
import tempfile
import threading
import urllib.parse

from browser import EVIL, browser, request
from support import Martlet, eventually, main

FACT = "员工每年享有15天带薪年假"
# Characters above U+FFFF stand before the place that is cited: it must not move by them.
HANDBOOK = (
    "# 员工手册 😀\n\n## 考勤\n\n" + "".join(f"第{n}条：员工应按时上下班🕘，迟到须说明原因。\n\n" for n in range(1, 120))
    + f"## 年假\n\n{FACT}，须提前三天向主管申请🏖。未休完的年假可结转至次年三月。\n\n## 报销\n\n"
    + "".join(f"第{n}条：报销须附发票，由财务部在七个工作日内审核。\n\n" for n in range(1, 120))
)
QUESTION = "员工每年有几天年假？"
# The model makes something up: such an answer is not kept.
TEMPTING = "员工每年有几天年假，几天病假？"
INVENTED = "另有99天病假"
REFUSAL = "知识库中没有找到相关内容，无法回答这个问题。"


class Model:
    """A server of a chat model and of an embedding model."""

    def __init__(self):
        model = self
        self.is_down = False

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *words): pass

            def do_GET(self): self.answer({"status": "ok"})

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if self.path.endswith("/embeddings"):
                    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
                    vectors = [{"index": index, "embedding": vector(text)} for index, text in enumerate(texts)]
                    self.answer({"object": "list", "data": vectors, "model": body["model"]})
                elif model.is_down:
                    self.answer({"error": {"message": "out of memory"}}, 500)
                else:
                    self.stream(reply(body["messages"][-1]["content"]))

            def answer(self, value: dict, status: int = 200):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def stream(self, text: str):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.end_headers()
                deltas = [{"reasoning_content": f"先查年假{EVIL}。"}, *({"content": character} for character in text)]
                choices = [*({"delta": delta} for delta in deltas), {"delta": {}, "finish_reason": "stop"}]
                for choice in choices:
                    chunk = {"object": "chat.completion.chunk", "choices": [{"index": 0, **choice}]}
                    self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
                self.wfile.write(b"data: [DONE]\n\n")

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *error):
        self._server.shutdown()
        self._server.server_close()


def vector(text: str) -> list:
    """Near to every other one, and nearer to one that has the same characters."""
    counts = [0.0] * 64
    for character in text:
        counts[ord(character) % 64] += 1
    length = sum(count * count for count in counts) ** 0.5 or 1
    return [3.0, *(count / length for count in counts)]


def reply(prompt: str) -> str:
    sources = re.findall(r'<source-\w+ n="(\d+)"[^>]*>(.*?)</source-', prompt, re.DOTALL)
    number = next((number for number, text in sources if FACT in text), None)
    if not number:
        return REFUSAL
    return f"{FACT}[{number}]。" + (f"{INVENTED}[{number}]。" if TEMPTING in prompt else "")


class Place:
    """A server with knowledge, its models, and files to upload."""

    def __init__(self, more: str = ""):
        self._more = more
        self._stack = contextlib.ExitStack()

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
            self.model = stack.enter_context(Model())
            self.martlet = stack.enter_context(Martlet(
                f"pools: {{models: {{targets: ['{self.model.url}']}}}}\n"
                "models: {chat: models, vectors: models}\n"
                f"knowledge: {{store: {folder}/store, embedding: vectors, chat: chat}}\n"
                + self._more))
            eventually(self._embeds, 20, "the models answer")
            self.page = f"{self.martlet.console}/knowledge-base"
            self.files = folder / "files"
            self.files.mkdir()
            self.handbook = self.file("员工手册.md", HANDBOOK)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        return self._stack.__exit__(*error)

    def _embeds(self) -> bool:
        with contextlib.suppress(AssertionError):
            return bool(request("POST", f"{self.martlet.url}/v1/embeddings", {"model": "vectors", "input": "年假"}))
        return False

    def file(self, name: str, content: str | bytes) -> pathlib.Path:
        path = self.files / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def ask(self, base: str, question: str) -> dict:
        url = f"{self.martlet.console}/knowledge/{urllib.parse.quote(base)}/ask"
        return request("POST", url, {"question": question, "stream": False})

    def text(self, document: dict) -> str:
        base, name = (urllib.parse.quote(document[key]) for key in ("base", "name"))
        url = f"{self.martlet.console}/knowledge/{base}/documents/{name}/text?version={document['version']}"
        return request("GET", url)["text"]


def opens(window, place: Place) -> None:
    window.open(place.page)
    window.shows("No base yet.", "#bases")


def creates(window, name: str) -> None:
    window.type("#name", name)
    window.click("Create")
    window.shows(name, "#base-title")
    window.shows("No document yet.", "#documents")


def uploads(window, *paths) -> None:
    window.choose("#files", *paths)
    for path in paths:
        window.shows(path.name, "#documents")


def asks(window, question: str, outcome: str, button: str = "Ask") -> None:
    window.type("#question", question)
    window.click(button)
    window.shows(outcome, "#kind")


def check_a_chinese_document_is_uploaded_with_progress_and_browsed():
    with Place() as place, browser() as window:
        opens(window, place)
        creates(window, "人事")
        window.run(
            "window.said = [];"
            "new MutationObserver(() => said.push(document.querySelector('#uploads .said')?.textContent))"
            ".observe(document.querySelector('#uploads'), {subtree: true, childList: true, characterData: true})")
        uploads(window, place.handbook)
        window.shows("1 added", "#progress")
        said = window.run("return window.said")
        for stage in (r"kB sent$", r"^\d+ of \d+ chunks embedded$", r"^version \d+: \d+ chunks, \d+ embedded$"):
            assert any(re.search(stage, one or "") for one in said), (stage, said)
        window.shows("1 document", "#documents-title")
        window.shows("markdown", "#documents")
        window.click("员工手册.md", "#documents button")
        window.shows("Chunks 1–", "#dialog")
        window.shows("第1条：员工应按时上下班🕘", "#dialog")
        window.shows("characters 0–", "#dialog")
        window.click("In the text", "#dialog button")
        window.shows("第1条：员工应按时上下班🕘", "#dialog mark")
        window.click("Back to the chunks")
        window.shows("Chunks 1–", "#dialog")
        window.press("Escape")
        eventually(lambda: not window.run("return document.querySelector('#dialog').open"), 5, "Escape closes it")
        assert not (problems := window.problems()), problems


def check_a_citation_opens_the_source_at_the_very_characters():
    with Place() as place, browser() as window:
        opens(window, place)
        creates(window, "人事")
        uploads(window, place.handbook)
        asks(window, QUESTION, "answered from the sources")
        window.shows(FACT, "#text")
        assert not window.run("return document.querySelector('#text .flawed, #text .flaw')"), window.text("#text")
        assert not window.run("return document.querySelector('#reasoning').open"), "reasoning is folded"
        window.click("Reasoning", "summary")
        window.shows(f"先查年假{EVIL}", "#reasoning")

        whole = place.ask("人事", QUESTION)
        citation = whole["citations"][0]["citations"][0]
        source = whole["sources"][citation["source"] - 1]
        first, end = citation["range"]
        cited = place.text(source["document"])[first:end]
        assert FACT in cited and "🕘" not in cited, cited
        window.click(f"[{citation['source']}]", "#text .cite")
        eventually(lambda: window.run("return document.querySelector('#dialog mark')?.textContent") == cited, 5,
                   f"{cited!r} is marked, not {window.text('#dialog mark')!r}")
        assert window.run(
            "const [view, mark] = ['.source', 'mark'].map(one => document.querySelector(`#dialog ${one}`)"
            ".getBoundingClientRect()); return view.top <= mark.top && mark.bottom <= view.bottom"), "it is in sight"
        window.click("Close")

        window.click("Why this result", "summary")
        for text in ("score", "cosine", "BM25", "rank", "meaning", "年假"):
            window.shows(text, "#sources details[open]")
        marked = window.run("return [...document.querySelectorAll('#sources pre mark')].map(one => one.innerText)")
        assert "年假" in marked, marked
        asks(window, QUESTION, "from the cache")
        assert not (problems := window.problems()), problems


def check_what_no_source_says_is_marked():
    with Place() as place, browser() as window:
        opens(window, place)
        creates(window, "人事")
        uploads(window, place.handbook)
        window.type("#question", TEMPTING)
        window.press("Enter")
        window.shows("answered from the sources", "#kind")
        window.shows(INVENTED, "#text .flawed")
        window.shows("⚠ “99天”", "#text")
        assert window.run("return document.querySelectorAll('#text .flawed').length") == 1, window.text("#text")
        assert not (problems := window.problems()), problems


def check_an_answer_says_where_it_does_not_come_from():
    with Place() as place, browser() as window:
        opens(window, place)
        creates(window, "考勤")
        uploads(window, place.file("考勤.txt", "员工应按时上下班，迟到须说明原因。"))
        asks(window, "员工迟到怎么办？", "not in the knowledge base")
        window.shows(REFUSAL, "#text")
        place.model.is_down = True
        asks(window, "员工为什么要按时上下班？", "without the model")
        window.shows("迟到须说明原因", "#text")
        assert not (problems := window.problems()), problems


def check_the_words_of_a_question_are_marked_where_they_stand():
    with Place() as place, browser() as window:
        opens(window, place)
        creates(window, "标准")
        uploads(window, place.file("标准.txt", "按ISO-9001审核，年\n假预算为１0,000元。Interest is not in it; 110000 is more."))
        asks(window, "ISO-9001 年假 10000 in", "found", button="Only find passages")
        marked = window.run("return [...document.querySelectorAll('#sources pre mark')].map(one => one.textContent)")
        assert marked == ["ISO-9001", "年\n假", "１0,000"], marked
        assert not (problems := window.problems()), problems


def check_what_is_deleted_is_gone():
    with Place() as place, browser() as window:
        opens(window, place)
        creates(window, "人事")
        uploads(window, place.handbook, place.file("食堂.txt", "食堂每天十二点开放。"))
        asks(window, QUESTION, "answered from the sources")
        row = window.run(
            "return [...document.querySelectorAll('#documents tr')]"
            ".findIndex(one => one.innerText.includes('员工手册.md'))")
        window.run("document.querySelectorAll('#documents tr')[arguments[0]].querySelector('.danger').focus()", row)
        window.press("Enter")
        window.shows("Delete 员工手册.md?", "#dialog")
        window.click("Delete", "#dialog button")
        window.shows("1 document", "#documents-title")
        assert "员工手册.md" not in window.text("#documents")
        window.click(f"[{window.text('#text .cite').strip('[]')}]", "#text .cite")
        window.shows("is not there any more", "#dialog")
        window.click("Close")
        asks(window, QUESTION, "found", button="Only find passages")
        assert "员工手册.md" not in window.text("#sources"), window.text("#sources")
        window.click("Delete this base")
        window.click("Delete", "#dialog button")
        window.shows("No base yet.", "#bases")


def check_folders_are_dropped_and_what_cannot_be_read_is_named():
    with Place() as place, browser() as window:
        opens(window, place)
        creates(window, "wiki")
        place.file("wiki/首页.md", "# 首页\n\n欢迎。")
        place.file("wiki/制度/年假.md", FACT)
        broken = place.file("坏.pdf", b"%PDF-1.7\nnothing of a PDF")
        window.drop("#drop", place.files / "wiki", broken)
        window.shows("2 added · 1 not added", "#progress")
        for name in ("wiki/首页.md", "wiki/制度/年假.md"):
            window.shows(name, "#documents")
        window.shows("坏.pdf", "#uploads li:has(.failed)")
        assert "坏.pdf" not in window.text("#documents")
        window.click("wiki/制度/年假.md", "#documents button")
        window.click("In the text", "#dialog button")
        window.shows(FACT, "#dialog mark")
        window.click("Close")
        assert "status" not in window.text("#uploads .failed"), window.text("#uploads .failed")


def check_names_and_texts_from_outside_are_text_and_a_phone_has_room():
    with Place() as place:
        evil = place.file(f"{EVIL}.txt", f"注意年假：{EVIL}。" * 40)
        for dark in (False, True):
            with browser(width=400, dark=dark) as window:
                window.open(place.page)
                name = f"{EVIL} {'dark' if dark else 'light'}"
                creates(window, name)
                uploads(window, evil)
                asks(window, f"{EVIL} 年假", "found", button="Only find passages")
                window.shows(EVIL, "#sources")
                assert not window.overflows(), "the page is wider than a phone"
                window.click(evil.name, "#sources button")
                window.shows(EVIL, "#dialog .source")
                assert not window.overflows(), "the source is wider than a phone"
                assert not window.run("return document.querySelector('img')"), "a text became an image"
                assert "hacked" not in window.run("return document.title")
                assert len(window.picture()) > 1000
                assert not (problems := window.problems()), problems


def check_a_token_is_asked_for_and_uploads_carry_it():
    with Place("console: {token: letmein}\n") as place, browser() as window:
        window.open(place.page)
        eventually(lambda: window.run("return !document.getElementById('login').hidden"), 5, "it asks for a token")
        assert window.run("return document.getElementById('main').hidden")
        window.type("#token", "wrong")
        window.click("Open")
        window.shows("credentials", "#trouble")
        window.type("#token", "letmein")
        window.click("Open")
        creates(window, "人事")
        uploads(window, place.handbook)
        asks(window, QUESTION, "answered from the sources")


if __name__ == "__main__":
    main(globals())
