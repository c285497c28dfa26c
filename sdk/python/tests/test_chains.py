"""Runnables behind LangServe's HTTP contract. The runnables are plain classes: nothing here needs LangChain."""

import asyncio
import json
import random
import time
import unittest
from unittest import mock

from fake_host import FakeHost, frames
from martlet.chains import Chain, configuration, events, loose
from martlet.chains.encoding import encode
from martlet.chains.lzstring import decompress
from martlet.errors import HTTPException

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+-"


def compress(text):
    """LZString's compression, the other way round, from the description at the head of `lzstring.py`."""
    units = [int.from_bytes(text.encode("utf-16-le")[at : at + 2], "little") for at in range(0, 2 * utf16(text), 2)]
    bits, entries, fresh = [], {}, set()
    width, room = 2, 2

    def put(number, count):
        bits.extend(number >> power & 1 for power in range(count))

    def grow():
        nonlocal width, room
        room -= 1
        if room == 0:
            room, width = 1 << width, width + 1

    def emit(word):
        if word in fresh:
            fresh.discard(word)
            wide = word[0] > 255
            put(1 if wide else 0, width)
            put(word[0], 16 if wide else 8)
            grow()
        else:
            put(entries[word], width)
        grow()

    word = ()
    for unit in units:
        if (unit,) not in entries:
            entries[(unit,)] = len(entries) + 3
            fresh.add((unit,))
        if word + (unit,) in entries:
            word += (unit,)
            continue
        emit(word)
        entries[word + (unit,)] = len(entries) + 3
        word = (unit,)
    if word:
        emit(word)
    put(2, width)
    bits += [0] * (6 - len(bits) % 6)
    groups = [bits[at : at + 6] for at in range(0, len(bits), 6)]
    return "".join(ALPHABET[int("".join(map(str, group)), 2)] for group in groups)


def utf16(text):
    return len(text.encode("utf-16-le")) // 2


class CompressionTests(unittest.TestCase):
    def test_what_clients_compress_is_read(self):
        # Made by LangServe's client.
        self.assertEqual(decompress("N4XyA"), "{}")
        self.assertEqual(
            json.loads(decompress("N4Igxg9gdgZglgcwK4CcCGAjANgUxALgAJQB3CFAEwGcDCBtEKnSKCkAXQF9Og")),
            {"configurable": {"words": ["second"]}},
        )

    def test_any_text_comes_back(self):
        random.seed(7)
        for size in [*range(60), 500, 3000]:
            for letters in ("ab", '{}":, abcdef', "aé✓😀"):
                text = "".join(random.choice(letters) for _ in range(size))
                self.assertEqual(decompress(compress(text)), text)

    def test_what_is_no_compressed_text_is_an_error(self):
        for text in ("", "!!!", "zzzzzzzz", "N4X", "A" * 50, "$$$$"):
            with self.assertRaises(ValueError):
                decompress(text)
        random.seed(8)
        for _ in range(2000):
            try:
                decompress("".join(random.choice(ALPHABET) for _ in range(random.randrange(40))))
            except ValueError:
                pass

    def test_a_little_text_cannot_stand_for_a_lot(self):
        with mock.patch("martlet.chains.lzstring.MAX_CHARACTERS", 1000):
            self.assertEqual(len(decompress(compress("a" * 1000))), 1000)
            with self.assertRaises(ValueError):
                decompress(compress("a" * 1001))


class EventTests(unittest.TestCase):
    def test_the_bytes(self):
        self.assertEqual(events.metadata("7"), b'event: metadata\r\ndata: {"run_id": "7"}\r\n\r\n')
        self.assertEqual(events.data(encode({"a": [1, "é"]})), 'event: data\r\ndata: {"a":[1,"é"]}\r\n\r\n'.encode())
        self.assertEqual(events.END, b"event: end\r\n\r\n")
        self.assertEqual(
            events.error(), b'event: error\r\ndata: {"status_code": 500, "message": "Internal Server Error"}\r\n\r\n'
        )
        self.assertEqual(events.event("x", "a\nb\r\nc"), b"event: x\r\ndata: a\r\ndata: b\r\ndata: c\r\n\r\n")
        self.assertTrue(events.ping().startswith(b": ping - 2"))
        self.assertTrue(events.ping().endswith(b"\r\n\r\n"))

    def test_numbers_that_json_cannot_say_are_null(self):
        self.assertEqual(encode({"a": [float("nan"), 1.5, float("inf")]}), b'{"a":[null,1.5,null]}')
        with self.assertRaises(TypeError):
            encode({"a": 1, (1, 2): 3})


