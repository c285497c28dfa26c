"""Listens while the model computes.

The thread that computes reads the socket itself, so that no request passes between threads. Only when it has been in
a user's code for longer than a tick does this thread take over the reading, so that `CANCEL`, `CREDIT` and `PING` are
heard in time; and it writes out what a stalled generator left. Between requests it sleeps on an event at no cost.
"""

import os
import select
import threading
import time
from typing import Optional

from . import frames
from .serving import Serving, end_process

TICK = 0.005
"""Seconds between looks while there is work."""
_QUIET_TICKS = 20
_PROGRESS_EVERY = 2.0


class Watcher(threading.Thread):
    """`takes_over`: the loop says by `Serving.busy` when it computes (a synchronous loop), so that this thread may wait
    on the socket meanwhile. Without it, bytes that lie unread for a tick are read (coroutines that are held up)."""

    def __init__(self, serving: Serving, takes_over: bool = True):
        super().__init__(name="martlet-watcher", daemon=True)
        self._serving = serving
        self.takes_over = takes_over
        self.loading: Optional[str] = "loading"
        """While not None: say so to Martlet as long as this process gets somewhere."""
        self._asleep = False
        self._wake = threading.Event()
        self._poll = select.poll()
        self._poll.register(serving.connection.fileno(), select.POLLIN)
        self._said = 0.0
        self._spent = 0.0
        serving.rouse = self.rouse
        self.work = Work(self, serving)

    def rouse(self) -> None:
        """To be called when work begins; costs an attribute's read where the watcher is awake."""
        if self._asleep:
            self._wake.set()

    def run(self) -> None:
        try:
            self._watch()
        except EOFError:
            end_process(0)
        except frames.ProtocolError as error:
            os.write(2, f"martlet: {error}; ending\n".encode())
            end_process(1)

    def _watch(self) -> None:
        serving = self._serving
        quiet = 0
        while True:
            turns = serving.turns
            time.sleep(TICK)
            if serving.connection.pending:
                serving.connection.flush()
            if self.loading is not None:
                self._progress()
            if serving.turns != turns:
                quiet = 0
            elif self.takes_over and serving.busy:
                quiet = 0
                self._listen(turns)
            elif serving.requests or self.loading is not None:
                quiet = 0
                if not self.takes_over and self._poll.poll(0):
                    serving.try_read()
            else:
                quiet += 1
                if quiet >= _QUIET_TICKS:
                    self._sleep(turns)
                    quiet = 0

    def _sleep(self, turns: int) -> None:
        self._wake.clear()
        self._asleep = True
        # Work that began before the flag was seen rouses nobody: look once more.
        if self._serving.turns == turns and not self._serving.busy and not self._serving.connection.pending:
            self._wake.wait()
        self._asleep = False

    def _listen(self, turns: int) -> None:
        """Reads in the loop's place as long as it stands still."""
        serving = self._serving
        while serving.busy and serving.turns == turns:
            if self._poll.poll(TICK * 1000) and serving.busy and serving.turns == turns:
                serving.try_read()
            if serving.connection.pending:
                serving.connection.flush()
            if self.loading is not None:
                self._progress()

    def _progress(self) -> None:
        """A sign of life while the model loads, as long as the process computes or reads."""
        now = time.monotonic()
        if now - self._said < _PROGRESS_EVERY:
            return
        spent = sum(os.times()[:2])
        if self._said and spent - self._spent >= 0.05:
            self._serving.connection.post_control(frames.PROGRESS, {"message": self.loading})
            self._serving.connection.flush()
        self._said = now
        self._spent = spent


class Work:
    """Entered while the computing thread is in a user's code: the watcher listens in its place."""

    def __init__(self, watcher: "Watcher", serving: Serving):
        self._watcher = watcher
        self._serving = serving

    def __enter__(self) -> None:
        serving = self._serving
        serving.turns += 1
        serving.busy = True
        self._watcher.rouse()

    def __exit__(self, *_: object) -> None:
        self._serving.busy = False
        self._serving.turns += 1
