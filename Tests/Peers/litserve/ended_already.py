"""A pytest plugin: a process that has ended need not be killed.

LitServe's tests kill every process of a server, one after the other, parents first, and fail where one is gone. With
its parent gone, Martlet ends all of its own: sometimes before they are killed one by one.
"""

import contextlib

import psutil

_kill = psutil.Process.kill


def _kill_if_there(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        _kill(process)


psutil.Process.kill = _kill_if_there
