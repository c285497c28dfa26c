"""Code of the user's around the hooks. An error in a callback is logged and disturbs nobody."""

from typing import Any, List, Optional, Sequence, Union

from . import log as worker_log


class Callback:
    """Derive from it and override what you need. Hooks of a worker get `lit_api`."""

    def on_before_setup(self, *args: Any, **kwargs: Any) -> None: ...

    def on_after_setup(self, *args: Any, **kwargs: Any) -> None: ...

    def on_before_decode_request(self, *args: Any, **kwargs: Any) -> None: ...

    def on_after_decode_request(self, *args: Any, **kwargs: Any) -> None: ...

    def on_before_encode_response(self, *args: Any, **kwargs: Any) -> None: ...

    def on_after_encode_response(self, *args: Any, **kwargs: Any) -> None: ...

    def on_before_predict(self, *args: Any, **kwargs: Any) -> None: ...

    def on_after_predict(self, *args: Any, **kwargs: Any) -> None: ...

    def on_server_start(self, *args: Any, **kwargs: Any) -> None: ...

    def on_server_end(self, *args: Any, **kwargs: Any) -> None: ...

    def on_request(self, *args: Any, **kwargs: Any) -> None: ...

    def on_response(self, *args: Any, **kwargs: Any) -> None: ...


class NoopCallback(Callback):
    """Does nothing."""


class CallbackRunner:
    """Calls all callbacks of an event. False where there are none."""

    def __init__(self, callbacks: Optional[Union[Callback, Sequence[Callback]]] = None):
        self._callbacks: List[Callback] = []
        for callback in [callbacks] if isinstance(callbacks, Callback) else callbacks or ():
            if not isinstance(callback, Callback):
                raise ValueError(f"not a callback: {callback!r}")
            self._callbacks.append(callback)

    def __bool__(self) -> bool:
        return bool(self._callbacks)

    def trigger_event(self, event_name: str, *args: Any, **kwargs: Any) -> None:
        for callback in self._callbacks:
            try:
                getattr(callback, event_name)(*args, **kwargs)
            except Exception as error:
                worker_log.error(f"the callback {type(callback).__name__} failed at {event_name}", error)
