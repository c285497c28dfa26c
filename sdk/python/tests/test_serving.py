"""The reading that two threads share."""

import socket
import threading
import unittest

from fake_host import frames

from martlet.connection import Connection
from martlet.serving import Serving


class SlowArena:
    """Reads a body when told to."""

    def __init__(self) -> None:
        self.asked, self.may = threading.Event(), threading.Event()

    def take(self, reference: bytes):
        self.asked.set()
        self.may.wait(10)
        return b"{}", 0, 1


class ReadingTests(unittest.TestCase):
    def test_who_looks_while_the_other_thread_hands_a_batch_in_does_not_wait_for_the_next_one(self):
        host, own = socket.socketpair()
        arena = SlowArena()
        serving = Serving(Connection(own), arena)
        host.sendall(frames.data(frames.EXEC, [frames.item(1, 0, frames.SHM, b"", bytes(20))], id=1))
        other = threading.Thread(target=serving.try_read)
        other.start()
        self.assertTrue(arena.asked.wait(10))
        seen = serving.receipts
        self.assertIsNone(serving.next_batch())
        arena.may.set()
        # Who waits all the same is told that the connection has ended.
        end = threading.Timer(5, host.shutdown, (socket.SHUT_WR,))
        end.start()
        serving.read(seen)
        end.cancel()
        other.join()
        self.assertIsNotNone(serving.next_batch())
        host.close()
        own.close()


if __name__ == "__main__":
    unittest.main()
