"""Modules that stand in for those of other servers, so that files written for these run as they are."""

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any, Optional, Sequence

_used = False


def was_used() -> bool:
    """Whether something imported a module that Martlet stands in for."""
    return _used


def install_finder() -> None:
    """From now on `import litserve` gives Martlet's module, whether LitServe is installed or not."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname != "litserve" and not fullname.startswith("litserve."):
            return None
        from . import litserve

        if fullname not in litserve.MODULES:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Optional[types.ModuleType]:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        global _used
        from . import litserve

        _used = True
        contents: Any = litserve.MODULES[module.__name__]
        module.__dict__.update(contents)
        module.__doc__ = "Stands in for LitServe's module of this name; part of Martlet."