class ConfigurationTests(unittest.TestCase):
    def test_later_ones_win_and_tags_are_united(self):
        first = {"tags": ["b", "a"], "metadata": {"x": 1, "y": 1}, "run_id": 1}
        second = {"tags": ["c", "a"], "metadata": {"y": 2}, "configurable": None, "run_id": 2}
        self.assertEqual(
            configuration.merged(first, second),
            {"tags": ["a", "b", "c"], "metadata": {"x": 1, "y": 2}, "configurable": {}, "run_id": 2},
        )

    def test_keys_that_are_not_allowed_are_dropped(self):
        said = {"tags": ["a"], "configurable": {"x": 1}, "callbacks": []}
        self.assertEqual(configuration.allowed(object(), said, ("configurable",)), {"configurable": {"x": 1}})

    def test_a_configurable_that_is_not_allowed_is_refused_where_it_would_matter(self):
        class Configurable:
            config_specs = ["words"]

        with self.assertRaises(HTTPException) as caught:
            configuration.allowed(Configurable(), {"configurable": {}}, ("tags",))
        self.assertEqual(caught.exception.status_code, 422)
        self.assertEqual(configuration.allowed(object(), {"configurable": {"x": 1}}, ()), {})

    def test_what_the_server_says_comes_last(self):
        config = configuration.forced({"run_name": "x", "metadata": {"__useragent": "forged"}}, "/joke", "invoke", "me")
        self.assertEqual(config["run_name"], "/joke")
        self.assertEqual(config["metadata"]["__useragent"], "me")
        self.assertEqual(configuration.forced({"run_id": "7"}, "", "invoke", "")["run_id"], "7")

    def test_a_batch_has_a_configuration_for_each_input(self):
        self.assertEqual(configuration.each({"tags": [], "run_id": 1}, 2), [{"tags": [], "run_id": 1}, {"tags": []}])
        self.assertEqual(configuration.each(None, 2), [{}, {}])
        with self.assertRaises(HTTPException) as caught:
            configuration.each([{}, {}, {}], 2)
        self.assertEqual(caught.exception.detail, "Number of configs (3) must match number of inputs (2)")

    def test_a_hash_that_is_no_object_is_refused(self):
        self.assertEqual(configuration.of_hash(compress('{"tags": ["a"]}')), {"tags": ["a"]})
        for text in ("abc", compress("[1]"), compress("{")):
            with self.assertRaises(HTTPException) as caught:
                configuration.of_hash(text)
            self.assertEqual((caught.exception.status_code, caught.exception.detail), (400, "Invalid config hash"))


class Upper:
    """A runnable by its methods alone."""

    def invoke(self, value, config):
        if value == "fail":
            raise ValueError("secret")
        if value == "refuse":
            raise HTTPException(418, "no")
        return {"said": value.upper(), "tags": config.get("tags"), "name": config["run_name"]}

    def batch(self, values, configs):
        return [self.invoke(value, config) for value, config in zip(values, configs)]

    def stream(self, value, config):
        for letter in value:
            if letter == "!":
                raise ValueError("secret")
            yield letter.upper()


class Events(Upper):
    async def astream_events(self, value, config, version, **chosen):
        yield {"event": version, "data": chosen, "metadata": {"__useragent": "x", "own": 1}}

    async def astream_log(self, value, config, diff, **chosen):
        class Patch:
            ops = [{"op": "add", "path": "/a", "value": chosen}]

        yield Patch()


def ask(chain, method, path, body=b"", headers=(), raises=None):
    """Status, headers and body of one request to a chain as an ASGI application."""
    sent = []

    async def receive():
        return {"type": "http.request", "body": body if isinstance(body, bytes) else json.dumps(body).encode()}

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": list(headers)}
    try:
        asyncio.run(chain(scope, receive, send))
        assert raises is None, f"{raises} was not raised"
    except Exception as error:
        if raises is None or not isinstance(error, raises):
            raise
    start = sent[0]
    found = {name.decode(): text.decode() for name, text in start["headers"]}
    return start["status"], found, b"".join(message["body"] for message in sent[1:])


