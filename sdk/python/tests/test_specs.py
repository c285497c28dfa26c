import base64
import json
import struct
import unittest

from fake_host import FakeHost, frames

CHAT = """
    import martlet
    class Chat(martlet.LitAPI):
        def predict(self, request, context):
            kind = request.messages[-1].content
            if kind == "fail": raise ValueError("secret")
            if kind == "late": yield "a"; raise ValueError("secret")
            if kind == "tool":
                call = {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
                yield martlet.ChatMessage(role="assistant", content="", tool_calls=[call])
                return
            if kind == "long": yield {"content": "cut", "finish_reason": "length"}; return
            yield "Hello "
            yield {"role": "assistant", "content": "%.1f" % context["temperature"]}
            yield {"role": "assistant", "content": "", "prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    api = Chat(spec=martlet.OpenAISpec())
    """


def ask(text, **more):
    return {"model": "m", "messages": [{"role": "user", "content": text}], **more}


def events(chunks):
    text = b"".join(chunk.body for chunk in chunks).decode()
    found = [part[len("data: ") :] for part in text.split("\n\n") if part]
    assert found[-1] == "[DONE]", found
    return [json.loads(one) for one in found[:-1]]


class ChatTests(unittest.TestCase):
    def test_a_whole_answer(self):
        with FakeHost(CHAT) as host:
            self.assertEqual(host.ready.meta["apis"][0]["path"], "/v1/chat/completions")
            got = host.result(ask("hi", temperature=0.5, n=2))
            self.assertEqual(got["object"], "chat.completion")
            self.assertEqual([one["message"]["content"] for one in got["choices"]], ["Hello 0.5", "Hello 0.5"])
            self.assertEqual([one["finish_reason"] for one in got["choices"]], ["stop", "stop"])
            self.assertEqual(got["usage"], {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7})
            got = host.result(ask("tool"))
            self.assertEqual(got["choices"][0]["finish_reason"], "tool_calls")
            self.assertEqual(got["choices"][0]["message"]["tool_calls"][0]["function"]["name"], "f")
            self.assertEqual(host.result(ask("long"))["choices"][0]["finish_reason"], "length")

    def test_a_stream_has_one_id_one_role_one_reason_and_the_usage_that_was_asked_for(self):
        with FakeHost(CHAT) as host:
            chunks = host.stream(host.execute(ask("hi", stream=True, stream_options={"include_usage": True})))
            self.assertTrue(chunks[0].meta["type"].startswith("text/event-stream"))
            got = events(chunks)
            self.assertEqual(len({one["id"] for one in got}), 1)
            deltas = [one["choices"][0] for one in got if one["choices"]]
            self.assertEqual([one["delta"].get("role") for one in deltas], ["assistant", None, None, None])
            self.assertEqual("".join(one["delta"].get("content") or "" for one in deltas), "Hello 0.7")
            self.assertEqual([one["finish_reason"] for one in deltas], [None, None, None, "stop"])
            self.assertEqual((got[-1]["choices"], got[-1]["usage"]["total_tokens"]), ([], 5))
            self.assertTrue(all(one["usage"] is None for one in got[:-1]))
            got = events(host.stream(host.execute(ask("tool", stream=True))))
            self.assertEqual(got[0]["choices"][0]["delta"]["tool_calls"][0]["index"], 0)
            self.assertEqual(got[-1]["choices"][0]["finish_reason"], "tool_calls")
            self.assertTrue(all("usage" not in one for one in got))

    def test_choices_take_turns(self):
        with FakeHost(CHAT) as host:
            got = events(host.stream(host.execute(ask("hi", stream=True, n=2))))
            self.assertEqual([one["choices"][0]["index"] for one in got[:4]], [0, 1, 0, 1])

    def test_errors_have_openais_form(self):
        with FakeHost(CHAT) as host:
            for stream in (False, True):
                host.execute(ask("fail", stream=stream))
                got = host.take(frames.ERROR)
                self.assertEqual((got.status, got.json()["error"]["message"]), (500, "Internal server error"))
            chunks = host.stream(host.execute(ask("late", stream=True)))
            self.assertEqual(chunks[-1].type, frames.ERROR)
            self.assertTrue(chunks[-2].body.startswith(b'data: {"error"') and chunks[-2].body.endswith(b"\n\n"))
            others = ({}, {"messages": "x"}, {"messages": [{"content": "x"}]}, 5)
            for wrong in (*others, ask("x", n=0), ask("x", stream=3)):
                host.execute(wrong)
                self.assertEqual(host.take(frames.ERROR).status, 422)

    def test_a_batched_chat_streams_each_request_its_own(self):
        source = """
            import martlet
            class Chat(martlet.LitAPI):
                def batch(self, inputs): return [one.messages[0].content for one in inputs]
                def predict(self, texts, context):
                    for word in ("a", "b"): yield [text + word for text in texts]
            api = Chat(spec=martlet.OpenAISpec(), max_batch_size=4)
            """
        with FakeHost(source) as host:
            body = [json.dumps(ask(text, stream=stream)).encode() for text, stream in (("x", False), ("y", True))]
            ids = host.batch([({}, one) for one in body])
            got = [host.take(frames.RESULT, frames.CHUNK) for _ in range(5)]
            whole = [one for one in got if one.id == ids[0]]
            self.assertEqual(whole[0].json()["choices"][0]["message"]["content"], "xaxb")
            parts = events([one for one in got if one.id == ids[1]])
            self.assertEqual([one["choices"][0]["delta"].get("content") for one in parts], ["ya", "yb", None])


