"""What LitServe's own tests leave out: a server that uses every part that clients of it can see."""

import os

from pydantic import BaseModel

import litserve as ls
from litserve.mcp import MCP
from litserve.test_examples.openai_spec_example import TestAPI


class Square(BaseModel):
    input: float


class Squares(ls.LitAPI):
    """Squares a number."""

    def decode_request(self, request: Square) -> float:
        return request.input

    def predict(self, x):
        return x**2

    def encode_response(self, output):
        return {"output": output}


class Words(ls.LitAPI):
    def decode_request(self, request):
        return request["text"]

    def predict(self, text):
        yield from text.split()

    def encode_response(self, output):
        for word in output:
            yield {"word": word}


if __name__ == "__main__":
    server = ls.LitServer(
        [
            Squares(api_path="/square", mcp=MCP(name="square", description="The square of a number.")),
            Words(api_path="/words", stream=True),
            TestAPI(spec=ls.OpenAISpec()),
        ],
        workers_per_device={"/square": 2, "/words": 1},
        model_metadata={"name": "squares", "sizes": [1, 2.5, None], "nested": {"is": True}},
        enable_shutdown_api=True,
        timeout=20,
        track_requests=True,
    )
    server.run(port=int(os.environ["PORT"]), generate_client_file=False)