class EndpointTests(unittest.TestCase):
    def json(self, chain, method, path, body=b"", status=200, **more):
        got, _, text = ask(chain, method, path, body, **more)
        self.assertEqual(got, status, text)
        return json.loads(text)

    def test_invoke_and_batch(self):
        chain = Chain("/up", Upper(), config_keys=["tags"])
        got = self.json(chain, "POST", "/up/invoke", {"input": "a", "config": {"tags": ["t"]}, "kwargs": {}})
        self.assertEqual(got["output"], {"said": "A", "tags": ["t"], "name": "/up"})
        self.assertEqual(list(got), ["output", "metadata"])
        self.assertEqual(got["metadata"]["feedback_tokens"], [])
        self.assertEqual(len(got["metadata"]["run_id"]), 36)
        got = self.json(chain, "POST", f"/up/c/{compress(json.dumps({'tags': ['h']}))}/batch", {"inputs": ["a", "b"]})
        self.assertEqual([one["said"] for one in got["output"]], ["A", "B"])
        self.assertEqual(got["output"][0]["tags"], ["h"])
        self.assertEqual([one["run_id"] for one in got["metadata"]["responses"]], got["metadata"]["run_ids"])
        self.assertEqual(self.json(chain, "POST", "/up/batch", {"inputs": []})["output"], [])

    def test_a_stream(self):
        status, headers, text = ask(Chain("/up", Upper()), "POST", "/up/stream", {"input": "ab"})
        self.assertEqual((status, headers["content-type"]), (200, "text/event-stream; charset=utf-8"))
        self.assertEqual((headers["cache-control"], headers["x-accel-buffering"]), ("no-cache", "no"))
        self.assertRegex(
            text,
            rb'\Aevent: metadata\r\ndata: {"run_id": "[0-9a-f-]{36}"}\r\n\r\n'
            rb'event: data\r\ndata: "A"\r\n\r\nevent: data\r\ndata: "B"\r\n\r\nevent: end\r\n\r\n\Z',
        )

    def test_a_stream_without_chunks_has_no_metadata(self):
        self.assertEqual(ask(Chain("/up", Upper()), "POST", "/up/stream", {"input": ""})[2], b"event: end\r\n\r\n")

    def test_a_stream_that_fails_ends_with_an_error_that_tells_nothing(self):
        _, _, text = ask(Chain("/up", Upper()), "POST", "/up/stream", {"input": "a!b"}, raises=ValueError)
        self.assertTrue(text.endswith(b'event: data\r\ndata: "A"\r\n\r\n' + events.error()), text)
        self.assertNotIn(b"secret", text)

    def test_logs_and_events(self):
        chain = Chain("/e", Events(), astream_events_version="v1")
        _, _, text = ask(chain, "POST", "/e/stream_events", {"input": "a", "include_names": ["x"], "version": "v2"})
        said = b'{"event":"v1","data":{"include_names":["x"]},"metadata":{"own":1}}'
        self.assertEqual(text, b"event: data\r\ndata: " + said + b"\r\n\r\n" + events.END)
        _, _, text = ask(chain, "POST", "/e/stream_log", {"input": "a", "exclude_tags": ["x"], "include_types": None})
        said = b'{"ops":[{"op":"add","path":"/a","value":{"exclude_tags":["x"]}}]}'
        self.assertEqual(text, b"event: data\r\ndata: " + said + b"\r\n\r\n" + events.END)
        got = self.json(chain, "POST", "/e/stream_log", {"input": "a", "include_names": 3}, status=422)
        self.assertEqual(got["detail"][0]["loc"], ["include_names"])
        self.json(Chain("/up", Upper()), "POST", "/up/stream_log", {"input": "a"}, status=404)

    def test_refusals(self):
        chain = Chain("/up", Upper())
        for raw in (b"", b"{bad", b"\xff"):
            self.assertEqual(self.json(chain, "POST", "/up/invoke", raw, status=422), {"detail": ["Invalid JSON body"]})
        missing = [{"type": "missing", "loc": ["input"], "msg": "Field required", "input": {}}]
        self.assertEqual(self.json(chain, "POST", "/up/invoke", {}, status=422), {"detail": missing})
        for body in ({"inputs": "ab"}, {"inputs": ["a"], "config": [{}, {}]}, {"inputs": ["a"], "config": 3}, {}):
            self.json(chain, "POST", "/up/batch", body, status=422)
        self.json(chain, "POST", "/up/invoke", {"input": "a", "config": 3}, status=422)
        self.json(chain, "POST", "/up/invoke", b"[1]", status=422)
        self.assertEqual(
            self.json(chain, "POST", "/up/c/abc/invoke", {"input": "a"}, status=400), {"detail": "Invalid config hash"}
        )
        got = self.json(chain, "POST", "/up/stream", b"{", status=422)
        self.assertEqual(got["message"], "the request is not valid")

    def test_what_fails_is_500_and_a_refusal_of_the_runnable_is_its_own(self):
        chain = Chain("/up", Upper())
        status, headers, text = ask(chain, "POST", "/up/invoke", {"input": "fail"}, raises=ValueError)
        self.assertEqual((status, text), (500, b"Internal Server Error"))
        self.assertEqual(headers["content-type"], "text/plain; charset=utf-8")
        self.assertEqual(self.json(chain, "POST", "/up/invoke", {"input": "refuse"}, status=418), {"detail": "no"})

    def test_which_endpoints_there_are(self):
        chain = Chain("/up", Upper(), enabled_endpoints=["invoke"])
        self.json(chain, "POST", "/up/invoke", {"input": "a"})
        for path in ("/up/batch", "/up/c/N4XyA/invoke", "/up/playground/", "/up", "/up/invoke/more", "/up/feedback"):
            self.json(chain, "POST", path, {"input": "a"}, status=404)
        chain = Chain("/up", Upper(), disabled_endpoints=["batch"])
        self.json(chain, "POST", "/up/batch", {"inputs": []}, status=404)
        self.json(chain, "POST", "/up/c/N4XyA/invoke", {"input": "a"})
        status, headers, _ = ask(chain, "GET", "/up/invoke")
        self.assertEqual((status, headers["allow"]), (405, "POST"))
        for wrong in (
            {"enabled_endpoints": ["invoke"], "disabled_endpoints": ["batch"]},
            {"enabled_endpoints": ["nothing"]},
            {"config_keys": ["run_name"]},
        ):
            with self.assertRaises(ValueError):
                Chain("/up", Upper(), **wrong)
        with self.assertRaises(ValueError):
            Chain("up", Upper())
        with self.assertRaises(TypeError):
            Chain("/up", len)

    def test_what_belongs_to_langsmith(self):
        chain = Chain("/up", Upper(), enable_feedback_endpoint=True)
        run = {"run_id": "00000000-0000-0000-0000-000000000001", "key": "k"}
        self.assertEqual(ask(chain, "HEAD", "/up/feedback")[0], 200)
        self.json(chain, "POST", "/up/feedback", run, status=400)
        self.assertEqual(len(self.json(chain, "POST", "/up/feedback", {}, status=422)["detail"]), 2)
        self.json(chain, "POST", "/up/feedback", {**run, "run_id": "no"}, status=422)
        self.json(chain, "POST", "/up/token_feedback", {"token_or_url": "x"}, status=400)
        self.json(chain, "PUT", "/up/public_trace_link", run, status=404)

    def test_a_hook_sees_the_request_and_has_the_last_word(self):
        async def modify(config, request):
            if request.headers.get("x-no"):
                raise HTTPException(403, "not you")
            return {**config, "tags": [request.headers["X-User"]]}

        chain = Chain("/up", Upper(), per_req_config_modifier=modify)
        got = self.json(chain, "POST", "/up/invoke", {"input": "a"}, headers=[(b"x-user", b"me")])
        self.assertEqual(got["output"]["tags"], ["me"])
        for endpoint in ("invoke", "stream"):
            self.json(chain, "POST", f"/up/{endpoint}", {"input": "a"}, status=403, headers=[(b"x-no", b"1")])

    def test_code_that_has_a_plain_form_alone_is_tried_as_a_coroutine_once(self):
        class Plain(Upper):
            asked = 0

            async def ainvoke(self, value, config):
                type(self).asked += 1
                raise NotImplementedError("x only supports sync methods.")

            def astream(self, value, config):
                raise NotImplementedError("x only supports sync methods.")

        chain = Chain("/up", Plain())
        for _ in range(2):
            self.assertEqual(self.json(chain, "POST", "/up/invoke", {"input": "a"})["output"]["said"], "A")
        self.assertEqual(Plain.asked, 1)
        chain = Chain("/up", Plain())
        self.assertIn(b'data: "A"', ask(chain, "POST", "/up/stream", {"input": "a"})[2])

    def test_other_things_that_are_not_implemented_are_failures(self):
        class Unfinished(Upper):
            async def ainvoke(self, value, config):
                raise NotImplementedError("later")

        ask(Chain("/up", Unfinished()), "POST", "/up/invoke", {"input": "a"}, raises=NotImplementedError)

    def test_the_playground_is_one_page(self):
        chain = Chain("/up", Upper())
        status, headers, text = ask(chain, "GET", "/up/playground/")
        self.assertEqual((status, headers["content-type"]), (200, "text/html; charset=utf-8"))
        self.assertIn("default-src 'none'", headers["content-security-policy"])
        self.assertNotRegex(text, rb"(src|href)=.?http")
        self.assertEqual(ask(chain, "GET", "/up/playground")[1]["location"], "/up/playground/")
        self.assertEqual(ask(chain, "GET", "/up/playground/other.js")[0], 404)
        self.assertEqual(ask(chain, "GET", "/up/c/N4XyA/playground/")[0], 200)

    def test_a_runnable_that_says_nothing_of_itself_takes_anything(self):
        chain = Chain("/up", Upper())
        for side in ("input", "output", "config"):
            self.assertEqual(self.json(chain, "GET", f"/up/{side}_schema"), {})

    def test_silence_is_broken_by_pings(self):
        class Slow(Upper):
            async def astream(self, value, config):
                await asyncio.sleep(0.1)
                yield "x"

        with mock.patch.object(events, "PING_EVERY", 0.02):
            text = ask(Chain("/s", Slow()), "POST", "/s/stream", {"input": ""})[2]
        self.assertIn(b": ping - ", text.split(b"event: metadata")[0])


