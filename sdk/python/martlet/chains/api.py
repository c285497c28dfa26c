"""Chains as APIs of a worker, and how a file names them."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Iterator, List, Set

from ..asgi import ASGIApplication, ASGILoop
from ..loops.prepare import Served
from ..watcher import Watcher
from .chain import Chain, is_runnable

THREADS = 64
"""Plain calls that run at once in a worker. They mostly wait for a model's server; Python's own limit goes by cores."""
_served: List["ChainAPI"] = []
"""What `serve_chain` was called with, in order."""


class ChainAPI(ASGIApplication):
    """Everything below one path of an ASGI application that holds a chain."""

    def __init__(self, application: Any, path: str, chain: Chain):
        super().__init__(application, api_path=path + "/*")
        self.path = path
        self.chain = chain

    def make_loop(self, served: Served, watcher: Watcher) -> ASGILoop:
        return ChainLoop(served, watcher, self.application)


class ChainLoop(ASGILoop):
    async def open(self) -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        await super().open()


def serve_chain(path: str, runnable: Any, **options: Any) -> ChainAPI:
    """Serves a runnable below `path`, in LangServe's HTTP contract.

    Arguments:
        path: `/joke` gives `/joke/invoke`, `/joke/stream` and so on; an empty one serves at the root.
        runnable: LangChain's, or any object with `invoke(input, config)`, `batch(inputs, configs)` and
            `stream(input, config)`, or their coroutines `ainvoke`, `abatch`, `astream`.
        input_type, output_type: types in place of those that the runnable says.
        config_keys: what clients may configure: `configurable`, `tags`, `metadata`, `run_id`, …
        per_req_config_modifier: called with the configuration and the HTTP request; gives the one to use.
        include_callback_events: whether `/invoke` and `/batch` tell the client what went on inside.
        enabled_endpoints, disabled_endpoints: which endpoints there are; one of the two.
        stream_log_name_allow_list: the names of the runs whose steps `/stream_log` may tell of.
        astream_events_version: `v1` or `v2`.
        enable_feedback_endpoint, enable_public_trace_link_endpoint: whether these are there; they answer 400.
        serializer: an object whose `dumps` makes JSON of outputs.

    Raises `ValueError` and `TypeError` where an argument makes no sense.
    """
    chain = Chain(path, runnable, **options)
    if any(api.path == chain.path for api in _served):
        raise ValueError(f"the path {path!r} has a chain already")
    api = ChainAPI(chain, chain.path, chain)
    _served.append(api)
    return api


def served() -> List[ChainAPI]:
    return list(_served)


def loose(values: Any) -> List[Any]:
    """Of names and objects, the runnables that are no part of another one, each as an API at `/name`."""
    found = [(name, value) for name, value in values if not name.startswith("_") and is_runnable(value)]
    inner: Set[int] = set()
    for _, value in found:
        inner |= {id(part) for part in _parts(value, set())}
    unique = {id(value): (name, value) for name, value in reversed(found) if id(value) not in inner}
    return [serve_chain(f"/{name}", value) for name, value in reversed(list(unique.values()))]


def _parts(value: Any, seen: Set[int]) -> Iterator[Any]:
    """Everything that a runnable holds, however deep; without itself."""
    inside = getattr(value, "__dict__", None) or {}
    waiting = list(inside.values())
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, dict):
            waiting += one.values()
        elif isinstance(one, (list, tuple, set, frozenset)):
            waiting += one
        elif is_runnable(one):
            yield one
            yield from _parts(one, seen)
