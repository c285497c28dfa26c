"""WSGI and ASGI applications: small ones always, Flask and FastAPI where they are installed."""

import importlib.util
import time
import unittest

from fake_host import FakeHost, frames


def installed(name):
    return unittest.skipUnless(importlib.util.find_spec(name), f"{name} is not installed")


class WSGITests(unittest.TestCase):
    APP = """
        import time
        class Body:
            def __init__(self, parts): self.parts = parts
            def __iter__(self): return iter(self.parts)
            def close(self): print("closed", flush=True)
        def app(environ, start_response):
            path = environ["PATH_INFO"]
            if path == "/echo":
                start_response("201 Created", [("Content-Type", "text/plain"), ("X-A", "1"), ("X-A", "2")])
                parts = [environ["REQUEST_METHOD"], environ["QUERY_STRING"], environ.get("HTTP_X_B", "")]
                return Body(["|".join(parts).encode(), environ["wsgi.input"].read()])
            if path == "/slow":
                start_response("200 OK", [("Content-Type", "text/event-stream")])
                def parts():
                    try:
                        for number in range(100):
                            yield b"data: %d\\n\\n" % number
                            time.sleep(0.02)
                    finally:
                        print("closed", flush=True)
                return parts()
            if path == "/fail": raise ValueError("secret")
            start_response("200 OK", [("Content-Type", "text/html"), ("Content-Length", "2")])
            return [b"ok"]
        """

    def test_requests_answers_and_closing(self):
        with FakeHost(self.APP, application="model.py:app") as host:
            api = host.ready.meta["apis"][0]
            self.assertEqual((api["path"], "GET" in api["methods"]), ("/*", True))
            host.execute(body=b"body", method="PUT", path="/echo", query="a=1&b=2", headers={"x-b": "3"}, type="x/y")
            got = [host.take(frames.CHUNK) for _ in range(3)]
            self.assertEqual((got[0].meta["status"], got[0].meta["headers"]), (201, [["x-a", "1"], ["x-a", "2"]]))
            self.assertEqual(b"".join(one.body for one in got), b"PUT|a=1&b=2|3body")
            self.assertIn("closed", host.output())
            host.execute(body=b"", method="GET", path="/")
            got = host.take(frames.RESULT)
            self.assertEqual((got.status, got.meta, got.body), (200, {"type": "text/html"}, b"ok"))
            host.execute(body=b"", path="/fail")
            self.assertEqual(host.take(frames.ERROR).status, 500)
            self.assertIn("ValueError: secret", host.logs[-1]["message"])

    def test_what_asks_for_the_head_alone_gets_it_with_the_length_of_the_body(self):
        with FakeHost(self.APP, application="model.py:app") as host:
            for path, length in (("/", len(b"ok")), ("/echo", len(b"HEAD||body"))):
                host.execute(body=b"body", method="HEAD", path=path)
                got = host.take(frames.RESULT)
                self.assertEqual((got.body, got.meta["length"]), (b"", length))

    def test_a_name_with_an_underscore_is_no_header(self):
        with FakeHost(self.APP, application="model.py:app") as host:
            for headers, seen in (({"x_b": "no"}, b""), ({"x-b": "yes", "x_b": "no"}, b"yes")):
                host.execute(body=b"", method="GET", path="/echo", headers=headers)
                self.assertEqual(b"".join(host.take(frames.CHUNK).body for _ in range(2)), b"GET||" + seen)

    def test_the_servers_key_guards_applications(self):
        for app in (self.APP, ASGITests.APP):
            with FakeHost(app, application="model.py:app", environment={"LIT_SERVER_API_KEY": "key"}) as host:
                host.execute(body=b"", method="GET", path="/")
                self.assertEqual(host.take(frames.ERROR).status, 401)
                host.execute(body=b"", method="GET", path="/", headers={"x-api-key": "key"})
                self.assertEqual(host.take(frames.RESULT).status, 200)
                host.execute(op="health")
                self.assertEqual(host.take(frames.RESULT).status, 200)

    def test_a_stream_comes_part_by_part_and_stops_when_nobody_listens(self):
        with FakeHost(self.APP, application="model.py:app") as host:
            id = host.execute(body=b"", method="GET", path="/slow")
            self.assertEqual(host.take(frames.CHUNK).body, b"data: 0\n\n")
            host.cancel(id)
            while host.take(frames.CHUNK, frames.CANCELLED, wait=1).type != frames.CANCELLED:
                pass
            self.assertIn("closed", host.output())

    def test_requests_run_side_by_side_and_one_that_waits_for_a_thread_is_given_up_at_once(self):
        source = """
            import time
            def app(environ, start_response):
                time.sleep(0.4)
                start_response("200 OK", [("Content-Type", "text/plain")])
                return [b"ok"]
            """
        with FakeHost(source, application="model.py:app") as host:
            self.assertEqual(host.ready.meta["apis"][0]["concurrent"], 4)
            began = time.monotonic()
            ids = [host.execute(body=b"", method="GET") for _ in range(5)]
            host.cancel(ids[4])
            got = host.take(frames.CANCELLED, wait=0.3)
            self.assertEqual((got.id, got.meta["phase"]), (ids[4], "waiting"))
            self.assertEqual(sorted(host.take(frames.RESULT).id for _ in range(4)), ids[:4])
            self.assertLess(time.monotonic() - began, 1.2)

    def test_a_reader_that_does_not_read_holds_one_thread_alone(self):
        source = """
            def app(environ, start_response):
                start_response("200 OK", [("Content-Type", "text/plain")])
                return (b"x" for _ in range(1000)) if environ["PATH_INFO"] == "/many" else [b"ok"]
            """
        with FakeHost(source, application="model.py:app") as host:
            slow = host.execute(body=b"", path="/many")
            for _ in range(frames.CREDIT_CHUNKS):
                host.take(frames.CHUNK)
            host.execute(body=b"", path="/")
            self.assertEqual(host.take(frames.RESULT).body, b"ok")
            host.grant(slow, 2000, 2000)
            got = [host.take(frames.CHUNK) for _ in range(1001 - frames.CREDIT_CHUNKS)]
            self.assertTrue(got[-1].flags & frames.LAST)

    @installed("flask")
    def test_a_flask_service(self):
        source = """
            from flask import Flask, request, jsonify
            app = Flask(__name__)
            @app.post("/classify/<name>")
            def classify(name):
                return jsonify(name=name, size=len(request.files["image"].read()), q=request.args["q"])
            @app.get("/boom")
            def boom(): raise ValueError("secret")
            """
        head = b'--q\r\nContent-Disposition: form-data; name="image"; filename="n"\r\n\r\n'
        part = head + b"x" * 1000 + b"\r\n--q--\r\n"
        with FakeHost(source, application="model:app") as host:
            host.execute(body=part, path="/classify/cat", query="q=1", type="multipart/form-data; boundary=q")
            self.assertEqual(host.take(frames.RESULT).json(), {"name": "cat", "size": 1000, "q": "1"})
            host.execute(body=b"", method="GET", path="/boom")
            self.assertEqual(host.take(frames.RESULT).status, 500)
            host.execute(body=b"", method="GET", path="/nowhere")
            self.assertEqual(host.take(frames.RESULT).status, 404)


