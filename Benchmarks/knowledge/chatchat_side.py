"""chatchat_side.py FILE: seconds that Langchain-Chatchat's own retrieval takes for each question of FILE
({"texts": [...], "questions": [...]}), with its own classes as its `do_search` uses them; as JSON.

Vectors are given: no question waits for an embedding here. Its lock of the base is left out, too.
"""

import json
import os
import sys
import tempfile
import time

# It looks for settings in a folder, and makes them where there are none.
SETTINGS = tempfile.TemporaryDirectory()
os.environ["CHATCHAT_ROOT"] = SETTINGS.name

import jieba  # noqa: E402
import numpy  # noqa: E402
from chatchat.server.file_rag.retrievers import EnsembleRetrieverService  # noqa: E402
from langchain_community.vectorstores import FAISS  # noqa: E402
from langchain_core.embeddings import Embeddings  # noqa: E402

DIMENSIONS = 512
PASSAGES = 3


class Given(Embeddings):
    """Some vector or other, at once."""

    def __init__(self):
        self.dice = numpy.random.default_rng(1)

    def embed_documents(self, texts):
        vectors = self.dice.standard_normal((len(texts), DIMENSIONS), dtype=numpy.float32)
        return (vectors / numpy.linalg.norm(vectors, axis=1, keepdims=True)).tolist()

    def embed_query(self, text):
        return self.embed_documents([text])[0]


def main(path):
    with open(path) as file:
        found = json.load(file)
    store = FAISS.from_texts(found["texts"], Given(), normalize_L2=True)
    # Its dictionary is read once in a server's life.
    jieba.initialize()
    seconds = []
    for question in found["questions"]:
        began = time.perf_counter()
        retriever = EnsembleRetrieverService.from_vectorstore(store, top_k=PASSAGES, score_threshold=0.0)
        passages = retriever.get_relevant_documents(question)
        seconds.append(time.perf_counter() - began)
        if not passages:
            raise SystemExit("nothing was found")
    print(json.dumps(seconds))


main(sys.argv[1])
