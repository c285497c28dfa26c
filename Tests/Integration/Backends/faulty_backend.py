"""A model server that does to itself what the path of a request says."""

import http.server
import os
import signal
import sys
import threading

HELD = []


def leak() -> None:
    HELD.extend(os.open("/dev/zero", os.O_RDONLY) for _ in range(20))


def eat() -> None:
    try:
        HELD.append(bytearray(1 << 31))
    except MemoryError:
        os.abort()  # As a native library does.


def garbage() -> None:
    """14 MB: a line without an end, noise, a flood of short lines."""
    sys.stdout.buffer.write(bytes([0, 254, 7, 27]) * (1 << 21))
    sys.stdout.buffer.write(os.urandom(1 << 21) + b"\n")
    sys.stdout.buffer.flush()
    sys.stderr.write("123456789\n" * 400_000)
    threading.Timer(1, print, ["the last line"]).start()


DEEDS = {"/leak": leak, "/eat": eat, "/garbage": garbage, "/killed": lambda: os.kill(os.getpid(), signal.SIGKILL)}


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        DEEDS.get(self.path, lambda: None)()
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_GET

    def log_message(self, *_) -> None:
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
