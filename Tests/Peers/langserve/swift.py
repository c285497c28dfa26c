"""Chains written in Swift (`Swift/`) beside the same runnables behind LangServe: the replies must say the same.

JSON is compared by what it means, not byte by byte: Swift writes the members of an object in the order of their names.
"""

import json
import re

import clients
import leaving
from replies import Case, Reply, ask, settled
from support import HOME, eventually

NAMES = ("add_one", "letters", "others/add/both", "others/pass", "others/parallel", "joke", "joke/message", "chat",
         "others/prompt", "fail", "refuse", "fail_later")
INPUTS = {"add_one": 1, "letters": "abc", "others/add/both": 1, "others/pass": {"any": ["thing"]}, "others/parallel": 1,
          "joke": {"topic": "sand"}, "joke/message": {"topic": "sand"}, "chat": "hi", "others/prompt": {"topic": "sand"},
          "fail": 1, "refuse": 1, "fail_later": 2}
OF_MODEL = re.compile(r"^(ls_|lc_versions$)")
"""What LangChain says of a model's maker."""
NOT_SAID = {"url", "ctx"}
"""Of an error of validation: links to pydantic's pages, names of LangServe's classes."""


SIDE_BY_SIDE = "others/parallel"
"""Steps side by side give their pieces in any order."""
TOLD = "refuse"
"""What a step throws for its client is said in a stream too; LangServe says 500 there."""


def cases() -> list:
    def post(path: str, body: object = None, **more) -> Case:
        return Case("POST", path, body, **more)

    found = []
    for name in NAMES:
        ends = ["invoke", "stream", "stream_log", "stream_events"]
        if name in ("others/pass", "others/prompt"):
            ends = ["invoke", "stream"]
        if name in (SIDE_BY_SIDE, TOLD):
            ends = ["invoke"]
        found += [post(f"/{name}/{end}", {"input": INPUTS[name]}) for end in ends]
        found += [post(f"/{name}/batch", {"inputs": [INPUTS[name], INPUTS[name]]}), post(f"/{name}/batch", {"inputs": []})]
    found += [post(f"/joke/{end}", {"input": {"topic": "sand"}, **chosen}) for end in ("stream_log", "stream_events")
              for chosen in ({"include_types": ["chat_model", "llm"]}, {"include_tags": ["seq:step:1"]},
                             {"exclude_types": ["parser"]}, {"exclude_tags": ["seq:step:2"]}, {"include_names": None})]
    for end in ("invoke", "batch"):
        found += [post(f"/add_one/{end}", raw=raw) for raw in (b"{bad", b"")]
        found.append(post(f"/add_one/{end}", {}))
    found += [post("/add_one/invoke", {"input": value}) for value in ("x", None, [1], {"a": 1})]
    found += [post("/joke/invoke", {"input": {}}), post("/joke/invoke", {"input": {"topic": 3}})]
    found += [post("/add_one/invoke", {"input": 1, "config": config}) for config in (
        {"configurable": {"a": 1}}, {"unknown": 5}, {"tags": ["a"]})]
    found += [post("/add_one/batch", {"inputs": [1, 2], "config": [{}, {}, {}]}),
              post("/add_one/batch", {"inputs": [1, 2], "config": [{}, {"tags": ["a"]}]}),
              post("/add_one/c/N4XyA/invoke", {"input": 1}), post("/add_one/c/!!!/invoke", {"input": 1}),
              Case("GET", "/add_one/c/!!!/config_schema")]
    found += [Case(method, "/add_one/invoke") for method in ("GET", "PUT", "DELETE")]
    found += [post(path, {"input": 1}) for path in ("/add_one/nothing", "/add_one/c/N4XyA/nothing")]
    found += [Case("GET", f"/{name}/{side}_schema") for name, sides in (
        ("add_one", ("input", "output")), ("joke", ("input", "output", "config")), ("others/parallel", ("output", "config")),
        ("others/prompt", ("input", "config"))) for side in sides]
    return found


