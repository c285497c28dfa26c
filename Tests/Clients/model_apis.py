"""Models of our own in worker processes, asked by the clients of other servers: Triton's, OpenAI's, an assistant's, and
a reader of OpenAPI."""

import asyncio
import contextlib
import http.client
import json
import pathlib
import sys
import tempfile
import urllib.error
import urllib.request

import numpy
import openai
import tritonclient.http as triton
from mcp import Client
from openapi_spec_validator import validate
from support import Martlet, eventually, get, main
from tritonclient.utils import InferenceServerException

MODELS = '''
import martlet

class Double(martlet.LitAPI):
    def decode_request(self, request): return request["input"]
    def predict(self, x): return self.twice(x)
    def twice(self, x): return [self.twice(one) for one in x] if isinstance(x, list) else x * 2
    def encode_response(self, output): return {"output": output}

class Shout(martlet.LitAPI):
    def decode_request(self, request):
        if "text" not in request: raise martlet.HTTPException(422, "there is no text", headers={"Retry-After": "7"})
        return request["text"]
    def predict(self, texts): return [text.upper() for text in texts]
    def encode_response(self, output): return {"loud": output, "lengths": [len(text) for text in output], "ok": True}

class Chat(martlet.LitAPI):
    def predict(self, request):
        yield "Hello "
        yield request.messages[-1].content

class Embedding(martlet.LitAPI):
    def predict(self, texts):
        return [[float(len(text)), 0.5] for text in ([texts] if isinstance(texts, str) else texts)]
    def encode_response(self, output): return {"embeddings": output}

class Slow(martlet.LitAPI):
    def decode_request(self, request): return request
    def predict(self, x, context):
        open(PLACE + "/began", "w").close()
        while not context.cancelled: pass
        open(PLACE + "/cancelled", "w").close()

if __name__ == "__main__":
    martlet.LitServer([
        Double(api_path="/double"), Shout(api_path="/text/shout"), Slow(api_path="/slow"),
        Chat(spec=martlet.OpenAISpec()), Embedding(spec=martlet.OpenAIEmbeddingSpec()),
    ]).run()
'''


CHAINS = '''
import martlet, pydantic

class Place(pydantic.BaseModel):
    name: str

class Asked(pydantic.BaseModel):
    place: Place

class Upper:
    def invoke(self, value, config): return value["place"]["name"].upper()
    def batch(self, values, configs): return [self.invoke(value, None) for value in values]
    def stream(self, value, config): yield self.invoke(value, config)
    def get_input_schema(self, config): return Asked

martlet.serve_chain("/up", Upper())
martlet.serve_chain("/some/other", Upper(), disabled_endpoints=["batch", "config_hashes"])
'''


@contextlib.contextmanager
def serving(more: str = "", source: str = MODELS, apis: int = 5):
    """(Martlet, the folder in which its models leave notes)"""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        file = folder / "models.py"
        file.write_text(f"PLACE = {name!r}\n{source}")
        words = f"app: {file}, name: m, python: {sys.executable}, grace: 1s"
        with Martlet(f"workers: [{{{words}{more}}}]\n") as martlet:
            states = ["ready"] * apis
            eventually(lambda: [one["state"] for one in martlet.backends()] == states, 20, "the workers serve")
            martlet.wait_for(*(pool["name"] for pool in martlet.status()["pools"]))
            yield martlet, folder


def tensor(name: str, values: numpy.ndarray, datatype: str, binary: bool) -> triton.InferInput:
    made = triton.InferInput(name, list(values.shape), datatype)
    return made.set_data_from_numpy(values, binary_data=binary)


def refused(kind: type, action, *arguments, **named):
    try:
        action(*arguments, **named)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def check_triton_client_is_told_what_there_is() -> None:
    with serving() as (martlet, _), triton.InferenceServerClient(martlet.url.removeprefix("http://")) as client:
        assert client.is_server_live() and client.is_server_ready()
        assert client.is_model_ready("double") and client.is_model_ready("text/shout")
        assert client.get_server_metadata()["name"] == "martlet"
        metadata = client.get_model_metadata("double")
        assert metadata["name"] == "double" and metadata["versions"], metadata
        version = metadata["versions"][0]
        assert client.is_model_ready("double", version) and not client.is_model_ready("double", "none")
        names = {model["name"]: model["state"] for model in client.get_model_repository_index()}
        assert names["double"] == names["text/shout"] == "READY", names
        assert not client.is_model_ready("nobody")
        error = refused(InferenceServerException, client.get_model_metadata, "nobody")
        assert error.status() == "404" and "nobody" in error.message(), error


