"""The same runnables behind LangServe and behind Martlet, asked the same: the replies must be the same.

    PYTHON compare.py            with the Python of an environment that has LangServe

First plain HTTP, byte by byte with ids and versions settled; then LangServe's own client, `RemoteRunnable`; then some of
it again with chains written in Swift, and with the runnables served by `martlet.serve_chain`; then what only Martlet
does: a stream whose reader leaves is stopped, a file may say in several ways what it serves. Reasons for differences are
in `cases.py`, and every difference that is listed must be one. Ends by itself within three minutes.
"""

import collections
import pathlib
import signal
import socket
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "Clients"))

import cases  # noqa: E402
import clients  # noqa: E402
import files  # noqa: E402
import leaving  # noqa: E402
import swift  # noqa: E402
from replies import Case, Reply, ask, settled  # noqa: E402
from support import HOME, Child, binary, eventually  # noqa: E402

BOUND_SECONDS = 180
OWN_WORDS = ("add_one", "refuse", "fail_later", "chat", "joke", "joke/message", "words")
SHOWN = 300


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server(Child):
    """One of the two, with `chains.py`."""

    def __init__(self, name: str, command: list, port: int, environment: dict):
        super().__init__(command, environment)
        self.name = name
        self.url = f"http://127.0.0.1:{port}"

    def __exit__(self, kind, error, trace):
        # The comparison says what differs; what the servers printed on the way is long, and says it no better.
        super().__exit__(None, None, None)

    def wait(self, *paths: str) -> None:
        def answers() -> bool:
            assert self.process.poll() is None, f"{self.name} ended: {self.text('stderr')[-2000:]}"
            try:
                return all(ask(self.url, Case("GET", f"{path}/config_schema")).status in (200, 422) for path in paths)
            except OSError:
                return False

        eventually(answers, 60, f"{self.name} answers")


def langserve() -> Server:
    port = free_port()
    return Server("LangServe", [sys.executable, HERE / "chains.py"], port, {"PORT": str(port)})


def martlet(file: str = "chains.py") -> Server:
    port = free_port()
    command = [binary(), "serve", HERE / file, "--port", str(port), "--python", sys.executable]
    return Server("Martlet", command, port, {"MARTLET_HOME": str(HOME)})


def in_swift(command: list) -> Server:
    port = free_port()
    return Server("Martlet", command, port, {"MARTLET_LISTEN": f"127.0.0.1:{port}", "MARTLET_CONSOLE": "off"})


def differences(theirs: Reply, ours: Reply) -> list:
    found = []
    if theirs.status != ours.status:
        found.append("status")
    if theirs.headers != ours.headers:
        found.append("headers")
    if settled(theirs.text) != settled(ours.text):
        found.append("body")
    if theirs.is_whole != ours.is_whole:
        found.append("end")
    return found


def shown(reply: Reply) -> str:
    return f"{reply.status} {reply.headers} {settled(reply.text)[:SHOWN]!r}{'' if reply.is_whole else ' (broken off)'}"


def compare_replies(theirs: Server, ours: Server, asked: list) -> collections.Counter:
    """How many replies are alike, under "", and how many differ for each reason. Raises `AssertionError` with all that differs and should not, and with reasons that are none (any more)."""
    wrong, reasons = [], collections.Counter()
    for case in asked:
        both = ask(theirs.url, case), ask(ours.url, case)
        found = differences(*both)
        if case.ours not in (None, both[1].status) or case.ours == 200 and "event: error" in both[1].text:
            wrong.append(f"{case}\n    not answered with {case.ours}: {shown(both[1])}")
        if case.differs and not found:
            wrong.append(f"{case}\n    listed as different ({case.differs}), and alike: {shown(both[0])}")
        elif not case.differs and found or set(found) & set(case.alike) and case.differs:
            wrong.append(f"{case}\n    {found}\n    LangServe {shown(both[0])}\n    Martlet   {shown(both[1])}")
        elif case.differs:
            reasons[case.differs] += 1
        else:
            reasons[""] += 1
    assert not wrong, f"{len(wrong)} replies differ:\n" + "\n".join(wrong)
    return reasons


def main() -> None:
    def give_up(number, frame):
        raise TimeoutError("the comparison took too long")

    signal.signal(signal.SIGALRM, give_up)
    signal.signal(signal.SIGTERM, give_up)
    signal.alarm(BOUND_SECONDS)
    began = time.monotonic()
    with langserve() as theirs:
        with martlet() as ours:
            theirs.wait("/add_one")
            ours.wait("/add_one", "/words", "/guarded", "/others/told")
            report(compare_replies(theirs, ours, cases.everything()))
            print(f"ok {clients.compare(theirs.url, ours.url, clients.INPUTS)} calls of RemoteRunnable gave the same")
            for line in leaving.check(ours):
                print(f"ok {line}")
        for line in swift.check(theirs, in_swift):
            print(f"ok {line}")
        with martlet("own_words.py") as ours:
            ours.wait(*(f"/{name}" for name in OWN_WORDS))
            below = tuple(f"/{name}/" for name in OWN_WORDS)
            some = [case for case in cases.everything() if case.path.startswith(below)]
            print("with martlet.serve_chain:")
            report(compare_replies(theirs, ours, some))
            inputs = {name: clients.INPUTS[name] for name in OWN_WORDS}
            print(f"ok {clients.compare(theirs.url, ours.url, inputs)} calls of RemoteRunnable gave the same")
    for line in files.check():
        print(f"ok {line}")
    print(f"compared in {time.monotonic() - began:.0f} s")


def report(reasons: collections.Counter) -> None:
    print(f"ok {reasons.pop('')} replies byte by byte the same")
    for reason, count in reasons.items():
        print(f"   {count} differ on purpose: {reason}")


if __name__ == "__main__":
    main()
