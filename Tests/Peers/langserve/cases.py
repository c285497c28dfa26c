"""The requests that both servers are asked, and the reasons where their replies differ on purpose."""

import json

from replies import Case

ERROR_TEXT = "the message is Martlet's own"
CLASS_NAMES = "pydantic's message names LangServe's own classes"
PLAIN = "LangChain has no asynchronous form of a plain generator, and LangServe fails; Martlet runs it in a thread"
KIND = "LangServe answers 500 where the request is at fault; Martlet answers 422"
NULL = "LangServe answers 500; Martlet takes it for none"
SETS = "LangServe answers 500; Martlet sends a list"
BYTES = "LangServe answers 500; Martlet sends text"
MESSAGE = "for LangChain's JavaScript client Martlet says `message` beside `detail`"
TYPED = "LangServe answers 500 where an output does not fit the declared type; Martlet sends it"
HOOK = "LangServe's /batch drops what a hook returns, unless it changes the configuration in place"
DEFAULTS = "in LangServe a body's `configurable` sets all that it does not name back to the defaults, over the path's"
UNTYPED = "an answer without a media type gets one from Martlet"
PAGE = "a page of Martlet's own"
ENDS = "after its error event LangServe breaks the connection; Martlet ends the body in good order"


def post(path: str, body: object = None, **more) -> Case:
    return Case("POST", path, body, **more)


def hashed(config: object) -> str:
    from langserve.lzstring import LZString

    return LZString.compressToEncodedURIComponent(json.dumps(config))


def functions() -> list:
    cases = []
    for name, value in (
        ("add_one", 1), ("others/add_two", 1), ("others/add/both", 1), ("letters", "abc"),
        ("others/pass", {"any": ["thing"]}), ("others/parallel", 1),
    ):
        cases += [post(f"/{name}/{endpoint}", {"input": value}) for endpoint in ("invoke", "stream")]
        cases.append(post(f"/{name}/batch", {"inputs": [value, value]}))
        if name != "others/parallel":
            cases += [post(f"/{name}/{endpoint}", {"input": value}) for endpoint in ("stream_log", "stream_events")]
    for endpoint in ("invoke", "stream"):
        cases.append(post(f"/others/lines/{endpoint}", {"input": "a\nb"}, differs=PLAIN, alike=(), ours=200))
    cases += [post(f"/letters/{endpoint}", {"input": ""}) for endpoint in ("stream", "stream_log", "stream_events")]
    cases += [post("/letters/invoke", {"input": ""}, differs=TYPED, alike=(), ours=200),
              post("/letters/batch", {"inputs": ["", ""]}, differs=TYPED, alike=(), ours=200)]
    return cases


def failures() -> list:
    cases = [post(f"/{name}/invoke", {"input": 1}) for name in ("fail", "refuse", "fail_later")]
    cases += [post(f"/{name}/batch", {"inputs": [1, 2]}) for name in ("fail", "refuse", "fail_later")]
    for name in ("fail", "refuse", "fail_later"):
        for endpoint in ("stream", "stream_log", "stream_events"):
            cases.append(post(f"/{name}/{endpoint}", {"input": 2}, differs=ENDS, alike=("status", "headers", "body")))
    return cases


