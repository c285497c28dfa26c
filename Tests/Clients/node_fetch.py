"""Node's fetch without keep-alive, callers that leave early: the connections of nobody must not pile up."""

import json
import pathlib
import re
import subprocess

from support import Martlet, eventually, main, served_by_mock

CALLERS = 50


def leave(martlet: Martlet, moment: str) -> dict:
    program = pathlib.Path(__file__).with_name("leaving_fetch.mjs")
    ended = subprocess.run(
        ["node", program, martlet.url, str(CALLERS), moment], capture_output=True, text=True, timeout=30
    )
    assert ended.returncode == 0, ended.stderr
    return json.loads(ended.stdout)


def left(martlet: Martlet) -> dict:
    """How many requests lost their client, by where they were."""
    lines = re.findall(r'^martlet_cancelled_total{phase="(\w+)"} (\d+)$', martlet.metrics(), re.MULTILINE)
    return {phase: int(count) for phase, count in lines}


def leaves_nothing(moment: str, phase: str, *options: str, target: str = "", heard: int = 0) -> None:
    with served_by_mock(*options, target=target) as (martlet, mock):
        idle = martlet.descriptors()
        met = leave(martlet, moment)
        assert met == {"aborted": CALLERS, "other": [], "heard": heard}, met
        martlet.wait_until_idle()
        eventually(lambda: mock.stats()["active"] == 0, 1, "the upstream works for nobody")
        # Places that some leave are given to others, who leave as well: not all are in the same phase.
        counted = left(martlet)
        assert sum(counted.values()) == CALLERS and counted[phase] > 0, counted
        assert not martlet.pool("chat")["targets"][0]["failures"], "a client that leaves is no failure of the target"
        eventually(lambda: martlet.descriptors() <= idle, 6, "the descriptors are back")


def check_fifty_that_leave_before_the_head_leave_nothing() -> None:
    leaves_nothing("before-the-head", "waiting", "--latency", "60s")


def check_fifty_that_leave_in_mid_stream_leave_nothing() -> None:
    leaves_nothing("mid-stream", "streaming", "--tokens", "100000", "--interval", "20ms", heard=CALLERS)


def check_fifty_that_leave_the_queue_leave_nothing() -> None:
    leaves_nothing("while-queued", "queued", "--latency", "60s", target="max_inflight: 2")


if __name__ == "__main__":
    main(globals())
