"""Runnables behind LangServe's routes, as a LangServe user writes them.

Real LangServe and Martlet both serve this file. Everything answers the same each time it is asked the same.
"""

import asyncio
import datetime
import time
import uuid
from typing import Any, AsyncIterator, Dict, Iterator, List

from fastapi import APIRouter, Depends, FastAPI, Header, HTTPException, Request
from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import (
    ConfigurableField,
    RunnableConfig,
    RunnableGenerator,
    RunnableLambda,
    RunnableParallel,
    RunnablePassthrough,
)
from langserve import CustomUserType, add_routes
from pydantic import BaseModel, Field
from typing_extensions import TypedDict

app = FastAPI()
others = APIRouter(prefix="/others")


@app.get("/")
async def root() -> Dict[str, str]:
    return {"hello": "chains"}


# Functions.


def add_one(x: int) -> int:
    return x + 1


async def add_two(x: int) -> int:
    return x + 2


def fail(x: int) -> int:
    raise ValueError(f"the secret is {x}")


def refuse(x: int) -> int:
    raise HTTPException(status_code=418, detail="not for you")


async def some_then_fail(inputs: AsyncIterator[int]) -> AsyncIterator[int]:
    async for x in inputs:
        for number in range(x):
            yield number
        raise ValueError("the secret broke")


async def letters(inputs: AsyncIterator[str]) -> AsyncIterator[str]:
    async for text in inputs:
        for letter in text:
            yield letter


def lines(inputs: Iterator[str]) -> Iterator[str]:
    for text in inputs:
        for line in text.splitlines(keepends=True):
            yield line


add_routes(app, RunnableLambda(add_one), path="/add_one")
add_routes(others, RunnableLambda(add_two), path="/add_two")
add_routes(others, RunnableLambda(add_one) | RunnableLambda(add_two), path="/add/both")
add_routes(app, RunnableLambda(fail), path="/fail")
add_routes(app, RunnableLambda(refuse), path="/refuse")
add_routes(app, RunnableGenerator(some_then_fail), path="/fail_later")
add_routes(app, RunnableGenerator(letters), path="/letters")
add_routes(others, RunnableGenerator(lines), path="/lines")
add_routes(others, RunnablePassthrough(), path="/pass")


# What inputs and outputs may be.


class Point(BaseModel):
    """A place on a plane."""

    x: int = Field(description="to the right")
    y: float = 0.5


class Line(BaseModel):
    ends: List[Point]
    middle: Point


class Holder(BaseModel):
    message: HumanMessage
    document: Document
    own: "Own"
    deep: Dict[str, Point]


class Own(CustomUserType):
    text: str
    count: int = 2


class Asked(TypedDict):
    question: str
    history: List[str]


def point(value: Any) -> str:
    return f"{type(value).__name__} {value!r}"


def points(value: List[Point]) -> List[str]:
    return [point(one) for one in value]


def line(value: Any) -> str:
    return f"{type(value).__name__} {value['ends']!r} {value['middle']!r}"


def holder(value: Any) -> str:
    return " ".join(f"{name}: {one!r}" for name, one in value.items())


def repeat(value: Own) -> Dict[str, Any]:
    return {"type": type(value).__name__, "text": value.text * value.count}


def answer(value: Asked) -> Dict[str, Any]:
    return {"answer": value["question"].upper(), "turns": len(value["history"])}


def messages(value: List[BaseMessage]) -> str:
    return ", ".join(f"{type(one).__name__} {one.content}" for one in value)


def odd(value: str) -> Any:
    """Outputs that are more than plain JSON."""
    kinds: Dict[str, Any] = {
        "document": Document(page_content="a", metadata={"n": 1}),
        "documents": [Document(page_content="a"), Document(page_content="b", id="7")],
        "message": HumanMessage(content="hi", name="me"),
        "chunk": AIMessageChunk(content="hi", id="1"),
        "pydantic": Point(x=3),
        "prompt": PromptTemplate.from_template("{a} b").invoke({"a": 1}),
        "none": None,
        "nested": {"a": [{"b": SystemMessage(content="s")}], "n": 1.5, "t": True},
        "uuid": uuid.UUID(int=5),
        "date": datetime.date(2026, 1, 2),
        "tuple": (1, 2),
        "set": {1},
        "nan": float("nan"),
        "unicode": "Grüße ✓ \n zwei",
        "lines": "a\r\nb\rc\u2028d",
        "object": object(),
        "bytes": b"abc",
    }
    return kinds[value]


add_routes(others, RunnableLambda(point).with_types(input_type=Point), path="/point")
add_routes(others, RunnableLambda(points), path="/points")
add_routes(others, RunnableLambda(line).with_types(input_type=Line), path="/line")
add_routes(others, RunnableLambda(holder).with_types(input_type=Holder), path="/holder")
add_routes(others, RunnableLambda(repeat).with_types(input_type=Own), path="/own")
add_routes(others, RunnableLambda(answer), path="/asked")
add_routes(others, RunnableLambda(messages).with_types(input_type=List[BaseMessage]), path="/messages")
add_routes(others, RunnableLambda(odd), path="/odd", input_type=str, output_type=Any)
add_routes(
    others, RunnableParallel(one=RunnableLambda(add_one), both=RunnableLambda(add_one) | add_two), path="/parallel"
)


# Models of language.

