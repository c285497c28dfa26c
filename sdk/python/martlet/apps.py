"""From the name of an application to what it serves.

A name is a file (`model.py`), a module (`package.model`), or one of both with an object (`model.py:server`). A file
that uses Martlet's or LitServe's classes is run as a program would be, up to its `server.run()`.
"""

import importlib
import importlib.util
import inspect
import os
import sys
import types
from pathlib import Path
from typing import Any, List, Optional, Tuple

from . import chains, compat
from .compat import langserve
from .litapi import LitAPI
from .litserver import Described, LitServer
from .pipeline import Pipeline
from .versions import version_of


class NothingToServe(Exception):
    """The application has no API, no server, and no WSGI or ASGI application."""


def load(name: str) -> LitServer:
    """Runs or imports the application; whatever its code raises comes out as it is."""
    compat.install_finder()
    place, object_name = split(name)
    module = _load(place, runs=object_name is None)
    server = _server(module, object_name)
    server.version = server.version or _version(place, module)
    return server


def imported(name: str) -> Tuple[Any, Optional[str], Optional[str]]:
    """The module of an application, which is not run as a program; the object that is named; the version of the code.

    A dotted name may end in an object as well: `package.module.app`.
    """
    place, object_name = split(name)
    try:
        module = _load(place, runs=False)
    except ModuleNotFoundError as error:
        parent, _, last = place.rpartition(".")
        if error.name != place or not parent or object_name is not None:
            raise
        place, object_name = parent, last
        module = _load(place, runs=False)
    return module, object_name, _version(place, module)


def _version(place: str, module: Any) -> Optional[str]:
    if place.endswith(".py"):
        return version_of(Path(place), Path(place).resolve().parent)
    file = getattr(sys.modules.get(place, module), "__file__", None)
    return version_of(Path(file), Path.cwd()) if file else None


def _load(place: str, runs: bool) -> Any:
    """The module, or the server where its code came to `run()`. `runs`: a file may be run as a program is."""
    if place.endswith(".py") or os.sep in place:
        path = Path(place).resolve()
        if not path.is_file():
            raise FileNotFoundError(f"no file {place}")
        sys.path.insert(0, str(path.parent))
        sys.argv = [str(path)]
        return _run(path) if runs and _is_program(path) else _import(path)
    sys.path.insert(0, os.getcwd())
    return _module(place)


def _server(module: Any, object_name: Optional[str]) -> LitServer:
    if isinstance(module, LitServer):
        return module
    if object_name is None:
        return found_in(module)
    value: Any = module
    for part in object_name.split("."):
        value = getattr(value, part)
    return server_of(value, object_name)


def split(name: str) -> Tuple[str, Optional[str]]:
    """Place and object; a colon in a path's folder is none of an object's."""
    place, colon, object_name = name.rpartition(":")
    if colon and object_name and os.sep not in object_name and not object_name.endswith(".py"):
        return place, object_name
    return name, None


def _is_program(path: Path) -> bool:
    text = path.read_text(encoding="utf-8", errors="replace")
    return "martlet" in text or "litserve" in text


def _run(path: Path) -> Any:
    """As `python file.py` would; gives the server where it comes to `run()`, the module otherwise."""
    module = types.ModuleType("__main__")
    module.__file__ = str(path)
    module.__dict__["__builtins__"] = __builtins__
    sys.modules["__main__"] = module
    code = compile(path.read_bytes(), str(path), "exec")
    try:
        exec(code, module.__dict__)
    except Described as described:
        return described.server
    except SystemExit as end:
        if end.code not in (None, 0):
            raise RuntimeError(f"{path.name} ended itself with status {end.code}") from end
    return module


def _import(path: Path) -> Any:
    # A file that is named like what is loaded already, such as `json.py`, must not take its place.
    name = path.stem if path.stem not in sys.modules else "martlet_app"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Described as described:
        return described.server
    return module


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except Described as described:
        return described.server


def found_in(module: Any) -> LitServer:
    """The server of a module that did not run one: a `LitServer`, `LitAPI` objects or classes, pipelines, an
    application."""
    values = list(vars(module).values())
    for value in values:
        if isinstance(value, LitServer):
            return value
    stated = [value for value in values if isinstance(value, Pipeline) or _is_alone(value)]
    apis: List[Any] = _unique([*stated, *chains.served()])
    if apis:
        return LitServer(apis)
    own = [
        value
        for value in values
        if inspect.isclass(value) and issubclass(value, LitAPI) and value.__module__ == module.__name__
    ]
    # A class that others of the file derive from is their base, not an API of its own.
    leaves = [one for one in _unique(own) if not any(other is not one and issubclass(other, one) for other in own)]
    if leaves:
        return LitServer([one() for one in leaves])
    for name, value in vars(module).items():
        if hasattr(value, "build_middleware_stack") and langserve.apis_of(value):
            return server_of(value, name)
    for name in ("app", "application", "server", "api"):
        value = getattr(module, name, None)
        if is_application(value) and not chains.is_runnable(value):
            return server_of(value, name)
    loose = chains.loose(vars(module).items())
    if loose:
        return LitServer(loose)
    raise NothingToServe(f"{getattr(module, '__file__', module)} has no LitAPI class and runs no server")


def _is_alone(value: Any) -> bool:
    """Whether it is an API that is no stage of a pipeline."""
    return isinstance(value, LitAPI) and value._stage is None


def _unique(values: List[Any]) -> List[Any]:
    found: List[Any] = []
    for value in values:
        if not any(value is one for one in found):
            found.append(value)
    return found


def server_of(value: Any, name: str) -> LitServer:
    """The server for one object. Raises `NothingToServe`."""
    if isinstance(value, LitServer):
        return value
    if inspect.isclass(value) and issubclass(value, LitAPI):
        return LitServer(value())
    if isinstance(value, (LitAPI, Pipeline)):
        return LitServer(value)
    if isinstance(value, (list, tuple)) and value and all(isinstance(one, (LitAPI, Pipeline)) for one in value):
        return LitServer(list(value))
    if chains.is_runnable(value):
        return LitServer(chains.serve_chain("/" + name.rpartition(".")[2], value))
    if is_application(value):
        if is_asgi(value):
            from .asgi import ASGIApplication

            apis: List[LitAPI] = list(langserve.apis_of(value))
            if not any(api.api_path == "/*" for api in apis) and (not apis or langserve.has_others(value)):
                apis.append(ASGIApplication(value))
            return LitServer(apis, healthcheck_path="/-/health", info_path="/-/info")
        from .wsgi import WSGIApplication

        return LitServer(WSGIApplication(value), healthcheck_path="/-/health", info_path="/-/info")
    raise NothingToServe(f"{name} is a {type(value).__name__}: neither an API nor an application")


def is_application(value: Any) -> bool:
    return callable(value) and not inspect.isclass(value) and not isinstance(value, types.ModuleType)


def is_asgi(value: Any) -> bool:
    """Whether an application is asynchronous: it takes a scope, and calling it gives a coroutine."""
    if inspect.iscoroutinefunction(value) or inspect.iscoroutinefunction(getattr(value, "__call__", None)):
        return True
    names = [name for name in _names(value) if name not in ("self",)]
    return names[:1] == ["scope"]


def _names(value: Any) -> List[str]:
    try:
        return list(inspect.signature(value).parameters)
    except (TypeError, ValueError):
        return []
