"""What the endpoints compute. A runnable's coroutines where it has them; else its plain methods, in a thread."""

import asyncio
import functools
import inspect
from typing import Any, AsyncIterator, Callable, Dict, Iterator, List, Mapping

from . import configuration, events, refusals
from .configuration import Config
from .recorder import recorder

Encode = Callable[[Any], bytes]


async def invoke(chain: Any, body: Mapping[str, Any], call: Any) -> Dict[str, Any]:
    config = await call.config(chain, body.get("config"))
    value = chain.schemas.read(needed(body, "input"), config)
    recorded = record(chain, [config])
    output = chain.schemas.shaped(await called(chain, "invoke", value, config), config)
    answer = {"output": output, "metadata": of_run(config)}
    return {**answer, "callback_events": recorded[0]} if recorded else answer


async def batch(chain: Any, body: Mapping[str, Any], call: Any) -> Dict[str, Any]:
    inputs = needed(body, "inputs")
    if not isinstance(inputs, list):
        raise refusals.wrong("list_type", ["inputs"], "Input should be a valid list", inputs)
    configs = [await call.config(chain, one) for one in configuration.each(body.get("config"), len(inputs))]
    values = [
        chain.schemas.read(one, config, ["inputs", number]) for number, (one, config) in enumerate(zip(inputs, configs))
    ]
    recorded = record(chain, configs)
    outputs = await called(chain, "batch", values, configs) if values else []
    shaped = [chain.schemas.shaped(one, config) for one, config in zip(outputs, configs)]
    responses = [of_run(config) for config in configs]
    metadata = {"responses": responses, "run_ids": [config["run_id"] for config in configs]}
    answer = {"output": shaped, "metadata": metadata}
    return {**answer, "callback_events": recorded} if chain.callback_events else answer


async def stream(chain: Any, body: Mapping[str, Any], call: Any) -> AsyncIterator[bytes]:
    config = await call.config(chain, body.get("config"))
    value = chain.schemas.read(needed(body, "input"), config)
    return _stream(chunks(chain, value, config), config, chain.encode)


async def stream_log(chain: Any, body: Mapping[str, Any], call: Any) -> AsyncIterator[bytes]:
    config = await call.config(chain, body.get("config"))
    value = chain.schemas.read(needed(body, "input"), config)
    chosen = filters(body)
    if chain.log_names is not None:
        chosen["include_names"] = chain.log_names
    patches = chain.runnable.astream_log(value, config, diff=True, **chosen)
    return _encoded(patches, lambda patch: chain.encode({"ops": patch.ops}))


async def stream_events(chain: Any, body: Mapping[str, Any], call: Any) -> AsyncIterator[bytes]:
    config = await call.config(chain, body.get("config"))
    value = chain.schemas.read(needed(body, "input"), config)
    found = chain.runnable.astream_events(value, config, version=chain.events_version, **filters(body))
    return _encoded(found, lambda event: chain.encode(without_own(event)))


# What a body says.


def needed(body: Mapping[str, Any], name: str) -> Any:
    if name not in body:
        raise refusals.missing(name, body)
    return body[name]


def filters(body: Mapping[str, Any]) -> Dict[str, Any]:
    """Which runs within the run the client wants to hear of. Raises `HTTPException` 422."""
    chosen: Dict[str, Any] = {}
    for verb in ("include", "exclude"):
        for what in ("names", "types", "tags"):
            name = f"{verb}_{what}"
            value = body.get(name)
            if value is None:
                continue
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise refusals.wrong("list_type", [name], "Input should be a valid list of strings", value)
            chosen[name] = value
    return chosen


# What an answer says.


def of_run(config: Config) -> Dict[str, Any]:
    return {"run_id": config["run_id"], "feedback_tokens": []}


def record(chain: Any, configs: List[Config]) -> List[List[Dict[str, Any]]]:
    """A list of events for each run, filled while it goes; empty where the route keeps them to itself."""
    if not chain.callback_events:
        return []
    recorded: List[List[Dict[str, Any]]] = []
    for config in configs:
        recorded.append([])
        config["callbacks"] = [*(config.get("callbacks") or ()), recorder(recorded[-1])]
    return recorded


def without_own(event: Mapping[str, Any]) -> Dict[str, Any]:
    """Without the metadata that the server added for itself."""
    metadata = event.get("metadata") or {}
    return {**event, "metadata": {key: value for key, value in metadata.items() if not key.startswith("__")}}


async def _stream(outputs: AsyncIterator[Any], config: Config, encode: Encode) -> AsyncIterator[bytes]:
    began = False
    try:
        async for output in outputs:
            if not began:
                began = True
                yield events.metadata(config["run_id"])
            yield events.data(encode(output))
    finally:
        await closed(outputs)


async def _encoded(outputs: AsyncIterator[Any], encode: Encode) -> AsyncIterator[bytes]:
    try:
        async for output in outputs:
            yield events.data(encode(output))
    finally:
        await closed(outputs)


# Runnables of both kinds.


async def called(chain: Any, name: str, value: Any, config: Any) -> Any:
    own = getattr(chain.runnable, f"a{name}", None)
    if own is not None and not chain.is_plain:
        try:
            return await own(value, config)
        except NotImplementedError as error:
            is_plain(chain, error)
    plain = functools.partial(getattr(chain.runnable, name), value, config)
    return await asyncio.get_running_loop().run_in_executor(None, plain)


async def chunks(chain: Any, value: Any, config: Config) -> AsyncIterator[Any]:
    own = getattr(chain.runnable, "astream", None)
    outputs: Any = None
    began = False
    try:
        if own is not None and not chain.is_plain:
            try:
                outputs = own(value, config)
                async for output in outputs:
                    began = True
                    yield output
                return
            except NotImplementedError as error:
                is_plain(chain, error)
                if began:
                    raise
        outputs = stepped(chain.runnable.stream(value, config))
        async for output in outputs:
            yield output
    finally:
        await closed(outputs)


def is_plain(chain: Any, error: NotImplementedError) -> None:
    """Remembers that LangChain found code with a plain form alone. Raises any other error.

    Steps before that code have run by then, which is why this is found out once and not for each request.
    """
    if "only supports sync" not in str(error):
        raise error
    chain.is_plain = True


_END = object()


async def stepped(outputs: Iterator[Any]) -> AsyncIterator[Any]:
    """A plain generator, each step in a thread; it is closed between two steps, never within one."""
    loop = asyncio.get_running_loop()
    step = None
    try:
        while True:
            step = loop.run_in_executor(None, next, outputs, _END)
            output = await asyncio.shield(step)
            if output is _END:
                return
            yield output
    finally:
        close = getattr(outputs, "close", None) or (lambda: None)
        if step is None or step.done():
            close()
        else:
            step.add_done_callback(lambda ended: ended.exception() or loop.run_in_executor(None, close))


async def closed(outputs: Any) -> None:
    """Runs the `finally` blocks of a generator now, not when it is collected."""
    close = getattr(outputs, "aclose", None)
    if close is not None:
        answer = close()
        if inspect.isawaitable(answer):
            await answer
