"""What `import langserve` gives in a worker of Martlet's: LangServe's names for serving, Martlet's behaviour.

Its client, `RemoteRunnable`, is LangServe's own where that is installed.
"""

import importlib
import importlib.machinery
import os
import sys
from typing import Any, Dict, List, Optional, Sequence

from ..chains import ChainAPI, serve_chain
from ..chains.call import Call
from ..chains.chain import Chain
from ..chains.schemas import UserType

_UNUSED = ("playground_type", "token_feedback_config")
"""Arguments of LangServe's that choose among its pages and its ways to LangSmith."""


def add_routes(
    app: Any, runnable: Any, *, path: str = "", dependencies: Optional[Sequence[Any]] = None, **options: Any
) -> None:
    """Serves `runnable` below `path` of a FastAPI application or router; without one, by itself.

    Other arguments are those of `martlet.serve_chain`. Raises `ValueError` and `TypeError` where one makes no sense.
    """
    chosen = {name: value for name, value in options.items() if name not in _UNUSED}
    if not hasattr(app, "add_api_route"):
        if dependencies:
            raise ValueError("dependencies need a FastAPI application")
        serve_chain(path, runnable, **chosen)
        return
    chain = Chain(path, runnable, **chosen)
    if any(_chain_of(route) is not None and _prefix(route) == _within(app) + path for route in app.routes):
        raise ValueError(f"the path {path!r} has a runnable already")
    for name, methods in chain.endpoints.items():
        suffixes = [f"/{name}"]
        if chain.hashes and chain.may_have_hash(name):
            suffixes.append(f"/c/{{config_hash}}/{name}")
        if name == "playground":
            suffixes = [f"{suffix}/{{file_path:path}}" for suffix in suffixes]
        for suffix in suffixes:
            app.add_api_route(
                path + suffix,
                _endpoint(chain, name, suffix),
                methods=list(methods),
                dependencies=dependencies,
                include_in_schema=False,
                response_model=None,
            )


def _endpoint(chain: Chain, name: str, suffix: str) -> Any:
    from starlette.requests import Request
    from starlette.responses import Response

    class Answer(Response):
        """Answers by itself, once the framework has checked what it checks."""

        def __init__(self, call_of: Any):
            super().__init__()
            self._call_of = call_of

        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            await chain.answer(self._call_of(scope, receive), send)

    async def endpoint(request: Request) -> Any:
        found = request.path_params
        filled = suffix.replace("{config_hash}", found.get("config_hash", ""))
        filled = filled.replace("{file_path:path}", found.get("file_path", ""))
        if found.get("file_path", "") not in ("", "index.html"):
            return Response("Not Found", status_code=404)
        path: str = request.scope["path"]
        prefix = path[: -len(filled)]
        return Answer(lambda scope, receive: Call(name, found.get("config_hash"), prefix, scope, receive))

    endpoint.__dict__.update(martlet_chain=chain, martlet_suffix=suffix)
    return endpoint


# What an application serves.


def apis_of(app: Any) -> List[ChainAPI]:
    """An API for each runnable that was added to an application."""
    found: Dict[str, Chain] = {}
    for route in _routes(app):
        chain = _chain_of(route)
        if chain is not None and "{" not in _prefix(route):
            found.setdefault(_prefix(route), chain)
    return [ChainAPI(app, prefix, chain) for prefix, chain in found.items()]


def has_others(app: Any) -> bool:
    """Whether an application has routes besides those of runnables and its own documentation."""
    names = ("openapi_url", "docs_url", "redoc_url", "swagger_ui_oauth2_redirect_url")
    own = {getattr(app, name, None) for name in names}
    for route in _routes(app):
        if _chain_of(route) is not None:
            if "{" in _prefix(route):
                return True
        elif getattr(route, "path", None) not in own:
            return True
    return False


def _routes(app: Any) -> List[Any]:
    found = getattr(app, "routes", None)
    return list(found) if isinstance(found, (list, tuple)) else []


def _chain_of(route: Any) -> Optional[Chain]:
    return getattr(getattr(route, "endpoint", None), "martlet_chain", None)


def _prefix(route: Any) -> str:
    whole: str = route.path
    return whole[: -len(route.endpoint.martlet_suffix)]


def _within(app: Any) -> str:
    """The prefix that a router puts before its routes."""
    return getattr(app, "prefix", "") or ""


# The modules.


def _lazy(name: str) -> Any:
    """What needs another package: a base of inputs that reach the runnable as objects, and LangServe's own client."""
    if name == "CustomUserType":
        from pydantic import BaseModel

        found: Any = type(name, (UserType, BaseModel), {})
    elif name == "RemoteRunnable":
        try:
            found = importlib.import_module("langserve.client").RemoteRunnable
        except ImportError:
            raise ImportError("RemoteRunnable is LangServe's: pip install langserve") from None
    else:
        raise AttributeError(f"module 'langserve' has no attribute {name!r}; Martlet's stand-in goes without it")
    setattr(sys.modules["langserve"], name, found)
    return found


def contents() -> Dict[str, Any]:
    _keep_uvicorn_out()
    return {"__version__": "0.3.3", "__getattr__": _lazy, "add_routes": add_routes}


def places() -> List[str]:
    """Where the modules of the real package are, if it is installed."""
    spec = importlib.machinery.PathFinder.find_spec("langserve")
    return list(spec.submodule_search_locations or ()) if spec is not None else []


def _keep_uvicorn_out() -> None:
    """A file that ends in `uvicorn.run(app)` has said all that a worker needs there."""
    if not os.environ.get("MARTLET_WORKER"):
        return
    try:
        import uvicorn
    except ImportError:
        return

    def run(app: Any, *_: Any, **__: Any) -> None:
        from ..apps import server_of
        from ..litserver import Described

        if not isinstance(app, str):
            raise Described(server_of(app, "the application"))

    uvicorn.run = run