def check_triton_client_infers() -> None:
    with serving() as (martlet, _), triton.InferenceServerClient(martlet.url.removeprefix("http://")) as client:
        for binary in (False, True):
            for values, datatype, answered in (
                (numpy.array([[1.5, 2], [3, 4]], numpy.float32), "FP32", numpy.float64),
                (numpy.array([1, -(2**40)], numpy.int64), "INT64", numpy.int64),
                (numpy.array(3, numpy.float16), "FP16", numpy.float64),
            ):
                answer = client.infer("double", [tensor("input", values, datatype, binary)], request_id="7")
                got = answer.as_numpy("output")
                assert got.dtype == answered and (got == values * 2).all(), (binary, got)
                assert answer.get_response()["id"] == "7" and answer.get_response()["model_name"] == "double"
            texts = numpy.array(["a", "größer"], object)
            named = [triton.InferRequestedOutput(name, binary) for name in ("loud", "ok")]
            for wanted in (None, named):
                answer = client.infer("text/shout", [tensor("text", texts, "BYTES", binary)], outputs=wanted)
                loud = [one.decode() if isinstance(one, bytes) else one for one in answer.as_numpy("loud")]
                assert loud == ["A", "GRÖSSER"], loud
                assert answer.as_numpy("ok").tolist() == [True]
                assert (answer.as_numpy("lengths") is None) == (wanted is not None)
        martlet.wait_until_idle()


def check_triton_client_is_told_what_is_wrong() -> None:
    with serving() as (martlet, _), triton.InferenceServerClient(martlet.url.removeprefix("http://")) as client:
        one = numpy.array([1, 2], numpy.float32)
        for binary in (False, True):
            wrong = tensor("input", one, "FP32", binary)
            wrong.set_shape([3])
            error = refused(InferenceServerException, client.infer, "double", [wrong])
            assert error.status() == "400" and "shape" in error.message(), error
        good = [tensor("input", one, "FP32", True)]
        outputs = [triton.InferRequestedOutput("nothing")]
        error = refused(InferenceServerException, client.infer, "double", good, outputs=outputs)
        assert error.status() == "400" and "nothing" in error.message(), error
        error = refused(InferenceServerException, client.infer, "text/shout", good)
        assert error.status() == "422" and "there is no text" in error.message(), error
        error = refused(InferenceServerException, client.infer, "double", good, request_compression_algorithm="gzip")
        assert error.status() == "415", error
        answer = refused(urllib.error.HTTPError, get, f"{martlet.url}/v2/models/double/infer")
        assert (answer.code, answer.headers["Allow"]) == (405, "POST")


def post(url: str, body: bytes, **headers: str):
    fields = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib.request.urlopen(urllib.request.Request(url, body, fields), timeout=10)


def check_the_words_of_a_refusal_reach_the_client() -> None:
    with serving() as (martlet, _):
        answer = refused(
            urllib.error.HTTPError, post, f"{martlet.url}/text/shout", b"{}", Content_Type="application/json"
        )
        assert (answer.code, answer.headers["Retry-After"]) == (422, "7"), answer.headers
        answer = refused(urllib.error.HTTPError, get, f"{martlet.url}/text/shout")
        assert (answer.code, answer.headers["Allow"]) == (405, "POST"), answer.headers