class LooseTests(unittest.TestCase):
    def test_parts_of_others_are_not_served(self):
        class Both(Upper):
            def __init__(self, *steps):
                self.steps = {"all": list(steps)}

        one, two = Upper(), Upper()
        both = Both(one, two)
        found = loose({"one": one, "chain": both, "same": both, "_own": Upper(), "Upper": Upper, "n": 3}.items())
        self.assertEqual([api.api_path for api in found], ["/chain/*"])


class LangServeTests(unittest.TestCase):
    def test_a_file_without_an_application_runs_as_it_is_and_the_log_says_so(self):
        source = """
            from langserve import add_routes
            class Upper:
                def invoke(self, value, config): return value.upper()
                def batch(self, values, configs): return values
                def stream(self, value, config): yield value
            upper = Upper()
            add_routes(None, upper, path="/up", playground_type="chat", enabled_endpoints=["invoke"])
            """
        with FakeHost(source) as host:
            self.assertEqual(host.ready.meta["apis"][0]["path"], "/up/*")
            self.assertEqual(host.result({"input": "a"}, path="/up/invoke")["output"], "A")
            self.assertTrue(any("langserve" in log["message"] for log in host.logs))

    def test_ready_tells_what_a_chain_takes_gives_and_may_be_told(self):
        source = """
            import martlet
            class Schema:
                def __init__(self, told): self.told = told
                def model_json_schema(self): return self.told
            class Upper:
                def invoke(self, value, config): return value.upper()
                def batch(self, values, configs): return values
                def stream(self, value, config): yield value
                def get_input_schema(self, config): return Schema({"type": "string", "default": float("nan")})
                def get_output_schema(self, config): raise ValueError("no")
                def config_schema(self, include): return Schema({"type": "object", "keys": include})
            options = {"config_keys": ["configurable", "tags"], "disabled_endpoints": ["batch", "config_hashes"]}
            martlet.serve_chain("/up", Upper(), **options)
            """
        with FakeHost(source, purpose="describe") as host:
            self.assertEqual(
                host.ready.meta["apis"][0]["chain"],
                {
                    "input": {"type": "string", "default": None},
                    "output": {},
                    "config": {"type": "object", "keys": ["tags"]},
                    "endpoints": ["invoke", "stream", "input_schema", "output_schema", "config_schema"],
                    "config_hashes": False,
                },
            )

    def test_schemas_that_no_frame_can_carry_are_left_out(self):
        source = """
            import martlet
            class Schema:
                def model_json_schema(self): return {"description": "x" * 600_000}
            class Same:
                def invoke(self, value, config): return value
                def batch(self, values, configs): return values
                def stream(self, value, config): yield value
                def get_input_schema(self, config): return Schema()
            martlet.serve_chain("/one", Same())
            martlet.serve_chain("/two", Same())
            """
        with FakeHost(source, purpose="describe") as host:
            one, two = (api["chain"]["input"] for api in host.ready.meta["apis"])
            self.assertEqual((len(one["description"]), two), (600_000, {}))
            self.assertTrue(any("/two/*" in log["message"] for log in host.logs), host.logs)

    def test_dependencies_without_an_application_are_refused(self):
        source = """
            from langserve import add_routes
            add_routes(None, object(), path="/up", dependencies=[1])
            """
        with FakeHost(source) as host:
            self.assertIn("ValueError: dependencies need", host.ready.body.decode())


