"""Ending a synchronous call by an exception from another thread (opt-in: `LitAPI(interrupt=True)`).

It lands between two instructions of Python code, so not before a C function returns.
"""

import ctypes
import threading
from typing import List, Optional

from ..errors import RequestCancelled
from ..request import Request

_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Interrupt:
    """`with interrupt: …` around the user's call, in the thread that computes; `fire` from any other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.requests: Optional[List[Request]] = None
        """Whose call it is that is entered next."""
        self._target: Optional[int] = None
        self._fired = False

    def __enter__(self) -> "Interrupt":
        self._fired = False
        self._target = threading.get_ident()
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            target, self._target = self._target, None
            if self._fired and target is not None:
                # One that did not land yet must not land in this loop's own code.
                _raise_in(ctypes.c_ulong(target), None)

    def fire(self, requests: List[Request]) -> None:
        """Raises `RequestCancelled` in the call for `requests` (this very list), where it runs."""
        with self._lock:
            if self._target is not None and self.requests is requests and not self._fired:
                self._fired = True
                _raise_in(ctypes.c_ulong(self._target), ctypes.py_object(RequestCancelled))
