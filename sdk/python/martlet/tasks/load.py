"""From the name of an application to the tasks that it has."""

import importlib
import sys
from types import ModuleType
from typing import Any, Optional

from .. import apps
from .decorator import Task, registered
from .server import TaskServer


def load(name: str) -> TaskServer:
    """`tasks.py`, `package.tasks`, each with or without an object (`tasks:app`), as Celery's `-A` reads them.

    The file is imported, never run as a program: the names of its tasks begin with the module's. Raises
    `NothingToServe` where there is no task; whatever the file raises comes out as it is.
    """
    module, object_name, version = apps.imported(name)
    celery = _celery(module, object_name)
    if celery is None and not registered:
        raise apps.NothingToServe(f"{name} has no Celery app and no function with @task")
    if celery is None:
        return _versioned(TaskServer(), version)
    from .celery_app import CeleryApp

    return _versioned(TaskServer(CeleryApp(celery)), version)


def _versioned(server: TaskServer, version: Optional[str]) -> TaskServer:
    server.version = version
    return server


def _celery(module: ModuleType, object_name: Optional[str]) -> Optional[Any]:
    """The Celery app of a module; None where it has none. Raises `NothingToServe` where what is named is no app."""
    value: Any = module
    for part in object_name.split(".") if object_name else ():
        value = getattr(value, part)
    if _is_app(value):
        return value
    if isinstance(value, ModuleType):
        return _found_in(value)
    if isinstance(value, Task):
        return None
    raise apps.NothingToServe(f"{object_name} is a {type(value).__name__}: no Celery app")


def _found_in(module: ModuleType) -> Optional[Any]:
    """In Celery's own order: `app`, `celery`, the module `celery` in a package, then any."""
    for name in ("app", "celery"):
        if _is_app(getattr(module, name, None)):
            return getattr(module, name)
    if hasattr(module, "__path__"):
        inner = f"{module.__name__}.celery"
        try:
            return _found_in(importlib.import_module(inner))
        except ModuleNotFoundError as error:
            if error.name != inner:
                raise
    return next((value for value in vars(module).values() if _is_app(value)), None)


def _is_app(value: Any) -> bool:
    # Where nobody has imported Celery there is no app of its.
    celery = sys.modules.get("celery")
    return celery is not None and isinstance(value, celery.Celery)