def check_an_assistant_calls_every_model() -> None:
    async def talk(url: str) -> None:
        async with Client(url) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert {"double", "text_shout", "slow"} <= set(tools), tools
            result = await client.call_tool("double", {"input": 21})
            assert not result.is_error and json.loads(result.content[0].text) == {"output": 42}, result
            result = await client.call_tool("text_shout", {})
            assert result.is_error and result.content[0].text == "there is no text", result

    with serving() as (martlet, _):
        asyncio.run(talk(f"{martlet.url}/mcp"))
        call = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list"}).encode()
        own = dict(Content_Type="application/json")
        for origin in ("http://localhost:3000", martlet.url):
            assert post(f"{martlet.url}/mcp", call, **own, Origin=origin).status == 200
        for origin in ("http://evil.example", "null"):
            assert refused(urllib.error.HTTPError, post, f"{martlet.url}/mcp", call, **own, Origin=origin).code == 403
        # A name that somebody made mean this machine.
        rebound = dict(Host="evil.example", Origin="http://evil.example")
        assert refused(urllib.error.HTTPError, post, f"{martlet.url}/mcp", call, **own, **rebound).code == 403
        refusal = refused(urllib.error.HTTPError, post, f"{martlet.url}/mcp", call, Content_Type="text/plain")
        assert refusal.code == 415
        assert refused(urllib.error.HTTPError, get, f"{martlet.url}/mcp").code == 405
        martlet.wait_until_idle()
    with serving(", mcp: off") as (martlet, _):
        assert refused(urllib.error.HTTPError, post, f"{martlet.url}/mcp", call, **own).code == 404


def check_a_tool_whose_caller_leaves_is_stopped() -> None:
    with serving() as (martlet, folder):
        call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "slow", "arguments": {}}}
        host, port = martlet.url.removeprefix("http://").split(":")
        caller = http.client.HTTPConnection(host, int(port), timeout=10)
        caller.request("POST", "/mcp", json.dumps(call), {"Content-Type": "application/json"})
        eventually((folder / "began").exists, 5, "the tool is called")
        caller.close()
        eventually((folder / "cancelled").exists, 5, "the model is told that nobody listens")
        martlet.wait_until_idle()


def check_the_openapi_document_is_valid() -> None:
    with serving() as (martlet, _):
        document = json.loads(get(f"{martlet.url}/openapi.json"))
        validate(document)
        paths = set(document["paths"])
        wanted = {"/double", "/text/shout", "/v1/chat/completions", "/v1/embeddings", "/v2/models/{name}/infer"}
        assert wanted <= paths, paths


def check_the_openapi_document_has_the_paths_of_chains() -> None:
    with serving(source=CHAINS, apis=2) as (martlet, _):
        document = json.loads(get(f"{martlet.url}/openapi.json"))
        validate(document)
        # Neither tells of its steps.
        ends = ["invoke", "batch", "stream", "input_schema", "output_schema", "config_schema"]
        up = [f"/up{below}/{end}" for below in ("", "/c/{config_hash}") for end in ends]
        other = [f"/some/other/{end}" for end in ends if end != "batch"]
        assert set(document["paths"]) == {*up, *other, "/health", "/info"}, set(document["paths"])
        known = document["components"]["schemas"]
        assert set(known) == {"Place", "up_input", "some_other_input"}, known
        assert known["up_input"]["properties"]["place"] == {"$ref": "#/components/schemas/Place"}, known
        asked = document["paths"]["/up/invoke"]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert asked["properties"]["input"] == {"$ref": "#/components/schemas/up_input"}, asked
        body = json.dumps({"input": {"place": {"name": "here"}}}).encode()
        answer = json.load(post(f"{martlet.url}/up/invoke", body, Content_Type="application/json"))
        assert answer["output"] == "HERE", answer


def check_the_openai_client_chats_and_embeds() -> None:
    question = [{"role": "user", "content": "world"}]
    with serving() as (martlet, _):
        server = openai.OpenAI(base_url=f"{martlet.url}/v1", api_key="none", timeout=20, max_retries=0)
        whole = server.chat.completions.create(model="m", messages=question)
        assert whole.choices[0].message.content == "Hello world" and whole.choices[0].finish_reason == "stop", whole
        chunks = list(server.chat.completions.create(model="m", messages=question, stream=True))
        assert len({chunk.id for chunk in chunks}) == 1
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Hello world"
        # The client asks for base64 unless told otherwise.
        for form in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
            answer = server.embeddings.create(model="m", input=["a", "four"], **form)
            vectors = [item.embedding for item in answer.data]
            if form.get("encoding_format") == "base64":
                assert all(isinstance(vector, str) for vector in vectors), vectors
            else:
                assert vectors == [[1.0, 0.5], [4.0, 0.5]], vectors
        assert server.embeddings.create(model="m", input="xyz").data[0].embedding == [3.0, 0.5]
        error = refused(openai.APIStatusError, server.chat.completions.create, model="m", messages="none")
        assert 400 <= error.status_code < 500, error
        martlet.wait_until_idle()


if __name__ == "__main__":
    main(globals())