def told(value: object) -> object:
    """Without what one of the two alone says."""
    if isinstance(value, list):
        return [told(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {key: told(one) for key, one in value.items() if not OF_MODEL.match(key) and key not in NOT_SAID}


def meant(reply: Reply) -> object:
    text = settled(reply.text)
    if "event-stream" in reply.headers.get("content-type", ""):
        events: list = []
        for event in re.split(r"\r\n\r\n", text.removesuffix("\r\n\r\n")):
            name, _, data = event.partition("\r\n")
            events.append((name, told(json.loads(data.removeprefix("data: "))) if data else None))
        return events
    try:
        return told(json.loads(text))
    except ValueError:
        return text


def compare(theirs: str, ours: str) -> int:
    """How many replies say the same. Raises `AssertionError` with those that do not."""
    wrong, asked = [], cases()
    for case in asked:
        first, second = ask(theirs, case), ask(ours, case)
        # The ids within a text are numbered in its order, which for objects is not the same.
        same = first.status == second.status and unnumbered(meant(first)) == unnumbered(meant(second))
        if not same or first.headers.get("content-type") != second.headers.get("content-type"):
            wrong.append(f"{case}\n    LangServe {shown(first)}\n    Martlet   {shown(second)}")
    assert not wrong, f"{len(wrong)} of {len(asked)} replies differ:\n" + "\n".join(wrong)
    return len(asked)


def unnumbered(value: object) -> str:
    return re.sub(r"(lc_run--)?id-\d+(-0)?", "id", json.dumps(value, sort_keys=True))


def shown(reply: Reply) -> str:
    return f"{reply.status} {reply.headers} {json.dumps(meant(reply), sort_keys=True)[:900]}"


def compare_clients(theirs: str, ours: str) -> int:
    """The same of LangServe's own client."""
    wrong, count = [], 0
    for name in NAMES:
        both = clients.remote(f"{theirs}/{name}"), clients.remote(f"{ours}/{name}")
        for what, call in clients.calls(name, INPUTS[name]).items():
            if name in ("others/pass", "others/prompt") and what.startswith("astream_"):
                continue
            if name in (SIDE_BY_SIDE, TOLD) and "stream" in what:
                continue
            first, second = (plain(clients.outcome(lambda one=one: call(one))) for one in both)
            count += 1
            if first != second:
                wrong.append(f"{name}: {what}\n    LangServe {first[:900]}\n    Martlet   {second[:900]}")
    assert not wrong, f"{len(wrong)} of {count} calls differ:\n" + "\n".join(wrong)
    return count


def plain(text: str) -> str:
    """Objects as lists of their members in order, ids and makers left out."""
    text = re.sub(r"'(ls_[a-z_]*)': '[^']*',? ?|'lc_versions': \{[^}]*\},? ?", "", text)
    text = re.sub(r"id-\d+", "id", text)
    return "".join(sorted(re.findall(r"[\w./:-]+", text))) if "{" in text else text


def check(theirs, start) -> list:
    """What was seen, a line for each. `start` makes a server of a command. Raises `AssertionError`."""
    seen = []
    with start([HOME / ".build" / "debug" / "chain-peer"]) as ours:
        ours.wait("/add_one", "/others/slow_async")
        seen.append(f"{compare(theirs.url, ours.url)} replies of chains in Swift say the same as LangServe's")
        seen.append(f"{compare_clients(theirs.url, ours.url)} calls of RemoteRunnable gave the same")
        leaving.leave(ours.url, "/others/slow_async/stream", {"input": "x"})
        eventually(lambda: "closed" in leaving.steps(ours, "slow_async"), leaving.WITHIN_SECONDS, "slow_async is closed")
        assert len(leaving.steps(ours, "slow_async")) < 60, "slow_async went on"
        seen.append("a step in Swift is stopped when its reader leaves")
    return seen
