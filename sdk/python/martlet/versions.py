"""Which code an application is: a hash of its own files, so that workers of one group run the same."""

import ast
import hashlib
import site
import sys
from pathlib import Path
from typing import Iterator, List, Optional, Set


def version_of(main: Path, root: Path) -> str:
    """Of `main` and every module below `root` that it has imported, or would by an `import` anywhere in these files.
    Installed packages are not looked at, even where they are installed below `root`."""
    digest = hashlib.sha256()
    root = root.resolve()
    for path in sorted(_files(main.resolve(), root)):
        name = path.relative_to(root) if path.is_relative_to(root) else path
        digest.update(f"{name}\0{path.stat().st_size}\0".encode("utf-8", "replace"))
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _files(main: Path, root: Path) -> Set[Path]:
    installed = [Path(one).resolve() for one in (*site.getsitepackages(), sys.prefix, sys.base_prefix)]
    sdk = Path(__file__).resolve().parent

    def is_own(path: Path) -> bool:
        if not path.is_relative_to(root) or path.is_relative_to(sdk) or "site-packages" in path.parts:
            return False
        return not any(path.is_relative_to(one) and one.is_relative_to(root) for one in installed)

    loaded = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    waiting = [main, *(path for path in (Path(one).resolve() for one in loaded if one) if is_own(path))]
    found: Set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        if path.suffix == ".py":
            waiting += (one for one in imported(path, root) if is_own(one))
    return found


def imported(file: Path, root: Path) -> Iterator[Path]:
    """The files below `root` that the `import` statements of a file name, those inside functions too."""
    try:
        tree = ast.parse(file.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _modules(root, alias.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = file.parents[node.level - 1] if 0 < node.level <= len(file.parents) else root
            names = node.module.split(".") if node.module else []
            for alias in node.names:
                yield from _modules(base, [*names, alias.name])


def _modules(base: Path, names: List[str]) -> Iterator[Path]:
    """Each package on the way to a module, and the module; a last name that is no module is something in one."""
    place: Optional[Path] = base
    for name in names:
        if place is None:
            return
        module, package = place / f"{name}.py", place / name
        if (package / "__init__.py").is_file():
            yield (package / "__init__.py").resolve()
        elif module.is_file():
            yield module.resolve()
        place = package if package.is_dir() else None
