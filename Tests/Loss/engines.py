"""The two engines: Martlet's embedded broker and a Redis server that keeps what it acknowledges."""

import contextlib
import os
import pathlib
import resource
import signal
import socket
import struct
import subprocess
import threading
import time


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Engine:
    """A broker that can be killed, stopped, kept from writing, and started again on its data."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder) / self.name
        self.folder.mkdir()
        self.log = pathlib.Path(folder) / f"{self.name}.log"
        self.port = free_port()
        self.starts = 0
        self.start()

    def start(self):
        self.starts += 1
        self.process = subprocess.Popen(
            self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            # A file that may not grow is an error to it, not its death (SIGXFSZ stays ignored).
            restore_signals=False)
        # Written by us: it may be kept from writing.
        threading.Thread(target=self._drain, args=(self.process.stdout,), daemon=True).start()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if self.answers():
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.02)
        raise SystemExit(f"{self.name} does not start; it said:\n{self.log.read_text()[-3000:]}")

    def _drain(self, pipe):
        with open(self.log, "ab") as log:
            for line in pipe:
                log.write(line)
                log.flush()

    def answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as line:
            line.sendall(b"PING\r\n")
            return line.recv(64).startswith(b"+PONG")
        return False

    def lives(self):
        return self.process.poll() is None

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()

    def pause(self, seconds):
        self.process.send_signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.process.send_signal(signal.SIGCONT)

    def fill_disk(self, seconds):
        """Nothing can be written to any file for so long, as on a full disk (EFBIG). What dies of it is started."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            resource.prlimit(self.process.pid, resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
        time.sleep(seconds)
        if self.lives():
            resource.prlimit(
                self.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        else:
            self.start()

    def cpu(self):
        """User and system seconds so far."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        """Bytes of memory."""
        return int(pathlib.Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def stop(self):
        if self.lives():
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


class Martlet(Engine):
    name = "martlet"

    def __init__(self, folder, binary, *flags):
        self.binary, self.flags = str(binary), flags
        super().__init__(folder)

    def command(self):
        return [self.binary, "broker", "--port", str(self.port), "--data", str(self.folder), *self.flags]

    def tear(self):
        """Kills it and leaves behind what a write that was cut off by a power failure leaves: half a frame."""
        self.kill()
        path = max(self.folder.glob("journal-*"), default=None)
        if path is None:
            return
        data = path.read_bytes()
        end, last = whole_frames(data)
        torn = data[last:end] if end > last else b"MJF1" + os.urandom(28)
        with open(path, "r+b") as file:
            file.seek(end)
            file.write(torn[: max(5, len(torn) // 2)])


def whole_frames(data):
    """Where the frames end that have a head, and where the last of them begins (Sources/MartletStore/README.md)."""
    place, last = 40, 40
    while data[place : place + 4] == b"MJF1":
        length = struct.unpack_from("<I", data, place + 4)[0]
        if place + 36 + length > len(data):
            break
        last, place = place, place + 36 + length
    return place, last


class Redis(Engine):
    name = "redis"

    def command(self):
        return [
            "redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", "always", "--loglevel", "warning"]

    def tear(self):
        self.kill()
        path = max(self.folder.glob("appendonlydir/*.incr.aof"), default=None)
        if path is not None:
            with open(path, "ab") as file:
                file.write(b"*3\r\n$5\r\nLPUSH\r\n$4\r\nlo")