def refusals() -> list:
    cases = []
    for endpoint in ("invoke", "batch"):
        cases += [post(f"/add_one/{endpoint}", raw=raw) for raw in (b"{bad", b"")]
        cases.append(post(f"/add_one/{endpoint}", raw=b"\xff", differs=KIND, alike=(), ours=422))
        cases += [post(f"/add_one/{endpoint}", raw=raw, differs=CLASS_NAMES) for raw in (b"[1]", b"null", b"3")]
        cases.append(post(f"/add_one/{endpoint}", {}))
    for endpoint in ("stream", "stream_log", "stream_events"):
        cases += [post(f"/add_one/{endpoint}", raw=raw, differs=MESSAGE) for raw in (b"{bad", b"")]
        cases += [post(f"/add_one/{endpoint}", body, differs=MESSAGE) for body in ({}, {"input": "x"})]
    cases += [
        post("/add_one/invoke", {"input": value}) for value in ("x", "7", 1.0, 1.5, None, True, [1], {"a": 1})
    ]
    cases += [
        post("/add_one/invoke", {"input": 1, **more})
        for more in (
            {"config": 3}, {"config": "x"}, {"config": []}, {"kwargs": None, "extra": 1},
            {"config": {"configurable": {"a": 1}}}, {"config": {"tags": 5}}, {"config": {"unknown": 5}},
        )
    ]
    cases += [
        post("/add_one/invoke", {"input": 1, "config": None}, differs=NULL, alike=(), ours=200),
        post("/add_one/batch", {"inputs": [1, "x"]}, differs=KIND, alike=(), ours=422),
        post("/add_one/batch", {"inputs": {"a": 1}}, differs=KIND, alike=(), ours=422),
        post("/add_one/batch", {"inputs": "ab"}, differs=KIND, alike=(), ours=422),
        post("/chat/invoke", {"input": [["human", "x"]]}, differs=KIND, alike=(), ours=422),
        post("/add_one/batch", {"inputs": []}),
        post("/add_one/batch", {"input": [1]}),
        post("/add_one/batch", {"inputs": [1, 2], "config": [{}, {}, {}]}),
        post("/add_one/batch", {"inputs": [1, 2], "config": [{}, {"tags": ["a"]}]}),
        post("/add_one/batch", {"inputs": [1, 2], "config": 3}, differs=ERROR_TEXT),
        post("/add_one/batch", {"inputs": [1, 2], "config": [3, 4]}, differs=ERROR_TEXT),
        post("/add_one/stream_log", {"input": 1, "include_names": 3}, differs=ERROR_TEXT),
        post("/add_one/stream_events", {"input": 1, "exclude_tags": {"a": 1}}, differs=ERROR_TEXT),
    ]
    for method in ("GET", "PUT", "HEAD", "DELETE", "OPTIONS"):
        cases.append(Case(method, "/add_one/invoke"))
    for path in ("/add_one/nothing", "/add_one", "/add_one/", "/nothing/invoke", "/add_one/c/N4XyA/nothing"):
        cases += [post(path, {"input": 1}), Case("GET", path)]
    return cases


def kinds() -> list:
    """Inputs and outputs that are more than plain values."""
    person = {"type": "human", "content": "a"}
    image = {"type": "human", "content": [{"type": "image_url", "image_url": {"url": "data:"}}]}
    calls = {"type": "ai", "content": "", "tool_calls": [{"name": "f", "args": {"a": 1}, "id": "1"}]}
    tool = {"type": "tool", "content": "3", "tool_call_id": "1"}
    cases = [
        post(f"/others/{name}/invoke", {"input": value})
        for name, value in (
            ("point", {"x": 1}), ("point", {"x": "a"}), ("point", {}), ("point", 3), ("point", {"x": 1, "z": 3}),
            ("points", [{"x": 1}, {"x": 2, "y": 3}]), ("points", [{"x": 1}, {}]), ("points", {}),
            ("line", {"ends": [{"x": 1}], "middle": {"x": 2}}), ("line", {"ends": [{"x": 1}], "middle": {"x": "q"}}),
            ("own", {"text": "a"}),
            ("holder", {"message": person, "document": {"page_content": "a"}, "own": {"text": "t"},
                        "deep": {"a": {"x": 1}}}), ("own", {"text": 3}), ("asked", {"question": "a", "history": ["b"]}),
            ("asked", {"question": "a"}), ("messages", [person, {"type": "ai", "content": "b"}]), ("messages", "x"),
            ("prompt", {"topic": "x"}), ("prompt", {"topic": "x", "more": 1}), ("prompt", {}), ("prompt", "x"),
            ("history", {"history": [person, calls, tool], "question": "b"}), ("shelf", "abc"),
            ("history", {"history": [{"type": "nobody", "content": ""}], "question": "b"}),
            ("history", {"history": [], "question": 3}),
        )
    ]
    cases += [
        post(f"/chat/{endpoint}", {"input": value})
        for endpoint in ("invoke", "stream", "stream_events")
        for value in (
            "hi", [person], [{"type": "system", "content": "s"}, person, calls, tool], [image],
            {"text": "t", "type": "StringPromptValue"},
            {"messages": [person], "type": "ChatPromptValueConcrete"},
        )
    ]
    odd = ("document", "documents", "message", "chunk", "pydantic", "prompt", "none", "nested", "uuid", "date", "tuple",
           "nan", "unicode", "lines")
    cases += [post(f"/others/odd/{endpoint}", {"input": kind}) for kind in odd for endpoint in ("invoke", "stream")]
    cases += [
        post("/others/odd/invoke", {"input": "set"}, differs=SETS, alike=(), ours=200),
        post("/others/odd/invoke", {"input": "bytes"}, differs=BYTES, alike=(), ours=200),
        post("/others/odd/invoke", {"input": "object"}),
    ]
    return cases


