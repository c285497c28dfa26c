"""The soft time limit of what runs in the main thread."""

import signal
from types import FrameType
from typing import Any, Callable, Optional


class SoftLimit:
    """`with SoftLimit(seconds, error):` raises `error()` in the main thread once so much time has passed, also inside a
    call that waits. Without seconds it does nothing. A signal (`SIGALRM`) that comes too late raises nothing."""

    def __init__(self, seconds: Optional[float], error: Callable[[], BaseException]):
        self._seconds = seconds
        self._error = error
        self._armed = False
        self._former: Any = None

    def __enter__(self) -> "SoftLimit":
        if self._seconds is not None:
            self._former = signal.signal(signal.SIGALRM, self._rang)
            self._armed = True
            # 0 would turn the timer off.
            signal.setitimer(signal.ITIMER_REAL, max(self._seconds, 0.000_001))
        return self

    def __exit__(self, *_: object) -> None:
        if self._seconds is not None:
            self._armed = False
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._former)

    def _rang(self, number: int, frame: Optional[FrameType]) -> None:
        if self._armed:
            self._armed = False
            raise self._error()
