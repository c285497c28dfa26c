"""OpenAI's client on files and vector stores, as its users have it: Martlet embeds with its own encoder."""

import contextlib
import pathlib
import tempfile

import openai
from support import HOME, Martlet, eventually, main

LEAVE = "# 年假\n\n员工每年享有十五天带薪年假，未休完的年假可以结转到次年三月。\n\n# 病假\n\n病假须提交医院证明。\n".encode()
EXPENSES = b"# Expenses\n\nInvoices are handed in within 30 days. Taxis are paid after 22:00 only.\n"
ZIP = b"PK\x03\x04" + bytes(200)
DAY = 86_400


def configuration(folder: pathlib.Path) -> str:
    return (
        "pools: {nowhere: {targets: [http://127.0.0.1:1], health: off}}\nmodels: {absent: {pool: nowhere}}\n"
        f"knowledge:\n  store: {folder}\n  weights: {HOME}/.martlet/encoders\n  chat: absent\n"
    )


@contextlib.contextmanager
def serving(folder: pathlib.Path):
    with Martlet(configuration(folder)) as martlet:
        yield openai.OpenAI(base_url=f"{martlet.url}/v1", api_key="none", timeout=30, max_retries=0)


@contextlib.contextmanager
def client():
    with tempfile.TemporaryDirectory() as name, serving(pathlib.Path(name) / "knowledge") as server:
        yield server


def raised(kind: type, action) -> openai.APIStatusError:
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def strict(answer):
    """The client believes what it is told: here an answer must have every field as the client's own types say it."""
    return type(answer).model_validate(answer.to_dict())


def filled(server: openai.OpenAI):
    """A store with two files, put in as one batch."""
    store = strict(server.vector_stores.create(name="handbook", metadata={"team": "hr"}))
    batch = server.vector_stores.file_batches.upload_and_poll(
        store.id, files=[("leave.md", LEAVE), ("expenses.md", EXPENSES)], poll_interval_ms=50)
    assert (strict(batch).status, batch.file_counts.completed) == ("completed", 2), batch
    listed = [file.id for file in server.vector_stores.files.list(store.id)]
    return store, {server.files.retrieve(file).filename: file for file in listed}


def search(server: openai.OpenAI, store: str, query: str, **options) -> list:
    return [strict(found) for found in server.vector_stores.search(store, query=query, **options)]


def check_files_come_back_as_they_went() -> None:
    with client() as server:
        file = strict(server.files.create(file=("年假 制度.md", LEAVE), purpose="assistants"))
        assert (file.filename, file.bytes, file.purpose) == ("年假 制度.md", len(LEAVE), "assistants"), file
        assert server.files.content(file.id).content == LEAVE
        assert [listed.id for listed in server.files.list()] == [file.id]
        assert server.files.delete(file.id).deleted
        raised(openai.NotFoundError, lambda: server.files.retrieve(file.id))
        raised(openai.NotFoundError, lambda: server.files.content(file.id))


def check_a_store_is_made_changed_listed_and_removed() -> None:
    with client() as server:
        store = strict(server.vector_stores.create(name="handbook", metadata={"team": "hr"}))
        assert (store.name, store.metadata, store.file_counts.total) == ("handbook", {"team": "hr"}, 0), store
        changed = strict(server.vector_stores.update(store.id, name="rules", metadata={"team": "all"}))
        assert (changed.name, changed.metadata) == ("rules", {"team": "all"}), changed
        others = [server.vector_stores.create(name=f"store {number}").id for number in range(4)]
        # The client asks for the next page by itself.
        assert {listed.id for listed in server.vector_stores.list(limit=2)} == {store.id, *others}
        assert server.vector_stores.delete(store.id).deleted
        error = raised(openai.NotFoundError, lambda: server.vector_stores.retrieve(store.id))
        assert store.id in error.message, error


def check_a_store_expires_days_after_its_last_use() -> None:
    with client() as server:
        store = strict(
            server.vector_stores.create(name="notes", expires_after={"anchor": "last_active_at", "days": 7}))
        assert store.expires_after.days == 7 and store.status == "completed", store
        assert store.expires_at - store.last_active_at == 7 * DAY, store
        longer = strict(server.vector_stores.update(store.id, expires_after={"anchor": "last_active_at", "days": 30}))
        assert longer.expires_at - longer.last_active_at == 30 * DAY, longer
        for days in (0, 366):
            raised(
                openai.BadRequestError, lambda days=days: server.vector_stores.create(
                    expires_after={"anchor": "last_active_at", "days": days}))


def check_a_batch_is_searched_in_two_languages() -> None:
    with client() as server:
        store, files = filled(server)
        best = search(server, store.id, "一年有几天年假？")[0]
        assert (best.file_id, best.filename) == (files["leave.md"], "leave.md"), best
        assert "十五天" in best.content[0].text and 0 < best.score <= 1, best
        assert search(server, store.id, "How many days of annual leave are there?")[0].filename == "leave.md"
        assert search(server, store.id, "When are invoices due?")[0].filename == "expenses.md"
        assert len(search(server, store.id, "days", max_num_results=1)) == 1
        assert strict(server.vector_stores.retrieve(store.id)).file_counts.completed == 2


