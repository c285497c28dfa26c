"""LangServe's own client, `RemoteRunnable`, at both servers: what it gives must be the same."""

import asyncio
import re

import httpx
from langchain_core.documents import Document
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig, RunnableLambda
from langserve import RemoteRunnable
from replies import ID

VOLATILE = re.compile(
    r"'(__langserve_version|start_time|end_time)': '[^']*'|('path': '[^']*end_time', 'value': )'[^']*'"
)
TALK = [SystemMessage(content="short"), HumanMessage(content="hi"), AIMessage(content="ho")]
INPUTS = {
    "add_one": 1,
    "letters": "abc",
    "joke": {"topic": "sand"},
    "joke/message": {"topic": "sand"},
    "chat": TALK,
    "words": "x",
    "others/parallel": 1,
    "others/history": {"history": TALK, "question": "why"},
    "others/shelf": "abc",
    "others/prompt": {"topic": "x"},
    "others/point": {"x": 1},
    "others/told/keys": "x",
    "others/events": 1,
    "fail": 1,
    "refuse": 1,
    "fail_later": 2,
}
LOOP = asyncio.new_event_loop()
"""One for all calls: the clients are used by several of them."""
run = LOOP.run_until_complete
CONFIG = RunnableConfig(tags=["a"], metadata={"m": 1}, configurable={"words": ["second"]})


def remote(url: str) -> RemoteRunnable:
    """Without kept connections: LangServe breaks them after an error, and the next call would fail on it by chance."""
    return RemoteRunnable(url, client_kwargs={"limits": httpx.Limits(max_keepalive_connections=0)})


def said(value: object) -> str:
    """Types and contents of a result, with ids numbered by their first appearance."""
    numbers: dict = {}
    text = ID.sub(lambda found: f"id-{numbers.setdefault(found.group(0), len(numbers))}", repr(value))
    return VOLATILE.sub("", re.sub(r"\s+", " ", text))


def outcome(call) -> str:
    try:
        return said(call())
    except httpx.HTTPStatusError as error:
        # The reason that follows is the server's own text; that it is the same is checked on the wire.
        return f"HTTPStatusError {error.response.status_code}"
    except Exception as error:
        return f"{type(error).__name__} {said(str(error).splitlines()[:1])}"


async def collected(values) -> list:
    return [value async for value in values]


def calls(name: str, value: object) -> dict:
    """Everything that one runnable is asked, by name."""
    found = {}
    for config in (None, CONFIG):
        with_config = "" if config is None else " with a configuration"
        found |= {
            f"invoke{with_config}": lambda one, config=config: one.invoke(value, config),
            f"batch{with_config}": lambda one, config=config: one.batch([value, value], config),
            f"stream{with_config}": lambda one, config=config: list(one.stream(value, config)),
            f"ainvoke{with_config}": lambda one, config=config: run(one.ainvoke(value, config)),
            f"abatch{with_config}": lambda one, config=config: run(one.abatch([value, value], config)),
            f"astream{with_config}": lambda one, config=config: run(collected(one.astream(value, config))),
        }
    found |= {
        "batch of no inputs": lambda one: one.batch([]),
        "batch with a configuration each": lambda one: one.batch([value, value], [{"tags": ["a"]}, {}]),
        "before and after others": lambda one: (RunnableLambda(lambda x: x) | one | str).invoke(value),
    }
    if name != "others/parallel":
        # Steps side by side come in any order.
        found |= {
            "astream_log": lambda one: run(collected(one.astream_log(value))),
            "astream_log, whole": lambda one: run(collected(one.astream_log(value, diff=False)))[-1],
            "astream_log, some": lambda one: run(collected(one.astream_log(value, include_types=["llm"]))),
            "astream_events": lambda one: run(collected(one.astream_events(value, version="v2"))),
            "astream_events, some": lambda one: run(
                collected(one.astream_events(value, version="v2", exclude_types=["prompt"]))
            ),
        }
    return found


def revived(url: str, inputs: dict) -> None:
    """That the client gets objects at all: were both servers wrong alike, the comparison would not see it."""
    message = RemoteRunnable(f"{url}/chat").invoke(TALK)
    assert isinstance(message, AIMessage) and message.content == "A martlet never lands.", message
    assert "".join(RemoteRunnable(f"{url}/joke").stream({"topic": "x"})) == message.content
    if "others/shelf" not in inputs:
        return
    documents = RemoteRunnable(f"{url}/others/shelf").invoke("abc")
    assert all(isinstance(one, Document) for one in documents) and documents[1].page_content == "cba", documents


def compare(theirs: str, ours: str, inputs: dict) -> int:
    """How many calls gave the same. Raises `AssertionError` with those that did not."""
    wrong, count = [], 0
    for name, value in inputs.items():
        both = remote(f"{theirs}/{name}"), remote(f"{ours}/{name}")
        for what, call in calls(name, value).items():
            first, second = (outcome(lambda one=one: call(one)) for one in both)
            count += 1
            if first != second:
                wrong.append(f"{name}: {what}\n    LangServe {first[:600]}\n    Martlet   {second[:600]}")
    assert not wrong, f"{len(wrong)} calls differ:\n" + "\n".join(wrong)
    revived(ours, inputs)
    return count