class ASGITests(unittest.TestCase):
    APP = """
        import asyncio
        async def app(scope, receive, send):
            if scope["type"] == "lifespan":
                while True:
                    message = await receive()
                    print(message["type"], flush=True)
                    scope["state"]["ready"] = "yes"
                    await send({"type": message["type"] + ".complete"})
                    if message["type"] == "lifespan.shutdown": return
            start = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]}
            if scope["path"] == "/slow":
                await send(start)
                try:
                    for number in range(1000):
                        await send({"type": "http.response.body", "body": b"%d " % number, "more_body": True})
                        await asyncio.sleep(0.005)
                finally:
                    print("stopped", flush=True)
            elif scope["path"] == "/listen":
                await receive()
                message = await receive()
                print("heard", message["type"], flush=True)
            elif scope["path"] == "/fail": raise ValueError("secret")
            else:
                message = await receive()
                await send(start)
                text = [scope["method"], scope["query_string"].decode(), scope["state"]["ready"]]
                text.append(message["body"].decode())
                await send({"type": "http.response.body", "body": "|".join(text).encode()})
        """

    def test_requests_lifespan_and_the_end(self):
        with FakeHost(self.APP, application="model.py:app") as host:
            host.execute(body=b"hello", method="POST", path="/x", query="a=1")
            got = host.take(frames.RESULT)
            self.assertEqual((got.body, got.meta["type"]), (b"POST|a=1|yes|hello", "text/plain"))
            host.execute(body=b"", path="/fail")
            self.assertEqual(host.take(frames.ERROR).status, 500)
            host.control(frames.DRAIN, {"grace_ms": 5000})
            self.assertEqual(host.process.wait(3), 0)
            self.assertIn("lifespan.shutdown", host.output())

    def test_what_asks_for_the_head_alone_gets_no_body(self):
        with FakeHost(self.APP, application="model.py:app") as host:
            host.execute(body=b"hello", method="HEAD", path="/x")
            got = host.take(frames.RESULT)
            self.assertEqual((got.body, got.meta["length"]), (b"", len(b"HEAD||yes|hello")))

    def test_a_stream_waits_for_credit_and_stops_when_nobody_listens(self):
        with FakeHost(self.APP, application="model.py:app") as host:
            slow = host.execute(body=b"", method="GET", path="/slow")
            for _ in range(frames.CREDIT_CHUNKS):
                host.take(frames.CHUNK)
            with self.assertRaises(AssertionError):
                host.next(wait=0.1)
            host.execute(body=b"", path="/x")
            self.assertEqual(host.take(frames.RESULT).status, 200)
            host.grant(slow, 5, 100)
            for _ in range(5):
                host.take(frames.CHUNK)
            host.cancel(slow)
            self.assertEqual(host.take(frames.CANCELLED).id, slow)
            self.assertIn("stopped", host.output())

    def test_a_listener_hears_of_the_disconnect(self):
        with FakeHost(self.APP, application="model.py:app") as host:
            id = host.execute(body=b"", path="/listen")
            time.sleep(0.1)
            host.cancel(id)
            self.assertEqual(host.take(frames.CANCELLED).id, id)

    @installed("fastapi")
    def test_a_fastapi_service(self):
        source = """
            from contextlib import asynccontextmanager
            from fastapi import FastAPI, UploadFile
            from fastapi.responses import StreamingResponse
            from pydantic import BaseModel
            class Item(BaseModel): x: int
            @asynccontextmanager
            async def lifespan(app):
                app.state.k = 3
                yield
            app = FastAPI(lifespan=lifespan)
            @app.post("/mul")
            async def mul(item: Item): return {"y": item.x * app.state.k}
            @app.get("/sync/{n}")
            def sync(n: int, q: str = ""): return [n, q]
            @app.get("/stream")
            async def stream():
                async def parts():
                    for n in range(3): yield f"{n}\\n"
                return StreamingResponse(parts(), media_type="text/plain")
            """
        with FakeHost(source, application="model:app") as host:
            host.execute({"x": 4}, path="/mul")
            self.assertEqual(host.take(frames.RESULT).json(), {"y": 12})
            host.execute({"x": "no"}, path="/mul")
            self.assertEqual(host.take(frames.RESULT).status, 422)
            host.execute(body=b"", method="GET", path="/sync/5", query="q=a%20b")
            self.assertEqual(host.take(frames.RESULT).json(), [5, "a b"])
            chunks = host.stream(host.execute(body=b"", method="GET", path="/stream"))
            self.assertEqual(b"".join(one.body for one in chunks), b"0\n1\n2\n")

    @installed("fastapi")
    def test_authorize_with_fastapis_security_objects(self):
        source = """
            import litserve as ls
            from fastapi import Depends, HTTPException
            from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, APIKeyHeader
            class API(ls.LitAPI):
                def authorize(self, auth: HTTPAuthorizationCredentials = Depends(HTTPBearer())):
                    if auth.scheme != "Bearer" or auth.credentials != "good":
                        raise HTTPException(status_code=401, detail="Bad token")
                def predict(self, x): return x
            """
        with FakeHost(source) as host:
            self.assertEqual(host.result(1, headers={"authorization": "Bearer good"}), 1)
            host.execute(1, headers={"authorization": "Bearer bad"})
            got = host.take(frames.ERROR)
            self.assertEqual((got.status, got.json()), (401, {"detail": "Bad token"}))
            host.execute(1)
            self.assertIn(host.take(frames.ERROR).status, (401, 403))

    @installed("pydantic")
    def test_requests_that_are_pydantic_models(self):
        source = """
            import martlet
            from pydantic import BaseModel
            class Power(BaseModel): input: float
            class API(martlet.LitAPI):
                def decode_request(self, request: Power): return request.input
                def predict(self, x): return Power(input=x * 2)
            """
        with FakeHost(source) as host:
            self.assertEqual(host.ready.meta["apis"][0]["schemas"]["request"]["title"], "Power")
            self.assertEqual(host.result({"input": 4}), {"input": 8.0})
            host.execute({"input": "x"})
            got = host.take(frames.ERROR)
            self.assertEqual((got.status, got.json()["detail"][0]["loc"]), (422, ["body", "input"]))
