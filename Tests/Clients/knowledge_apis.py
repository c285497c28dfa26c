"""Assistants and Dify ask for knowledge: the client of the Model Context Protocol, and Dify's external knowledge."""

import asyncio
import contextlib
import json
import tempfile
import urllib.error
import urllib.request

from mcp import Client
from support import HOME, Martlet, main

TEXT = "# 年假\n\n员工每年享有十五天带薪年假，未休完的年假可以结转到次年三月。\n"
QUESTION = "员工一年有几天年假？"


def ask(method: str, url: str, body: dict | bytes) -> dict:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    kind = {} if isinstance(body, bytes) else {"Content-Type": "application/json"}
    with urllib.request.urlopen(urllib.request.Request(url, data, kind, method=method), timeout=30) as answer:
        return json.loads(answer.read())


@contextlib.contextmanager
def serving():
    """A server with a base `handbook` of one document."""
    with tempfile.TemporaryDirectory() as folder:
        configuration = (
            "pools: {nowhere: {targets: ['http://127.0.0.1:1'], health: off}}\nmodels: {absent: {pool: nowhere}}\n"
            f"knowledge: {{store: {folder}/knowledge, weights: {HOME}/.martlet/encoders}}\n")
        with Martlet(configuration) as martlet:
            ask("POST", f"{martlet.url}/knowledge", {"name": "handbook"})
            ask("PUT", f"{martlet.url}/knowledge/handbook/documents/leave.md", TEXT.encode())
            yield martlet


def check_an_assistant_searches_with_the_tool() -> None:
    async def talk(url: str) -> None:
        async with Client(url) as client:
            assert "search_knowledge" in [tool.name for tool in (await client.list_tools()).tools]
            found = await client.call_tool("search_knowledge", {"query": QUESTION, "bases": ["handbook"]})
            assert not found.is_error and "十五天带薪年假" in found.content[0].text, found
            assert "leave.md" in found.content[0].text, "the document is named"
            unknown = await client.call_tool("search_knowledge", {"query": QUESTION, "bases": ["none"]})
            assert unknown.is_error, unknown

    with serving() as martlet:
        asyncio.run(talk(f"{martlet.url}/mcp"))


def check_dify_retrieves() -> None:
    """As Dify's documentation of its external knowledge API has it."""
    with serving() as martlet:
        body = {
            "knowledge_id": "handbook", "query": QUESTION, "retrieval_setting": {"top_k": 2, "score_threshold": 0.1},
        }
        records = ask("POST", f"{martlet.url}/dify/retrieval", body)["records"]
        assert len(records) == 1 and "十五天带薪年假" in records[0]["content"], records
        assert 0 < records[0]["score"] <= 1 and records[0]["title"] == "leave.md", records
        assert isinstance(records[0]["metadata"], dict), "never null"
        condition = {"name": ["name"], "comparison_operator": "is", "value": "other.md"}
        body["metadata_condition"] = {"logical_operator": "and", "conditions": [condition]}
        assert ask("POST", f"{martlet.url}/dify/retrieval", body)["records"] == []
        try:
            ask("POST", f"{martlet.url}/dify/retrieval", {**body, "knowledge_id": "none"})
            raise AssertionError("a base that there is not is an error")
        except urllib.error.HTTPError as error:
            assert json.loads(error.read())["error_code"] == 2001, error


if __name__ == "__main__":
    main(globals())
