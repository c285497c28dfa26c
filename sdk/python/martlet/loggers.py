"""Loggers: what `LitAPI.log` is handed to, in the worker itself."""

from typing import Any, Dict


class Logger:
    """Override `process(key, value)`. It is called in the worker's own thread; be short."""

    def __init__(self) -> None:
        self._config: Dict[str, Any] = {}

    def mount(self, path: str, app: Any) -> None:
        """Noted, not served: Martlet has a metrics endpoint of its own, and numbers that are logged appear there."""
        self._config["mount"] = {"path": path, "app": app}

    def process(self, key: str, value: Any) -> None:
        raise NotImplementedError
