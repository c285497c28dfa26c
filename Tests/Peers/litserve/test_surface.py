"""Martlet under `surface.py`, asked as LitServe's clients ask."""

import asyncio
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys

import httpx
import pytest
import requests
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client

PORT = 8000
URL = f"http://127.0.0.1:{PORT}"
KEYS = {"LIT_SERVER_API_KEY": "sesame", "LIT_SHUTDOWN_API_KEY": "good night"}
KEY = {"X-API-Key": "sesame"}


@contextlib.contextmanager
def serving(port):
    process = subprocess.Popen(
        [sys.executable, pathlib.Path(__file__).with_name("surface.py")], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **KEYS, "PORT": str(port)},
    )
    try:
        for line in process.stdout:
            print(line, end="")
            if "Application startup complete." in line:
                break
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        print(process.communicate(timeout=20)[0])


@pytest.fixture(scope="module", autouse=True)
def server():
    with serving(PORT):
        yield


def test_several_apis_answer_on_their_paths():
    assert requests.post(f"{URL}/square", json={"input": 3}, headers=KEY).json() == {"output": 9.0}
    words = requests.post(f"{URL}/words", json={"text": "to be or"}, headers=KEY, stream=True)
    assert [json.loads(line)["word"] for line in words.iter_lines()] == ["to", "be", "or"]
    chat = {"messages": [{"role": "user", "content": "?"}]}
    answer = requests.post(f"{URL}/v1/chat/completions", json=chat, headers=KEY).json()
    assert answer["choices"][0]["message"]["content"] == "This is a generated output"
    assert requests.post(f"{URL}/predict", json={"input": 2}, headers=KEY).status_code == 404


def test_a_body_that_does_not_fit_the_model_is_422():
    answer = requests.post(f"{URL}/square", json={"input": "three"}, headers=KEY)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "input"]


def test_the_servers_own_paths():
    assert requests.get(f"{URL}/", headers=KEY).text == "litserve running"
    health = requests.get(f"{URL}/health", headers=KEY)
    assert (health.status_code, health.text) == (200, "ok")
    assert requests.get(f"{URL}/info", headers=KEY).json() == {
        "model": {"name": "squares", "sizes": [1, 2.5, None], "nested": {"is": True}},
        "server": {
            "devices": ["cpu"],
            "workers_per_device": {"/square": 2, "/words": 1},
            "timeout": 20,
            "stream": {"/square": False, "/words": True, "/v1/chat/completions": True},
            "max_payload_size": None,
            "track_requests": True,
        },
    }


def test_without_the_servers_key_nothing_answers():
    for path in ("/", "/health", "/info", "/openapi.json"):
        assert requests.get(f"{URL}{path}").status_code == 401, path
    for wrong in ({}, {"X-API-Key": "sesam"}):
        answer = requests.post(f"{URL}/square", json={"input": 3}, headers=wrong)
        assert (answer.status_code, list(answer.json())) == (401, ["detail"])


def test_what_is_served_is_described():
    document = requests.get(f"{URL}/openapi.json", headers=KEY).json()
    assert document["openapi"].startswith("3.1")
    own = {path for path in document["paths"] if not path.startswith("/v2")}
    assert own == {"/square", "/words", "/v1/chat/completions", "/health", "/info"}

    def body(path):
        return document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]

    assert body("/square")["properties"]["input"]["type"] == "number"
    assert body("/v1/chat/completions")["required"] == ["messages"]
    assert body("/words") == {}


def test_an_assistant_finds_the_tool_and_calls_it():
    async def call(headers, arguments):
        async with (
            httpx.AsyncClient(headers=headers) as client,
            streamable_http_client(f"{URL}/mcp/", http_client=client) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            tools = (await session.list_tools()).tools
            return tools, await session.call_tool("square", arguments)

    tools, result = asyncio.run(call(KEY, {"input": 5}))
    # The one that asks for it is what it says; the others, which LitServe would not offer, are called like their paths.
    described = {tool.name: tool for tool in tools}
    assert set(described) == {"square", "words", "v1_chat_completions"}
    assert described["square"].description == "The square of a number."
    assert described["square"].inputSchema["properties"]["input"]["type"] == "number"
    assert (result.isError, json.loads(result.content[0].text)) == (False, {"output": 25.0})
    _, refused = asyncio.run(call(KEY, {"input": "five"}))
    assert refused.isError and "number" in refused.content[0].text


def test_what_is_no_call_of_a_tool_is_said_in_json_rpc():
    def post(body):
        return requests.post(f"{URL}/mcp", data=body, headers=KEY)

    assert post("{").json()["error"]["code"] == -32700
    assert post("[]").json()["error"]["code"] == -32600
    unknown = post('{"jsonrpc": "2.0", "id": "x", "method": "resources/list"}').json()
    assert (unknown["id"], unknown["error"]["code"]) == ("x", -32601)
    tool = '{"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "circle"}}'
    assert post(tool).json()["error"]["code"] == -32602
    notice = post('{"jsonrpc": "2.0", "method": "notifications/initialized"}')
    assert (notice.status_code, notice.content) == (202, b"")
    assert requests.get(f"{URL}/mcp", headers=KEY).status_code == 405
    assert requests.post(f"{URL}/mcp", data=tool).status_code == 401


def test_the_shutdown_key_ends_the_server():
    with serving(PORT + 1) as server:
        url = f"http://127.0.0.1:{PORT + 1}/shutdown"
        assert requests.post(url, headers=KEY).status_code == 401
        assert requests.post(url, headers={"Authorization": "Bearer nobody"}).status_code == 401
        assert server.poll() is None
        answer = requests.post(url, headers={"Authorization": "Bearer good night"})
        assert (answer.status_code, answer.text) == (200, "Server is initiating graceful shutdown.")
        assert server.wait(20) == 0
