import unittest

import fake_host  # noqa: F401  (finds the SDK)

from martlet import frames


class FrameTests(unittest.TestCase):
    def test_a_frame_cut_anywhere_is_read_whole(self):
        sent = frames.control(frames.PING, {"a": 1}, id=7) + frames.data(
            frames.EXEC, [frames.item(1, 0, frames.MORE, b"{}", b"abc"), frames.item(2, 0, 0, b"", b"")], id=9
        )
        for cut in range(len(sent)):
            reader = frames.FrameReader()
            got = reader.feed(sent[:cut]) + reader.feed(sent[cut:])
            self.assertEqual([(type, id, count) for type, id, count, _ in got], [(6, 7, 0), (2, 9, 2)])
            items = frames.items(frames.EXEC, 2, got[1][3])
            self.assertEqual(items, [(1, 0, frames.MORE, b"{}", b"abc"), (2, 0, 0, b"", b"")])

    def test_a_grant_carries_no_meta_and_no_body(self):
        payload = frames.pack_item_header(5, 64, 0, 1000, 0)
        self.assertEqual(frames.items(frames.CREDIT, 1, payload), [(5, 64, 1000, b"", b"")])

    def test_an_unknown_type_and_a_huge_payload_are_refused(self):
        with self.assertRaises(frames.ProtocolError):
            frames.FrameReader().feed(frames.control(frames.READY, {}))
        with self.assertRaises(frames.ProtocolError):
            frames.FrameReader().feed(b"\x01\x00\x10\x00" + bytes([frames.PING]) + bytes(11))

    def test_counts_and_flags_that_mean_nothing_are_refused(self):
        item = frames.item(1, 0, 0, b"", b"")
        for frame in (frames.data(frames.PING, [item]), frames.data(frames.EXEC, []), b"\0\0\0\0\x06\x01" + bytes(10)):
            with self.assertRaises(frames.ProtocolError):
                frames.FrameReader().feed(frame)
        with self.assertRaises(frames.ProtocolError):
            frames.items(frames.EXEC, 1, frames.item(1, 0, 8, b"", b""))

    def test_items_that_do_not_fill_their_frame_are_refused(self):
        good = frames.item(1, 0, 0, b"{}", b"abc")
        for payload in (good[:-1], good + b"x", good[:10]):
            with self.assertRaises(frames.ProtocolError):
                frames.items(frames.EXEC, 1, payload)

    def test_a_meta_that_is_no_object_is_refused(self):
        for meta in (b"[]", b"1", b"{", b"\xff"):
            with self.assertRaises(frames.ProtocolError):
                frames.load(meta)
        self.assertEqual(frames.load(b""), {})
