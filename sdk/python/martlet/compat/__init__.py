"""Modules that stand in for those of other servers, so that files written for these run as they are."""

import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any, List, Optional, Sequence

_used: List[str] = []


def used() -> List[str]:
    """The packages that Martlet stood in for."""
    return list(_used)


def install_finder() -> None:
    """From now on `import litserve` and `import langserve` give Martlet's modules, installed or not."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(
        self, fullname: str, path: Optional[Sequence[str]], target: Optional[types.ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        if fullname == "langserve":
            from . import langserve

            spec = importlib.machinery.ModuleSpec(fullname, self, is_package=True)
            spec.submodule_search_locations = langserve.places()
            return spec
        if fullname != "litserve" and not fullname.startswith("litserve."):
            return None
        from . import litserve

        if fullname not in litserve.MODULES:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> Optional[types.ModuleType]:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        from . import langserve, litserve

        package = module.__name__.partition(".")[0]
        if package not in _used:
            _used.append(package)
        contents: Any = langserve.contents() if package == "langserve" else litserve.MODULES[module.__name__]
        module.__dict__.update(contents)
        module.__doc__ = f"Stands in for the module {module.__name__}; part of Martlet."
