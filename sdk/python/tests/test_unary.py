import unittest

from fake_host import FakeHost, frames

MODEL = """
    import martlet, sys

    class Echo(martlet.LitAPI):
        def decode_request(self, request):
            return request
        def predict(self, x, context):
            if isinstance(x, dict) and "fail" in x:
                if x["fail"] == "plain": raise ValueError("secret")
                raise martlet.HTTPException(418, {"tea": True}, {"x-pot": "1"})
            if x == "bytes": return b"\\xff\\x00"
            if x == "text": return "t"
            if x == "response": return martlet.Response("made", status_code=201, headers={"x-a": "b"})
            if x == "nan": return float("nan")
            if x == "large": return "x" * 500_000
            if x == "context":
                return [context.id, context.headers, context.client, context.priority, context.remaining > 1]
            if isinstance(x, bytes): return {"bytes": len(x)}
            if isinstance(x, martlet.Form):
                return {k: v if isinstance(v, str) else [v.filename, v.size] for k, v in x.items()}
            print("a line of the model's")
            return {"got": x}
    """


class UnaryTests(unittest.TestCase):
    def test_every_kind_of_answer(self):
        with FakeHost(MODEL) as host:
            self.assertEqual(host.result({"a": [1, "ü"]}), {"got": {"a": [1, "ü"]}})
            self.assertEqual(host.result("text"), "t")
            host.execute("bytes")
            got = host.take(frames.RESULT)
            self.assertEqual((got.body, got.meta), (b"\xff\x00", {"type": "application/octet-stream"}))
            host.execute("response")
            got = host.take(frames.RESULT)
            self.assertEqual((got.status, got.body, got.meta["headers"]), (201, b"made", [["x-a", "b"]]))
            self.assertIn("a line of the model's", host.output())

    def test_errors_are_clean_for_the_client_and_whole_in_the_log(self):
        with FakeHost(MODEL) as host:
            host.execute({"fail": "http"})
            got = host.take(frames.ERROR)
            self.assertEqual((got.status, got.json()), (418, {"detail": {"tea": True}}))
            self.assertEqual(got.meta["headers"], [["x-pot", "1"]])
            self.assertEqual(host.logs, [])
            for value in ({"fail": "plain"}, "nan"):
                host.execute(value)
                got = host.take(frames.ERROR)
                self.assertEqual((got.status, got.meta["scope"]), (500, "item"))
                self.assertEqual(got.json(), {"detail": "Internal server error"})
            self.assertIn("ValueError: secret", host.logs[0]["message"])
            self.assertIn("Traceback", host.logs[0]["message"])
            host.execute(body=b"{")
            self.assertEqual(host.take(frames.ERROR).status, 400)
            self.assertEqual(host.result(1), {"got": 1})

    def test_an_answer_larger_than_a_frame_goes_out_in_pieces_as_credit_comes(self):
        with FakeHost(MODEL) as host:
            id = host.execute("large")
            other = host.execute(2)
            pieces = []
            answered = False
            while not pieces or not pieces[-1].flags & frames.LAST:
                got = host.take(frames.CHUNK, frames.RESULT)
                if got.type == frames.RESULT:
                    # Not granted yet: the other request does not wait for this one's reader.
                    self.assertEqual(got.id, other)
                    answered = True
                    host.grant(id, 64, 1 << 20)
                else:
                    pieces.append(got)
            self.assertTrue(answered)
            self.assertEqual(pieces[0].meta["length"], 500_002)
            self.assertEqual([piece.status for piece in pieces], list(range(len(pieces))))
            self.assertTrue(all(len(piece.body) <= 65536 for piece in pieces))
            self.assertEqual(b"".join(piece.body for piece in pieces), b'"' + b"x" * 500_000 + b'"')

    def test_a_body_in_pieces_and_of_every_type(self):
        with FakeHost(MODEL) as host:
            meta = frames.dump({"type": "image/png"})
            host.socket.sendall(frames.data(frames.EXEC, [frames.item(900, 0, frames.MORE, meta, b"a" * 65536)]))
            self.assertEqual(host.result(1), {"got": 1})
            host.socket.sendall(frames.data(frames.BODY, [frames.item(900, 0, frames.MORE, b"", b"b" * 65536)]))
            host.socket.sendall(frames.data(frames.BODY, [frames.item(900, 0, 0, b"", b"c")]))
            self.assertEqual(host.take(frames.RESULT).json(), {"bytes": 131073})
            host.execute(body=b"a=1&b=x+y", type="application/x-www-form-urlencoded")
            self.assertEqual(host.take(frames.RESULT).json(), {"a": "1", "b": "x y"})
            part = b'--q\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\nabc\r\n--q--\r\n'
            host.execute(body=part, type="multipart/form-data; boundary=q")
            self.assertEqual(host.take(frames.RESULT).json(), {"f": ["n", 3]})

    def test_files_of_forms_are_closed_whatever_happens(self):
        source = """
            import martlet, os
            kept = []
            class A(martlet.LitAPI):
                def predict(self, form):
                    kept.append(form["f"])
                    if form["how"] == "fail": raise ValueError("broken")
                    return [form["f"].size, len(os.listdir("/proc/self/fd")), sum(not one.file.closed for one in kept)]
            """
        with FakeHost(source) as host:
            head = b'--q\r\nContent-Disposition: form-data; name="f"; filename="n"\r\n\r\n'
            seen = []
            for how in (b"answer", b"fail", b"answer", b"answer"):
                field = b'\r\n--q\r\nContent-Disposition: form-data; name="how"\r\n\r\n' + how + b"\r\n--q--\r\n"
                host.execute(body=head + bytes(3 << 20) + field, type="multipart/form-data; boundary=q")
                got = host.take(frames.RESULT, frames.ERROR)
                if got.type == frames.RESULT:
                    seen.append(got.json())
            self.assertEqual([one[0] for one in seen], [3 << 20] * 3)
            self.assertEqual(len({one[1] for one in seen}), 1)
            self.assertEqual([one[2] for one in seen], [1, 1, 1])

    def test_what_the_context_knows(self):
        with FakeHost(MODEL) as host:
            meta = {"id": "r1", "headers": {"x-a": "1"}, "client": "10.0.0.1", "priority": "batch", "ms": 5000}
            self.assertEqual(host.result("context", **meta), ["r1", {"x-a": "1"}, "10.0.0.1", "batch", True])

    def test_health_is_an_operation(self):
        with FakeHost(MODEL) as host:
            host.execute(op="health")
            got = host.take(frames.RESULT)
            self.assertEqual((got.status, got.body), (200, b"ok"))

    def test_authorize_refuses_before_the_model_sees_anything(self):
        source = """
            import martlet
            class Guarded(martlet.LitAPI):
                def authorize(self, request):
                    if request.headers.get("Authorization") != "Bearer good":
                        raise martlet.HTTPException(401, "no")
                def predict(self, x): return x
            """
        with FakeHost(source) as host:
            host.execute(1)
            self.assertEqual(host.take(frames.ERROR).status, 401)
            self.assertEqual(host.result(1, headers={"authorization": "Bearer good"}), 1)

    def test_a_key_for_the_whole_server(self):
        with FakeHost(MODEL, environment={"LIT_SERVER_API_KEY": "ké"}) as host:
            self.assertIs(host.ready.meta["apis"][0]["authorizes"], True)
            for headers in ({}, {"x-api-key": "k"}):
                host.execute(1, headers=headers)
                self.assertEqual(host.take(frames.ERROR).status, 401)
            self.assertEqual(host.result(1, headers={"x-api-key": "ké"}), {"got": 1})