def check_a_file_that_cannot_be_read_fails_alone() -> None:
    with client() as server:
        store = server.vector_stores.create()
        batch = server.vector_stores.file_batches.upload_and_poll(
            store.id, files=[("leave.md", LEAVE), ("broken.docx", ZIP)], poll_interval_ms=50)
        assert (batch.file_counts.completed, batch.file_counts.failed) == (1, 1), batch
        listed = [strict(file) for file in server.vector_stores.files.list(store.id, filter="failed")]
        assert len(listed) == 1 and "broken.docx" in listed[0].last_error.message, listed
        assert search(server, store.id, "年假")[0].filename == "leave.md"


def check_attributes_are_filtered_by() -> None:
    with client() as server:
        store = server.vector_stores.create()
        for year in (2025, 2026):
            file = server.files.create(file=(f"leave-{year}.md", LEAVE + f"\n{year}\n".encode()), purpose="assistants")
            put = server.vector_stores.files.create_and_poll(
                file.id, vector_store_id=store.id, attributes={"year": year, "kind": "hr"}, poll_interval_ms=50)
            assert strict(put).status == "completed", put
        late = {"type": "gte", "key": "year", "value": 2026}
        assert {found.filename for found in search(server, store.id, "年假", filters=late)} == {"leave-2026.md"}
        both = {"type": "and", "filters": [late, {"type": "eq", "key": "kind", "value": "it"}]}
        assert search(server, store.id, "年假", filters=both) == []
        strict(server.vector_stores.files.update(file.id, vector_store_id=store.id, attributes={"year": 2030}))
        later = {"type": "eq", "key": "year", "value": 2030}
        eventually(lambda: search(server, store.id, "年假", filters=later), 10, "the new attribute is found by")


def check_the_text_of_a_file_is_told() -> None:
    with client() as server:
        store, files = filled(server)
        parts = server.vector_stores.files.content(files["leave.md"], vector_store_id=store.id)
        assert "十五天带薪年假" in "".join(part.text for part in parts)


def check_what_is_taken_out_is_gone_at_once() -> None:
    with client() as server:
        store, files = filled(server)
        assert server.vector_stores.files.delete(files["leave.md"], vector_store_id=store.id).deleted
        assert all(found.filename != "leave.md" for found in search(server, store.id, "一年有几天年假？"))
        assert server.files.retrieve(files["leave.md"]).id == files["leave.md"], "the file itself stays"
        # A file that is removed leaves every store that it is in.
        assert server.files.delete(files["expenses.md"]).deleted
        assert search(server, store.id, "When are invoices due?") == []
        assert list(server.vector_stores.files.list(store.id)) == []


def check_a_batch_can_be_called_off() -> None:
    with client() as server:
        store = server.vector_stores.create()
        text = "".join(f"# Chapter {number}\n\nThe rule of case {number} is written here.\n\n" for number in range(400))
        files = [
            server.files.create(file=(f"rules-{number}.md", text.encode()), purpose="assistants").id
            for number in range(20)
        ]
        batch = server.vector_stores.file_batches.create(store.id, file_ids=files)
        called_off = strict(server.vector_stores.file_batches.cancel(batch.id, vector_store_id=store.id))
        counts = called_off.file_counts
        assert called_off.status == "cancelled" and counts.cancelled > 0 and counts.in_progress == 0, called_off
        assert counts.total == 20, called_off
        listed = server.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id, filter="cancelled")
        assert len(list(listed)) == counts.cancelled


def check_all_is_there_after_a_restart() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name) / "knowledge"
        with serving(folder) as server:
            store, files = filled(server)
        with serving(folder) as server:
            again = strict(server.vector_stores.retrieve(store.id))
            assert (again.name, again.metadata, again.file_counts.completed) == ("handbook", {"team": "hr"}, 2), again
            assert server.files.content(files["leave.md"]).content == LEAVE
            assert search(server, store.id, "一年有几天年假？")[0].file_id == files["leave.md"]


def check_a_chat_completion_cites_files() -> None:
    """The chat model is away: the best passages are the answer, with the files that they are from."""
    with client() as server:
        store, files = filled(server)
        asked = {
            "model": "absent", "messages": [{"role": "user", "content": "一年有几天年假？"}],
            "extra_body": {"tools": [{"type": "file_search", "vector_store_ids": [store.id]}]},
        }
        message = server.chat.completions.create(**asked).choices[0].message
        cited = {annotation["file_id"] for annotation in message.to_dict()["annotations"]}
        assert "十五天" in message.content and files["leave.md"] in cited, message
        chunks = list(server.chat.completions.create(stream=True, **asked))
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == message.content
        assert chunks[-1].choices[0].finish_reason == "stop", chunks[-1]


if __name__ == "__main__":
    main(globals())
