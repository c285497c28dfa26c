"""Checks the demo models through the official client: python check.py SMOLLM2_URL E5_URL; exits 0 when all is well."""

import json
import sys
import time
import urllib.request

import openai


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0, timeout=60)


def chat(server: openai.OpenAI, text: str, tokens: int):
    return server.chat.completions.create(
        model="smollm2",
        messages=[{"role": "user", "content": text}],
        max_tokens=tokens,
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )


def busy_slots(url: str) -> int:
    with urllib.request.urlopen(f"{url}/slots", timeout=10) as answer:
        return sum(slot["is_processing"] for slot in json.load(answer))


def streams_an_answer(url: str) -> None:
    chunks = list(chat(client(url), "Name three birds.", 16))
    words = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert words.strip(), "no words"
    assert chunks[-1].usage.completion_tokens == 16, chunks[-1].usage


def stops_when_the_client_leaves(url: str) -> None:
    stream = chat(client(url), "Write a very long story.", 1500)
    next(iter(stream))
    assert busy_slots(url) == 1, "not working on it"
    stream.response.close()
    deadline = time.monotonic() + 2
    while busy_slots(url):
        assert time.monotonic() < deadline, "still working two seconds after the client left"
        time.sleep(0.02)


def ranks_chinese_texts(url: str) -> None:
    server = client(url)

    def embed(model, texts):
        return [item.embedding for item in server.embeddings.create(model=model, input=texts).data]

    [question] = embed("e5", "年假有几天？")
    passages = embed("e5-passage", ["服务器在端口8080上监听。", "员工每年享有十天带薪年假。", "The cat sat."])
    scores = [sum(a * b for a, b in zip(question, passage)) for passage in passages]
    assert scores.index(max(scores)) == 1, scores


def gives_the_same_numbers_both_ways(url: str) -> None:
    # The client asks for base64 unless told otherwise.
    server = client(url)
    base64 = server.embeddings.create(model="e5", input="hello").data[0].embedding
    floats = server.embeddings.create(model="e5", input="hello", encoding_format="float").data[0].embedding
    assert len(floats) == 384
    assert all(abs(a - b) < 1e-6 for a, b in zip(base64, floats, strict=True))


def refuses_what_it_cannot_embed(url: str) -> None:
    refused = [
        ({"input": [1, 2, 3]}, 400, "token ids"),
        ({"input": [[1, 2], [3]]}, 400, "token ids"),
        ({"input": []}, 400, "not empty"),
        ({"input": "x", "dimensions": 7}, 400, "384"),
        ({"input": "x", "model": "nobody"}, 404, "nobody"),
    ]
    for fields, status, word in refused:
        try:
            client(url).embeddings.create(**{"model": "e5", **fields})
        except openai.APIStatusError as error:
            assert error.status_code == status and word in error.message, (fields, error)
        else:
            raise AssertionError(f"accepted {fields}")


def main() -> None:
    smollm2, e5 = sys.argv[1:]
    for check in (streams_an_answer, stops_when_the_client_leaves):
        check(smollm2)
    for check in (ranks_chinese_texts, gives_the_same_numbers_both_ways, refuses_what_it_cannot_embed):
        check(e5)


if __name__ == "__main__":
    main()