class WorkerTests(unittest.TestCase):
    FILE = """
        import asyncio, time, martlet
        class Slow:
            def invoke(self, value, config): return value
            def batch(self, values, configs): return values
            def stream(self, value, config):
                try:
                    for number in range(200):
                        yield number
                        time.sleep(0.02)
                finally:
                    print("closed", flush=True)
        class SlowAsync(Slow):
            async def astream(self, value, config):
                try:
                    for number in range(200):
                        yield number
                        await asyncio.sleep(0.02)
                finally:
                    print("closed", flush=True)
            async def ainvoke(self, value, config):
                try:
                    await asyncio.sleep(20)
                finally:
                    print("closed", flush=True)
        martlet.serve_chain("/plain", Slow())
        martlet.serve_chain("/async", SlowAsync())
        """

    def test_each_path_is_an_api(self):
        with FakeHost(self.FILE, purpose="describe") as host:
            self.assertEqual([api["path"] for api in host.ready.meta["apis"]], ["/plain/*", "/async/*"])
            self.assertIn("PUT", host.ready.meta["apis"][0]["methods"])
        with FakeHost(self.FILE, api="/plain/*") as host:
            self.assertEqual(host.result({"input": 3}, path="/plain/invoke")["output"], 3)

    def left(self, api, path):
        with FakeHost(self.FILE, api=api) as host:
            id = host.execute({"input": 1}, path=path)
            if path.endswith("stream"):
                self.assertTrue(host.take(frames.CHUNK).body.startswith(b"event: metadata"))
                host.take(frames.CHUNK)
            else:
                time.sleep(0.1)
            host.cancel(id)
            while host.take(frames.CHUNK, frames.CANCELLED, wait=1).type != frames.CANCELLED:
                pass
            until = time.monotonic() + 1
            while "closed" not in host.output():
                self.assertLess(time.monotonic(), until)
                time.sleep(0.01)

    def test_a_plain_generator_is_closed_when_its_client_leaves(self):
        self.left("/plain/*", "/plain/stream")

    def test_an_asynchronous_generator_is_closed_when_its_client_leaves(self):
        self.left("/async/*", "/async/stream")

    def test_a_coroutine_is_cancelled_when_its_client_leaves(self):
        self.left("/async/*", "/async/invoke")

    def test_a_stream_waits_for_its_reader(self):
        source = self.FILE.replace("0.02", "0")
        with FakeHost(source, api="/async/*") as host:
            id = host.execute({"input": 1}, path="/async/stream")
            for _ in range(frames.CREDIT_CHUNKS):
                host.take(frames.CHUNK)
            with self.assertRaises(AssertionError):
                host.next(wait=0.1)
            host.grant(id, 500, 1 << 20)
            got = [host.take(frames.CHUNK) for _ in range(202 - frames.CREDIT_CHUNKS)]
            self.assertEqual(got[-1].body, events.END)

    def test_a_failure_is_in_the_log_and_not_in_the_answer(self):
        source = """
            import martlet
            class Broken:
                def invoke(self, value, config): raise ValueError("secret")
                batch = stream = invoke
            martlet.serve_chain("/broken", Broken())
            """
        with FakeHost(source) as host:
            host.execute({"input": 1}, path="/broken/invoke")
            got = host.take(frames.RESULT)
            self.assertEqual((got.status, got.body), (500, b"Internal Server Error"))
            host.ping()
            self.assertIn("ValueError: secret", host.logs[-1]["message"])
