"""A LangChain chain under LangServe's paths. Its model is the chat example, asked over OpenAI's API."""

import json
import os

import httpx
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableGenerator

from martlet import serve_chain

MODEL = os.environ.get("CHAT_URL", "http://127.0.0.1:8001") + "/v1/chat/completions"
ROLES = {"human": "user", "ai": "assistant", "system": "system"}


async def chat(prompts):
    async for prompt in prompts:
        messages = [{"role": ROLES[one.type], "content": one.content} for one in prompt.to_messages()]
        asked = {"messages": messages, "stream": True, "temperature": 0, "max_tokens": 200}
        async with httpx.AsyncClient(timeout=60) as client, client.stream("POST", MODEL, json=asked) as answer:
            answer.raise_for_status()
            async for line in answer.aiter_lines():
                if line.startswith("data: {"):
                    for choice in json.loads(line[len("data: ") :])["choices"]:
                        yield choice["delta"].get("content") or ""


prompt = ChatPromptTemplate.from_messages([("system", "You tell short stories."), ("human", "One about {topic}, please.")])

serve_chain("/story", prompt | RunnableGenerator(chat) | StrOutputParser())
