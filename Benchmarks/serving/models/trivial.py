"""A model that costs nothing: what is left is the server. BATCH: how many requests a batch may have."""

import os

import litserve as ls

BATCH = int(os.environ.get("BATCH", "1"))


class Trivial(ls.LitAPI):
    def setup(self, device):
        self.model = lambda x: x * 2

    def decode_request(self, request):
        return request["input"]

    def predict(self, x):
        return [self.model(one) for one in x] if BATCH > 1 else self.model(x)

    def encode_response(self, output):
        return {"output": output}


if __name__ == "__main__":
    api = Trivial(max_batch_size=BATCH, batch_timeout=0.01) if BATCH > 1 else Trivial()
    server = ls.LitServer(
        api, accelerator="cpu", workers_per_device=int(os.environ.get("WORKERS", "1")),
        fast_queue=os.environ.get("FAST_QUEUE") == "1")
    server.run(port=int(os.environ["PORT"]), log_level="error", generate_client_file=False)
