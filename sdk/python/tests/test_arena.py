import array
import mmap
import os
import random
import socket
import struct
import unittest

from fake_host import FakeHost

from martlet import frames
from martlet.arena import Arena

HALF = 1 << 20


def arena() -> Arena:
    memory = os.memfd_create("test")
    os.ftruncate(memory, 2 * HALF)
    return Arena(memory, HALF)


class ArenaTests(unittest.TestCase):
    def test_bodies_never_overlap_and_every_place_comes_back(self):
        chance, here = random.Random(7), arena()
        live: dict = {}
        for _ in range(3000):
            if chance.random() < 0.6:
                body = bytes([chance.randrange(256)]) * chance.randrange(1, 200_000)
                reference = here.put(body)
                if reference is not None:
                    start, length, generation = struct.unpack("<QQI", reference)
                    self.assertTrue(HALF <= start and start + length <= 2 * HALF)
                    self.assertNotIn(start, live)
                    live[start] = (body, generation)
            elif live:
                start = chance.choice(list(live))
                body, generation = live.pop(start)
                self.assertEqual(here._memory[start : start + len(body)], body)
                here.release(start, generation)
                here.release(start, generation)
        for start, (_, generation) in live.items():
            here.release(start, generation)
        self.assertEqual(here._free, [(HALF, 2 * HALF)])

    def test_a_late_release_frees_nothing(self):
        here = arena()
        start, _, first = struct.unpack("<QQI", here.put(b"a" * HALF))
        self.assertIsNone(here.put(b"b"))
        here.release(start, first)
        self.assertIsNotNone(here.put(b"b" * HALF))
        here.release(start, first)
        self.assertIsNone(here.put(b"c"))

    def test_what_is_not_in_martlets_half_ends_the_connection(self):
        here = arena()
        self.assertEqual(here.take(struct.pack("<QQI", HALF - 4, 4, 1))[0], bytes(4))
        for start, length in ((HALF - 3, 4), (HALF, 1), (0, HALF + 1), ((1 << 64) - 1, (1 << 64) - 1)):
            with self.assertRaises(frames.ProtocolError):
                here.take(struct.pack("<QQI", start, length, 1))
        with self.assertRaises(frames.ProtocolError):
            here.take(b"")

    def test_the_descriptor_is_closed_even_where_the_memory_cannot_be_had(self):
        before = len(os.listdir("/proc/self/fd"))
        empty = os.memfd_create("test")
        with self.assertRaises((OSError, ValueError)):
            Arena(empty, HALF)
        self.assertEqual(len(os.listdir("/proc/self/fd")), before)


SOURCE = """
    from martlet import LitAPI

    class Twice(LitAPI):
        def decode_request(self, request):
            return request

        def predict(self, x):
            return x + x
    """


class SharedWorkerTests(unittest.TestCase):
    def test_bodies_go_through_the_memory_both_ways_and_through_the_socket_when_it_is_full(self):
        with FakeHost(SOURCE, hello=False) as host:
            descriptor = os.memfd_create("test")
            os.ftruncate(descriptor, 2 * HALF)
            memory = mmap.mmap(descriptor, 2 * HALF)
            hello = frames.control(frames.HELLO, {"protocol": 1, "purpose": "serve", "device": "cpu", "shm": HALF})
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [descriptor]))
            host.socket.sendmsg([hello], [rights])
            os.close(descriptor)
            self.assertTrue(host.take(frames.READY, wait=30).meta["shm"])
            body = bytes(range(256)) * 1200
            memory[4096 : 4096 + len(body)] = body
            meta = frames.dump({"type": "image/png"})
            places = []
            for id in (1, 2):
                reference = struct.pack("<QQI", 4096, len(body), 40 + id)
                item = frames.item(id, 0, frames.SHM, meta, reference)
                host.socket.sendall(frames.data(frames.EXEC, [item], id=id))
                released = host.take(frames.RELEASED)
                self.assertEqual(released.id, 4096)
                got = host.take(frames.RESULT, frames.CHUNK)
                if id == 1:
                    self.assertEqual(got.flags, frames.SHM)
                    start, length, generation = struct.unpack("<QQI", got.body)
                    self.assertTrue(start >= HALF)
                    self.assertEqual(memory[start : start + length], body + body)
                    places.append((start, generation))
                else:
                    # There is room for one alone.
                    self.assertEqual((got.type, got.meta["length"]), (frames.CHUNK, 2 * len(body)))
                    host.cancel(id)
                    while got.type != frames.CANCELLED:
                        got = host.take(frames.CHUNK, frames.CANCELLED)
            start, generation = places[0]
            header = frames.pack_item_header(start, 0, 0, generation, 0)
            host.socket.sendall(frames.data(frames.RELEASE, [header]))
            item = frames.item(3, 0, frames.SHM, meta, struct.pack("<QQI", 4096, len(body), 43))
            host.socket.sendall(frames.data(frames.EXEC, [item], id=3))
            host.take(frames.RELEASED)
            got = host.take(frames.RESULT)
            self.assertEqual(struct.unpack("<QQI", got.body)[0], start)
