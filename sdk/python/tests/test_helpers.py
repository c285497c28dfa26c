"""What a context offers to models: the HTTP client, the stopping criterion, the hook of torch modules."""

import sys
import threading
import types
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fake_host  # noqa: F401  (finds the SDK)

from martlet.client import HTTPClient
from martlet.context import Context, ContextList
from martlet.errors import RequestCancelled
from martlet.torch_tools import StoppingCriterion, watch_module


class Stopped(Context):
    """A context whose request was given up."""

    @property
    def cancelled(self):
        return True


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    connections = set()
    closing = False

    def do_POST(self):
        self.connections.add(self.client_address)
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        if self.closing:
            # Without `Connection: close`: what a server does that stops.
            self.close_connection = True

    def log_message(self, *_):
        pass


class ClientTests(unittest.TestCase):
    def setUp(self):
        Handler.connections = set()
        Handler.closing = False
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.client = HTTPClient(timeout=5)

    def tearDown(self):
        self.client.close()
        self.server.shutdown()
        self.server.server_close()

    def test_requests_share_one_connection(self):
        for number in range(5):
            self.assertEqual(self.client.post(self.url + "/x", json={"n": number}).json(), {"n": number})
        self.assertEqual(len(Handler.connections), 1)
        self.assertEqual(self.client.post(self.url, data={"a": "b c"}).text, "a=b+c")
        with self.assertRaises(OSError):
            self.client.post(self.url + "/missing", data=b"x").raise_for_status()

    def test_a_connection_that_the_server_closed_is_replaced(self):
        Handler.closing = True
        for number in range(3):
            self.assertEqual(self.client.post(self.url, data=b"x").content, b"x")
        self.assertEqual(len(Handler.connections), 3)

    def test_only_http_is_spoken(self):
        with self.assertRaises(ValueError):
            self.client.get("file:///etc/passwd")


class CancellingTests(unittest.TestCase):
    def test_a_batch_is_cancelled_when_all_of_it_is(self):
        self.assertFalse(ContextList([Stopped(), Context()]).cancelled)
        self.assertTrue(ContextList([Stopped(), Stopped()]).cancelled)
        with self.assertRaises(RequestCancelled):
            ContextList([Stopped()]).check()
        Context().check()

    def test_the_stopping_criterion_stops_row_by_row(self):
        torch = types.SimpleNamespace(bool="bool", tensor=lambda values, dtype, device: (values, dtype, device))
        rows = types.SimpleNamespace(shape=(2, 5), device="cpu")
        beams = types.SimpleNamespace(shape=(4, 5), device="cpu")
        before = sys.modules.get("torch")
        sys.modules["torch"] = torch
        try:
            criterion = StoppingCriterion([Stopped(), Context()])
            self.assertEqual(criterion(rows, None), ([True, False], "bool", "cpu"))
            self.assertEqual(criterion(beams, None)[0], [False] * 4)
            self.assertEqual(StoppingCriterion([Stopped()])(beams)[0], [True] * 4)
        finally:
            del sys.modules["torch"]
            if before is not None:
                sys.modules["torch"] = before

    def test_a_watched_module_stops_between_its_layers(self):
        class Layer:
            def __init__(self):
                self.hooks = []

            def modules(self):
                return [self]

            def register_forward_pre_hook(self, hook):
                self.hooks.append(hook)
                return types.SimpleNamespace(remove=lambda: self.hooks.remove(hook))

            def __call__(self):
                for hook in self.hooks:
                    hook(self, ())

        layer = Layer()
        with watch_module(layer, Context()):
            layer()
        with self.assertRaises(RequestCancelled), watch_module(layer, Stopped()):
            layer()
        self.assertEqual(layer.hooks, [])