def models() -> list:
    topic = {"input": {"topic": "sand"}}
    cases = []
    for name in ("joke", "joke/message"):
        cases += [post(f"/{name}/{end}", topic) for end in ("invoke", "stream", "stream_log", "stream_events")]
        cases.append(post(f"/{name}/batch", {"inputs": [{"topic": "a"}, {"topic": "b"}]}))
    cases += [post(f"/joke/{end}", {**topic, **chosen}) for end in ("stream_log", "stream_events") for chosen in (
        {"include_names": ["FakeListChatModel"]}, {"include_types": ["chat_model", "llm"]},
        {"include_tags": ["seq:step:1"]}, {"exclude_names": ["FakeListChatModel"]}, {"exclude_types": ["parser"]},
        {"exclude_tags": ["seq:step:2"]}, {"include_names": [], "diff": True, "version": "v1"}, {"include_names": None},
    )]
    cases.append(post("/others/v1_events/stream_events", topic))
    cases += [post(f"/others/shelf/{end}", {"input": "abc"}) for end in ("stream", "stream_log", "stream_events")]
    cases += [post("/others/events/invoke", {"input": 1}), post("/others/events/stream", {"input": 1}),
              post("/others/events/batch", {"inputs": [1]})]
    return cases


def schemas() -> list:
    names = ("add_one", "joke", "joke/message", "chat", "words", "others/point", "others/points", "others/line",
             "others/own", "others/asked", "others/messages", "others/odd", "others/parallel", "others/prompt",
             "others/history", "others/shelf", "others/told", "others/told/keys", "others/words/none")
    return [Case("GET", f"/{name}/{side}_schema") for name in names for side in ("input", "output", "config")]


def configurations() -> list:
    run = "00000000-0000-0000-0000-00000000000a"
    whole = {"tags": ["b", "a"], "metadata": {"k": 1, "__x": 2}, "configurable": {"c": 1}, "run_id": run,
             "recursion_limit": 3, "max_concurrency": 2, "run_name": "mine"}
    cases = []
    for name in ("told", "told/keys", "told/none", "told/own", "told/request", "told/changed"):
        for config in ({}, whole, {"configurable": {}}, {"configurable": None}, {"tags": ["z", "z"]}):
            cases.append(post(f"/others/{name}/invoke", {"input": 1, "config": config}))
        for endpoint in ("stream", "stream_log", "stream_events"):
            cases.append(post(f"/others/{name}/{endpoint}", {"input": 1, "config": whole}))
        cases += [
            post(f"/others/{name}/batch", {"inputs": [1, 2], "config": config},
                 differs=HOOK if name == "told/changed" else "")
            for config in (whole, [{"tags": ["p"]}, {}], [{"run_id": run}, {"run_id": run[:-1] + "b"}])
        ]
    cases += [
        post("/others/told/keys/invoke", {"input": 1, "config": config})
        for config in (
            {"tags": 5}, {"run_id": "bad"}, {"recursion_limit": "x"}, {"recursion_limit": "7"}, {"callbacks": []},
            {"metadata": None}, {"tags": None}, {"max_concurrency": None}, {"run_id": None},
        )
    ]
    cases += [
        post("/others/told/request/invoke", {"input": 1, "config": {"tags": ["q"]}}, headers={"x-user": "u"}),
        post("/others/told/request/invoke", {"input": 1}, headers={"x-refuse": "1"}),
        post("/others/told/request/stream", {"input": 1}, headers={"x-refuse": "1"}),
        post("/others/told/request/batch", {"inputs": [1]}, headers={"x-refuse": "1"}),
        post("/guarded/invoke", {"input": 1}),
        post("/guarded/invoke", {"input": 1}, headers={"x-token": "good"}),
        post("/guarded/invoke", {"input": 1}, headers={"x-token": "bad"}),
        post("/guarded/stream", {"input": 1}, headers={"x-token": "bad"}),
        Case("GET", "/guarded/input_schema", headers={"x-token": "bad"}),
        Case("GET", "/guarded/playground/index.html", headers={"x-token": "bad"}),
    ]
    return cases


