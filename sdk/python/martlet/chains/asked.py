"""The HTTP request, for hooks that want to see it."""

from typing import Any, Mapping

from ..authorize import Headers


class Asked:
    """The parts of Starlette's request that hooks read, where Starlette is not installed."""

    def __init__(self, scope: Mapping[str, Any]):
        pairs = ((name.decode("latin-1"), text.decode("latin-1")) for name, text in scope["headers"])
        self.headers = Headers(dict(pairs))
        self.method: str = scope["method"]
        self.path: str = scope["path"]
        self.scope = scope


def request_of(scope: Mapping[str, Any], receive: Any) -> Any:
    """Starlette's request where it is installed."""
    try:
        from starlette.requests import Request
    except ImportError:
        return Asked(scope)
    return Request(dict(scope), receive)