model = FakeListChatModel(responses=["A martlet never lands."])
prompt = ChatPromptTemplate.from_messages([("system", "Be short."), ("human", "Tell a joke about {topic}.")])
history = ChatPromptTemplate.from_messages([MessagesPlaceholder("history"), ("human", "{question}")])

add_routes(app, model, path="/chat")
add_routes(others, prompt, path="/prompt")
add_routes(app, prompt | model, path="/joke/message")
add_routes(app, (prompt | model | StrOutputParser()).with_config(run_name="joke"), path="/joke")
add_routes(others, history | model | StrOutputParser(), path="/history")


class Shelf(BaseRetriever):
    def _get_relevant_documents(
        self, query: str, *, run_manager: CallbackManagerForRetrieverRun
    ) -> List[Document]:
        return [Document(page_content=query, metadata={"page": 1}), Document(page_content=query[::-1])]


add_routes(others, Shelf(), path="/shelf")


# Streams that go on for ten seconds, and say how far they are.


async def slow_async(inputs: AsyncIterator[str]) -> AsyncIterator[str]:
    try:
        async for text in inputs:
            for _ in range(500):
                print("slow_async: step", flush=True)
                yield text
                await asyncio.sleep(0.02)
    finally:
        print("slow_async: closed", flush=True)


def counted(name: str) -> Iterator[str]:
    try:
        for _ in range(500):
            print(f"{name}: step", flush=True)
            yield "x"
            time.sleep(0.02)
    finally:
        print(f"{name}: closed", flush=True)


def slow_sync(inputs: Iterator[str]) -> Iterator[str]:
    for _ in inputs:
        yield from counted("slow_sync")


class SlowModel(BaseChatModel):
    """Streams, and knows nothing of coroutines."""

    def _generate(self, *arguments: Any, **more: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage(content="x"))])

    def _stream(self, *arguments: Any, **more: Any) -> Iterator[ChatGenerationChunk]:
        for text in counted("slow_model"):
            yield ChatGenerationChunk(message=AIMessageChunk(content=text))

    @property
    def _llm_type(self) -> str:
        return "slow"


add_routes(others, RunnableGenerator(slow_async), path="/slow_async")
add_routes(others, RunnableGenerator(slow_sync), path="/slow_sync")
add_routes(others, SlowModel() | StrOutputParser(), path="/slow_model")


# Configurations.


def told(_: Any, config: RunnableConfig) -> Dict[str, Any]:
    """What a runnable sees of its configuration."""
    names = ("tags", "metadata", "configurable", "run_name", "recursion_limit", "max_concurrency", "run_id")
    found = {name: config.get(name) for name in names}
    found["tags"] = sorted(found["tags"] or ())
    if isinstance(found["configurable"], dict):
        found["configurable"] = {k: v for k, v in found["configurable"].items() if not k.startswith("__")}
    return found


def by_request(config: Dict[str, Any], request: Request) -> Dict[str, Any]:
    if request.headers.get("x-refuse"):
        raise HTTPException(status_code=403, detail="refused by the modifier")
    config.setdefault("metadata", {})["asked_by"] = request.headers.get("x-user", "nobody")
    config.setdefault("tags", []).append("modified")
    return config


def only_known(x_token: str = Header(...)) -> None:
    if x_token != "good":
        raise HTTPException(status_code=401, detail="unknown token")


KEYS = ("configurable", "tags", "metadata", "run_id", "recursion_limit", "max_concurrency")
temperature = ConfigurableField(id="words", name="Words", description="what the model says")
configurable = FakeListChatModel(responses=["first"]).configurable_fields(responses=temperature)

add_routes(others, RunnableLambda(told), path="/told")
add_routes(others, RunnableLambda(told), path="/told/keys", config_keys=KEYS)
add_routes(others, RunnableLambda(told), path="/told/none", config_keys=[])
of_its_own = RunnableLambda(told).with_config(tags=["own"], metadata={"m": 1})
add_routes(others, of_its_own, path="/told/own", config_keys=KEYS)
add_routes(others, RunnableLambda(told), path="/told/request", config_keys=KEYS, per_req_config_modifier=by_request)
add_routes(app, configurable | StrOutputParser(), path="/words")
add_routes(app, RunnableLambda(add_one), path="/guarded", dependencies=[Depends(only_known)])


def changed(config: Dict[str, Any], request: Request) -> Dict[str, Any]:
    """What a server's hook says goes, whatever `config_keys` says."""
    return {**config, "tags": ["changed"], "metadata": {"m": 1}, "run_name": "mine"}


add_routes(others, RunnableLambda(told), path="/told/changed", per_req_config_modifier=changed)
add_routes(others, configurable | StrOutputParser(), path="/words/none", config_keys=[])
add_routes(others, RunnableLambda(add_one) | add_two, path="/events", include_callback_events=True)


# Which endpoints there are.

add_routes(others, RunnableLambda(add_one), path="/few", enabled_endpoints=["invoke", "input_schema"])
add_routes(others, RunnableLambda(add_one), path="/fewer", disabled_endpoints=["batch", "config_hashes", "playground"])
add_routes(others, RunnableLambda(add_one), path="/feedback_on", enable_feedback_endpoint=True)
add_routes(others, RunnableLambda(add_one), path="/trace_on", enable_public_trace_link_endpoint=True)
add_routes(others, prompt | model, path="/v1_events", astream_events_version="v1")

app.include_router(others)


if __name__ == "__main__":
    import os

    import uvicorn

    uvicorn.run(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")), log_level="warning")
