"""The small example APIs that LitServe ships and its users' files and tests refer to by name."""

import time
from typing import Any, Dict


def make(LitAPI: Any) -> Dict[str, Any]:
    """The classes, derived from the given base."""

    class SimpleLitAPI(LitAPI):
        """Squares a number."""

        def setup(self, device: str) -> None:
            self.model = lambda x: x**2

        def decode_request(self, request: Any) -> Any:
            return request["input"]

        def predict(self, x: Any) -> Any:
            return self.model(x)

        def encode_response(self, output: Any) -> Any:
            return {"output": output}

    class SimpleBatchedAPI(SimpleLitAPI):
        """Squares arrays of numbers together."""

        def decode_request(self, request: Any) -> Any:
            import numpy

            return numpy.asarray(request["input"])

    class SimpleStreamAPI(LitAPI):
        """Says the input three times."""

        def decode_request(self, request: Any) -> Any:
            return request["input"]

        def predict(self, x: Any) -> Any:
            for number in range(3):
                yield f"{number}: {x}"

        def encode_response(self, output: Any) -> Any:
            for text in output:
                yield {"output": text}

    class SimpleTorchAPI(LitAPI):
        """2x + 1, as a layer of torch."""

        def setup(self, device: str) -> None:
            import torch

            layer = torch.nn.Linear(1, 1)
            torch.nn.init.constant_(layer.weight, 2.0)
            torch.nn.init.constant_(layer.bias, 1.0)
            self.model = layer.to(device)

        def decode_request(self, request: Any) -> Any:
            import torch

            return torch.tensor([request["input"]], device=self.device)

        def predict(self, x: Any) -> Any:
            return self.model(x[None, :])

        def encode_response(self, output: Any) -> Any:
            return {"output": float(output)}

    class TestAPI(LitAPI):
        """A chat model with one sentence."""

        def predict(self, x: Any) -> Any:
            yield "This is a generated output"

    class TestAPIWithCustomEncode(TestAPI):
        def encode_response(self, output: Any) -> Any:
            yield {"role": "assistant", "content": "This is a custom encoded output"}

    class TestAPIWithToolCalls(TestAPI):
        def encode_response(self, output: Any) -> Any:
            call = {"name": "function_1", "arguments": '{"arg_1": "arg_1_value"}'}
            calls = [{"id": "call_1", "type": "function", "function": call}]
            yield {"role": "assistant", "content": "", "tool_calls": calls}

    class TestAPIWithStructuredOutput(TestAPI):
        def encode_response(self, output: Any) -> Any:
            event = '{"name": "Science Fair", "date": "Friday", "participants": ["Alice", "Bob"]}'
            yield {"role": "assistant", "content": event}

    class OpenAIBatchContext(LitAPI):
        """A batched chat model that greets word by word and writes into the requests' contexts."""

        words = (
            "Hi! It's nice to meet you. Is there something I can help you with or would you like to chat?"
        ).split()

        def predict(self, inputs: Any, context: Any) -> Any:
            for one in context:
                one["temperature"] = 1.0
            for word in self.words:
                time.sleep(0.01)
                yield [word + " "] * len(inputs)

        def unbatch(self, output: Any) -> Any:
            return output

        def encode_response(self, output: Any, context: Any) -> Any:
            for texts in output:
                yield [{"role": "assistant", "content": text} for text in texts]
            assert all(one["temperature"] == 1.0 for one in context)

    class OpenAIWithUsage(LitAPI):
        def predict(self, x: Any) -> Any:
            counts = {"prompt_tokens": 25, "completion_tokens": 10, "total_tokens": 35}
            yield {"role": "assistant", "content": "10 + 6 is equal to 16.", **counts}

    class TestEmbedAPI(LitAPI):
        """768 numbers at random for each text."""

        def predict(self, inputs: Any) -> Any:
            import numpy

            texts = inputs if isinstance(inputs, list) else [inputs]
            return numpy.random.rand(len(texts), 768).tolist()

        def encode_response(self, output: Any) -> Any:
            return {"embeddings": output}

    class TestEmbedBatchedAPI(TestEmbedAPI):
        def predict(self, batch: Any) -> Any:
            return [TestEmbedAPI.predict(self, texts) for texts in batch]

    class TestEmbedAPIWithUsage(TestEmbedAPI):
        def encode_response(self, output: Any) -> Any:
            return {"embeddings": output, "prompt_tokens": 10, "total_tokens": 10}

    made = dict(locals())
    del made["LitAPI"]
    return made
