"""The official OpenAI client, as its users have it."""

import asyncio
import gc
import time

import openai
from support import Martlet, Mock, eventually, main, pool_of, served_by_mock

QUESTION = [{"role": "user", "content": "Say hello."}]


def client(martlet: Martlet, **options) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{martlet.url}/v1", api_key="none", timeout=20, **{"max_retries": 0, **options})


def stream(server: openai.OpenAI, model: str = "mock", **fields):
    return server.chat.completions.create(model=model, messages=QUESTION, stream=True, **fields)


def fault(word: str, **more: str) -> dict:
    return {"extra_headers": {"x-mock-fault": word, **{f"x-mock-{name}": value for name, value in more.items()}}}


def raised(kind: type, action) -> openai.APIError:
    try:
        action()
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


def check_the_demo_models_answer() -> None:
    with Martlet() as martlet:
        server = client(martlet.wait_for("smollm2", "e5"))
        assert {"smollm2", "e5"} <= {model.id for model in server.models.list()}
        whole = server.chat.completions.create(model="smollm2", messages=QUESTION, max_tokens=8, temperature=0)
        assert whole.choices[0].message.content.strip() and whole.usage.completion_tokens == 8, whole
        chunks = list(
            stream(server, "smollm2", max_tokens=8, temperature=0, stream_options={"include_usage": True})
        )
        words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        assert words == whole.choices[0].message.content, (words, whole)
        assert chunks[-1].usage.completion_tokens == 8, chunks[-1]

        # The client asks for base64 unless told otherwise.
        base64 = server.embeddings.create(model="e5", input=["hello", "年假有几天？"])
        floats = server.embeddings.create(model="e5", input=["hello", "年假有几天？"], encoding_format="float")
        assert [len(item.embedding) for item in base64.data] == [384, 384]
        for one, other in zip(base64.data, floats.data, strict=True):
            assert all(abs(a - b) < 1e-6 for a, b in zip(one.embedding, other.embedding, strict=True))
        assert base64.usage.prompt_tokens > 0
        # The client writes head and body apart, on connections that it keeps.
        for _ in range(20):
            assert server.embeddings.create(model="e5", input="hello").data[0].embedding == base64.data[0].embedding
        refusal = raised(openai.BadRequestError, lambda: server.embeddings.create(model="e5", input=[1, 2, 3]))
        assert "token ids" in refusal.message, "the model server's own words arrive"
        martlet.wait_until_idle()


def check_an_unknown_model_is_not_found() -> None:
    with Mock() as mock, Martlet(pool_of(mock.url) + "models: {mock: chat}\n") as martlet:
        server = client(martlet.wait_for("chat"))
        for ask in (
            lambda: server.chat.completions.create(model="nobody", messages=QUESTION),
            lambda: server.embeddings.create(model="nobody", input="x"),
        ):
            error = raised(openai.NotFoundError, ask)
            assert (error.code, error.param, error.type) == ("model_not_found", "model", "invalid_request_error"), error
            assert "nobody" in error.message, error.message


def check_a_full_queue_is_not_asked_again() -> None:
    with served_by_mock("--tokens", "100000", more="queue: {length: 0}", target="max_inflight: 1") as (martlet, mock):
        with stream(client(martlet)) as held:
            next(iter(held))
            # `x-should-retry: false` overrules the client's own five attempts.
            began = time.monotonic()
            error = raised(openai.InternalServerError, lambda: stream(client(martlet, max_retries=5)))
            assert time.monotonic() - began < 0.4, "it waited to try again"
            assert error.status_code == 503 and error.code == "queue_full", error
            assert error.response.headers["x-should-retry"] == "false"
            assert mock.stats()["by_path"]["/v1/chat/completions"] == 1
        martlet.wait_until_idle()


def check_a_busy_upstream_is_asked_again() -> None:
    with served_by_mock("--fault", "status:429:1") as (martlet, mock):
        error = raised(openai.RateLimitError, lambda: stream(client(martlet, max_retries=0)))
        assert error.response.headers["retry-after"] == "1", "the upstream's own answer arrives"


def check_a_broken_stream_raises_in_the_middle() -> None:
    for word, code, words in [
        ("reset-mid:5", "upstream_truncated", 5),
        ("close-mid:5", "upstream_truncated", 5),
        ("half-event:5", "upstream_truncated", 5),
        ("no-done", "upstream_truncated", 16),
        ("stall:5", "idle_timeout", 5),
    ]:
        # A gateway for each: what one fault does to the target's health must not reach the next.
        with served_by_mock(more="timeouts: {idle: 500ms}") as (martlet, _):
            chunks = []
            error = raised(openai.APIError, lambda: chunks.extend(stream(client(martlet), **fault(word))))
            assert error.code == code and error.message, (word, error.code, error)
            seen = [chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
            assert len(seen) == words, f"{word}: {len(seen)} words before the error"
            martlet.wait_until_idle()


def check_an_answer_cut_short_raises() -> None:
    with served_by_mock(more="retry: {on: off}") as (martlet, _):
        ask = lambda word: client(martlet).chat.completions.create(model="mock", messages=QUESTION, **fault(word))
        raised(openai.APIConnectionError, lambda: ask("short"))
        error = raised(openai.InternalServerError, lambda: ask("reset"))
        assert (error.status_code, error.code) == (502, "upstream_reset"), error


def check_a_backend_that_is_away_is_a_502() -> None:
    with Mock() as mock, Martlet(pool_of(mock.url, more="health: off")) as martlet:
        mock.stop()
        error = raised(openai.InternalServerError, lambda: stream(client(martlet)))
        assert error.status_code == 502 and error.type == "upstream_error", error
        assert error.code in ("connect_failed", "no_target"), error


def check_leaving_a_stream_early_stops_the_upstream() -> None:
    with served_by_mock("--tokens", "100000", "--interval", "20ms") as (martlet, mock):
        idle = martlet.descriptors()
        with stream(client(martlet)) as answer:
            next(iter(answer))
        eventually(lambda: mock.stats()["cancelled"] == 1, 1, "the upstream's stream is cancelled")
        # Forgotten without being closed, as careless callers do.
        answer = stream(client(martlet))
        next(iter(answer))
        del answer
        gc.collect()
        eventually(lambda: mock.stats()["active"] == 0, 2, "nothing is generated for nobody")
        martlet.wait_until_idle()
        assert not martlet.pool("chat")["targets"][0]["failures"], "a client that leaves is no failure of the target"
        eventually(lambda: martlet.descriptors() <= idle, 6, "the descriptors are back")


def check_fifty_tasks_cancelled_at_once_leave_nothing() -> None:
    async def work(martlet: Martlet, mock: Mock) -> None:
        async with openai.AsyncOpenAI(base_url=f"{martlet.url}/v1", api_key="none", max_retries=0) as server:
            async def read() -> None:
                async for _ in await server.chat.completions.create(model="mock", messages=QUESTION, stream=True):
                    pass

            tasks = [asyncio.create_task(read()) for _ in range(50)]
            while mock.stats()["active"] < 8:
                await asyncio.sleep(0.02)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    options = {"target": "max_inflight: 8"}
    with served_by_mock("--tokens", "100000", "--interval", "20ms", **options) as (martlet, mock):
        asyncio.run(work(martlet, mock))
        martlet.wait_until_idle()
        eventually(lambda: mock.stats()["active"] == 0, 1, "the upstream works for nobody")
        assert len(list(stream(client(martlet), extra_headers={"x-mock-tokens": "3"}))) >= 3, "and it still serves"


if __name__ == "__main__":
    main(globals())