def hashes() -> list:
    second = {"configurable": {"words": ["second"]}}
    cases = []
    for config in (
        {}, second, {"tags": ["h"], "configurable": {"x": 1}}, [1], 3, "x", {"configurable": {"words": "no"}},
        {"tags": ["Grüße ✓"], "metadata": {"a": "b" * 300}},
    ):
        for name in ("words", "others/told", "others/told/keys", "others/told/none"):
            body = {"input": "x", "config": {"tags": ["body"], "configurable": {"y": 2}}}
            cases.append(post(f"/{name}/c/{hashed(config)}/invoke", {"input": "x"}))
            overrides = name == "words" and config is second
            cases.append(post(f"/{name}/c/{hashed(config)}/invoke", body, differs=DEFAULTS if overrides else ""))
    for endpoint in ("stream", "stream_log", "stream_events"):
        cases.append(post(f"/words/c/{hashed(second)}/{endpoint}", {"input": "x"}))
    cases.append(post(f"/words/c/{hashed(second)}/batch", {"inputs": ["x", "y"]}))
    cases += [Case("GET", f"/words/c/{hashed(second)}/{side}_schema") for side in ("input", "output", "config")]
    cases += [post(f"/words/c/{bad}/invoke", {"input": "x"}) for bad in ("!!!", "abc", "zzzzzzzz", "AAAA")]
    cases += [Case("GET", "/words/c/abc/input_schema"), Case("GET", "/words/c/abc/config_schema")]
    cases += [post("/words/c/abc/stream", {"input": "x"}, differs=MESSAGE)]
    words = {"configurable": {"words": ["third"]}}
    cases += [post("/words/invoke", {"input": "x", "config": config}) for config in (
        words, {"configurable": {"other": 1}}, {"configurable": {}}, {"configurable": {"words": 3}})]
    cases.append(post("/words/batch", {"inputs": ["x", "y"], "config": words}))
    for config in (words, {"configurable": {}}):
        cases.append(post("/others/words/none/invoke", {"input": "x", "config": config}, differs=ERROR_TEXT))
    return cases


def choices() -> list:
    """Endpoints that are there or not, the playground and what belongs to LangSmith."""
    run = {"run_id": "00000000-0000-0000-0000-00000000000a", "key": "k"}
    cases = [post("/others/few/invoke", {"input": 1}), post("/others/few/stream", {"input": 1}),
             post("/others/few/c/N4XyA/invoke", {"input": 1}), Case("GET", "/others/few/playground/"),
             Case("GET", "/others/few/input_schema"), Case("GET", "/others/few/output_schema"),
             post("/others/fewer/invoke", {"input": 1}), post("/others/fewer/batch", {"inputs": [1]}),
             post("/others/fewer/c/N4XyA/invoke", {"input": 1}), Case("GET", "/others/fewer/playground/")]
    for name, has in (("add_one", ""), ("others/feedback_on", "feedback"), ("others/trace_on", "public_trace_link")):
        cases += [Case("HEAD", f"/{name}/{end}") for end in ("feedback", "token_feedback", "public_trace_link")]
        for method, end in (("POST", "feedback"), ("PUT", "public_trace_link")):
            cases.append(Case(method, f"/{name}/{end}", {}))
            for body in (run, {**run, "run_id": "bad"}):
                cases.append(Case(method, f"/{name}/{end}", body, differs=ERROR_TEXT if end == has else ""))
        cases.append(post(f"/{name}/token_feedback", {}))
        cases.append(post(f"/{name}/token_feedback", {"token_or_url": "x"}, differs=ERROR_TEXT))
    for path in ("/add_one/playground/", "/add_one/playground/index.html", "/words/c/N4XyA/playground/"):
        cases.append(Case("GET", path, differs=PAGE))
    cases += [Case("GET", path, differs=UNTYPED) for path in ("/add_one/playground/nothing.js", "/add_one/playground")]
    cases.append(Case("GET", "/"))
    return cases


def everything() -> list:
    groups = (functions, failures, refusals, kinds, models, schemas, configurations, hashes, choices)
    return [case for group in groups for case in group()]
