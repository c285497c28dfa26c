"""The two servers that are compared: Martlet's broker and Redis. Both as the loss checker starts them."""

import contextlib
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "Loss"))

import engines  # noqa: E402


@contextlib.contextmanager
def server(name, binary):
    with tempfile.TemporaryDirectory(prefix="martlet-peers-") as folder:
        engine = engines.Redis(folder) if name == "redis" else engines.Martlet(folder, binary)
        try:
            yield engine
        finally:
            engine.stop()
