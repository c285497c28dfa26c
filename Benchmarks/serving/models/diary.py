"""Models that write down what they compute and when, on the clock that all processes share."""

import os
import time

import litserve as ls


class Diary(ls.LitAPI):
    def setup(self, device):
        self.file = os.open(os.environ["DIARY"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def write(self, what, name):
        os.write(self.file, f"{what} {name} {time.monotonic_ns() // 1000}\n".encode())


class Unary(Diary):
    def predict(self, request):
        self.write("begin", request["name"])
        time.sleep(request["seconds"])
        self.write("end", request["name"])
        return {"name": request["name"]}


class Stream(Diary):
    def predict(self, request):
        for number in range(request["steps"]):
            self.write("begin" if number == 0 else "step", request["name"])
            time.sleep(request["seconds"])
            yield {"name": request["name"], "number": number}
        self.write("end", request["name"])

    def encode_response(self, outputs):
        yield from outputs


if __name__ == "__main__":
    apis = [Unary(api_path="/unary"), Stream(api_path="/stream", stream=True)]
    ls.LitServer(apis, accelerator="cpu", workers_per_device=int(os.environ.get("WORKERS", "1"))).run(
        port=int(os.environ["PORT"]))
