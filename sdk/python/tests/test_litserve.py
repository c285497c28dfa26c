"""Files written for LitServe, and what they get on the wire."""

import unittest

from fake_host import FakeHost


class LitServeTests(unittest.TestCase):
    def test_a_file_runs_as_it_is_and_the_log_says_so(self):
        source = """
            import litserve as ls
            from litserve.specs.openai import ChatMessage
            from litserve.callbacks import Callback
            from litserve.loggers import Logger
            from litserve.mcp import MCP
            class Told(Callback):
                def on_before_predict(self, lit_api): print("before", type(lit_api).__name__, flush=True)
            class Log(Logger):
                def process(self, key, value): print("logged", key, value, flush=True)
            class API(ls.LitAPI):
                def setup(self, device): self.model = lambda x: x ** 2
                def decode_request(self, request): return request["input"]
                def predict(self, x, context):
                    context["seen"] = x
                    self.log("size", x)
                    return self.model(x)
                def encode_response(self, output, context): return {"output": output, "seen": context["seen"]}
            if __name__ == "__main__":
                server = ls.LitServer(API(mcp=MCP(description="squares")), callbacks=[Told()], loggers=Log(), timeout=5)
                server.run(port=8000)
            """
        with FakeHost(source) as host:
            self.assertEqual(host.result({"input": 4.0}), {"output": 16.0, "seen": 4.0})
            self.assertTrue(any("litserve" in log["message"] for log in host.logs))
            self.assertIn("before API", host.output())
            self.assertIn("logged size 4.0", host.output())
            self.assertEqual(host.metrics, [{"name": "size", "value": 4.0}])
            self.assertEqual(host.ready.meta["apis"][0]["mcp"]["description"], "squares")

    def test_bytes_are_a_json_string_as_there(self):
        source = """
            import litserve as ls
            class API(ls.LitAPI):
                def predict(self, x): return b"raw"
            """
        with FakeHost(source) as host:
            self.assertEqual(host.result({}), "raw")

    def test_the_examples_of_litserve_are_there(self):
        source = """
            import litserve as ls
            from litserve.test_examples.openai_spec_example import TestAPI
            from litserve.utils import is_package_installed
            assert not is_package_installed("no_such_package")
            server = ls.LitServer([ls.test_examples.SimpleLitAPI(), TestAPI(spec=ls.OpenAISpec())])
            """
        with FakeHost(source, api="/predict") as host:
            self.assertEqual(host.result({"input": 4}), {"output": 16})
        with FakeHost(source, api="/v1/chat/completions") as host:
            got = host.result({"messages": [{"role": "user", "content": "?"}]})
            self.assertEqual(got["choices"][0]["message"]["content"], "This is a generated output")

    def test_asynchronous_streams(self):
        source = """
            import litserve as ls
            class API(ls.LitAPI):
                async def decode_request(self, request): return request["input"]
                async def predict(self, x):
                    for i in range(10): yield i
                async def encode_response(self, output):
                    async for out in output: yield {"output": out}
            if __name__ == "__main__":
                ls.LitServer(API(enable_async=True, stream=True)).run()
            """
        with FakeHost(source) as host:
            chunks = host.stream(host.execute({"input": 4.0}))
            self.assertEqual([one.json()["output"] for one in chunks[:-1]], list(range(10)))

    def test_a_custom_loop_is_said_to_be_left_out(self):
        source = """
            import litserve as ls
            from litserve.loops import LitLoop
            class Mine(LitLoop): pass
            class API(ls.LitAPI):
                def predict(self, x): return x
            server = ls.LitServer(API(loop=Mine()), middlewares=[object])
            """
        with FakeHost(source) as host:
            host.result(1)
            self.assertEqual([log["level"] for log in host.logs], ["notice", "warning", "warning"])
