"""The launcher as a new user meets it, in a clone whose binary is built already: `./martlet up` and what it says."""

import contextlib
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import time

from support import HOME, Child, binary, get, main

ANYWHERE = ("--listen", "127.0.0.1:0", "--console", "127.0.0.1:0")
SECOND_START_SECONDS = 2


@contextlib.contextmanager
def clone(with_models: bool):
    """A folder that the launcher takes for a clone in which everything is built and, maybe, the models installed."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for file in ("martlet", "Package.swift"):
            shutil.copy2(HOME / file, folder)
        shutil.copytree(HOME / "models", folder / "models")
        (folder / "Sources").mkdir()
        (folder / ".build/release").mkdir(parents=True)
        (folder / ".build/release/martlet").symlink_to(pathlib.Path(binary()).resolve())
        (folder / ".build/release/.martlet-built").touch()
        if with_models:
            (folder / ".martlet").mkdir()
            (folder / ".martlet/venv").symlink_to(HOME / ".martlet/venv")
        yield folder


def said(child: Child) -> str:
    return re.sub(r"\s+", " ", child.text("stdout") + child.text("stderr"))


def check_a_second_start_is_quick() -> None:
    with clone(with_models=True) as folder:
        began = time.monotonic()
        with Child([folder / "martlet", "up", *ANYWHERE]) as launched:
            url = launched.prints(r"^serving +(http\S+)$")
            get(f"{url}/v1/models")
            took = time.monotonic() - began
            assert "tiny, English only" in said(launched), "it says what the demo model is"
    print(f"serving after {took * 1000:.0f} ms")
    assert took < SECOND_START_SECONDS, took


def check_models_that_cannot_be_had_are_said_and_the_rest_serves() -> None:
    with clone(with_models=False) as folder:
        with Child([folder / "martlet", "up", *ANYWHERE], {"PIP_NO_INDEX": "1"}) as launched:
            url = launched.prints(r"^serving +(http\S+)$", within=40)
            assert "the demo models could not be installed" in said(launched), said(launched)
            assert "name a backend with --upstream URL" in said(launched), said(launched)
            assert json.loads(get(f"{url}/healthz"))["status"] == "ok"
            console = launched.prints(r"^console +(http://[^/]+)/status")
            assert json.loads(get(f"{console}/status"))["backends"] == [], "nothing half-installed is started"


def check_upstreams_need_no_models() -> None:
    with clone(with_models=False) as folder:
        upstream = ("--upstream", "http://127.0.0.1:1")
        with Child([folder / "martlet", "up", *upstream, *ANYWHERE], {"PIP_NO_INDEX": "1"}) as launched:
            launched.prints(r"^serving +(http\S+)$")
            assert not (folder / ".martlet").exists(), "nothing was installed"


def check_other_commands_go_to_the_binary() -> None:
    with clone(with_models=False) as folder:
        file = folder / "wrong.yaml"
        file.write_text("pools:\n  chat:\n    targets: [{url: http://127.0.0.1:1, wieght: 2}]\n")

        def run(*words: str) -> subprocess.CompletedProcess:
            return subprocess.run(
                [folder / "martlet", *words], capture_output=True, text=True, timeout=20, stdin=subprocess.DEVNULL
            )

        checked = run("check", str(file))
        assert checked.returncode == 2 and "wrong.yaml:3" in checked.stderr and "weight" in checked.stderr, checked
        helped = run("--help")
        assert helped.returncode == 0 and "./martlet COMMAND" in helped.stdout and "mock" in helped.stdout, helped
        assert run().returncode == 64
        assert run("nonsense").returncode == 64


if __name__ == "__main__":
    main(globals())
