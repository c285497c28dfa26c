"""From `python server.py` to `martlet serve server.py`."""

import http.client
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn


def binary() -> str:
    """The program to run: `$MARTLET_BINARY`, else `martlet` on the search path. Raises `FileNotFoundError`."""
    found = os.environ.get("MARTLET_BINARY") or shutil.which("martlet")
    if not found:
        raise FileNotFoundError(
            "no martlet program: put it on the search path or name it in MARTLET_BINARY, then run this file again"
        )
    return found


def command(file: Path, host: str, port: int) -> "list[str]":
    """`martlet serve` for the file; its workers run under this same Python."""
    return [binary(), "serve", str(file), "--host", host, "--port", str(port), "--python", sys.executable]


def serve(file: Path, host: str, port: int) -> NoReturn:
    """Becomes `martlet serve`."""
    words = command(file, host, port)
    sys.stdout.flush()
    sys.stderr.flush()
    os.execvp(words[0], words)


def supervise(file: Path, host: str, port: int) -> NoReturn:
    """Runs `martlet serve` as a child and says `Application startup complete.` once it answers, for tools that wait for
    this line. Signals go on to the child; its status becomes this process's."""
    child = subprocess.Popen(command(file, host, port))

    def forward(number: int, _: object) -> None:
        child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, forward)
    said = False
    while child.poll() is None:
        if not said and _is_ready(host, port):
            print("Application startup complete.", flush=True)
            said = True
        try:
            child.wait(None if said else 0.1)
        except subprocess.TimeoutExpired:
            pass
    sys.exit(child.returncode if child.returncode >= 0 else 128 - child.returncode)


def _is_ready(host: str, port: int) -> bool:
    """Whether every API can serve."""
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}
    connection = http.client.HTTPConnection(everywhere.get(host, host), port, timeout=2)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
