"""A stream of so many items as it is asked for."""

import os

import litserve as ls


class Numbers(ls.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request["count"]

    def predict(self, count):
        yield from range(count)

    def encode_response(self, outputs):
        for output in outputs:
            yield {"number": output}


if __name__ == "__main__":
    server = ls.LitServer(Numbers(stream=True), accelerator="cpu", fast_queue=os.environ.get("FAST_QUEUE") == "1")
    server.run(port=int(os.environ["PORT"]), log_level="error", generate_client_file=False)
