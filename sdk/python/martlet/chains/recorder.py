"""Callback events of a run, for routes that hand them to the client."""

from typing import Any, Dict, List

_EVENTS = {
    "on_chain_start": ("serialized", "inputs"),
    "on_chain_end": ("outputs",),
    "on_chain_error": ("error",),
    "on_chat_model_start": ("serialized", "messages"),
    "on_llm_start": ("serialized", "prompts"),
    "on_llm_end": ("response",),
    "on_llm_error": ("error",),
    "on_retriever_start": ("serialized", "query"),
    "on_retriever_end": ("documents",),
    "on_retriever_error": ("error",),
    "on_tool_start": ("serialized", "input_str"),
    "on_tool_end": ("output",),
    "on_tool_error": ("error",),
    "on_agent_action": ("action",),
    "on_agent_finish": ("finish",),
}
"""The events that are kept, and the names of their own arguments."""


def recorder(events: List[Dict[str, Any]]) -> Any:
    """A handler of LangChain's that adds each event to `events` as it comes."""
    from langchain_core.callbacks import AsyncCallbackHandler

    def method(name: str, arguments: Any) -> Any:
        async def record(
            self: Any, *values: Any, run_id: Any, parent_run_id: Any = None, tags: Any = None, **more: Any
        ) -> None:
            event = {
                "run_id": run_id,
                "parent_run_id": parent_run_id,
                "tags": tags,
                "metadata": more.pop("metadata", None),
            }
            for argument, value in zip(arguments, values):
                event[argument] = repr(value) if isinstance(value, BaseException) else value
            events.append({**event, "kwargs": more, "type": name})

        return record

    handler = type("Recorder", (AsyncCallbackHandler,), {name: method(name, of) for name, of in _EVENTS.items()})
    return handler()