class EmbeddingTests(unittest.TestCase):
    MODEL = """
        import martlet
        class Embed(martlet.LitAPI):
            def predict(self, x):
                texts = x if isinstance(x, list) else [x]
                return [[3.0, 4.0, float(len(text))] for text in texts]
            def encode_response(self, output):
                return {"embeddings": output, "prompt_tokens": 2, "total_tokens": 2}
        class Batched(martlet.LitAPI):
            def predict(self, xs):
                print("batch", len(xs), flush=True)
                return [[1.0, float(len(x[0] if isinstance(x, list) else x))] for x in xs]
        server = martlet.LitServer([
            Embed(spec=martlet.OpenAIEmbeddingSpec()),
            Batched(spec=martlet.OpenAIEmbeddingSpec(), max_batch_size=4, api_path="/batched"),
        ])
        """

    def test_texts_lists_tokens_base64_and_dimensions(self):
        with FakeHost(self.MODEL, api="/v1/embeddings") as host:
            got = host.result({"model": "m", "input": "abc"})
            self.assertEqual(got["data"], [{"object": "embedding", "index": 0, "embedding": [3.0, 4.0, 3.0]}])
            self.assertEqual((got["model"], got["usage"]), ("m", {"prompt_tokens": 2, "total_tokens": 2}))
            got = host.result({"model": "m", "input": ["a", "bb"], "encoding_format": "base64"})
            self.assertEqual(struct.unpack("<3f", base64.b64decode(got["data"][1]["embedding"])), (3.0, 4.0, 2.0))
            got = host.result({"model": "m", "input": "abc", "dimensions": 2})
            self.assertEqual(got["data"][0]["embedding"], [0.6, 0.8])
            others = ({}, {"input": []}, {"input": 3}, {"input": ["a", 1]})
            for wrong in (*others, {"input": "x", "encoding_format": "hex"}):
                host.execute(wrong)
                self.assertEqual(host.take(frames.ERROR).status, 422)

    def test_texts_of_several_requests_share_batches(self):
        with FakeHost(self.MODEL, api="/batched") as host:
            bodies = [{"model": "m", "input": ["a", "bb", "ccc"]}, {"input": "dddd"}, {"input": ["e" * 5] * 2}]
            host.batch([({}, json.dumps(body).encode()) for body in bodies])
            got = [host.take(frames.RESULT).json() for _ in bodies]
            self.assertEqual([[one["embedding"][1] for one in each["data"]] for each in got], [[1, 2, 3], [4], [5, 5]])
            self.assertEqual(host.output().split(), ["batch", "4", "batch", "2"])
