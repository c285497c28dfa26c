"""OpenAI's embeddings: `POST /v1/embeddings`. Texts of one request may share a batch with those of others."""

import base64
import struct
from typing import TYPE_CHECKING, Any, Dict, List

from .. import answers
from ..context import Context
from ..errors import HTTPException
from ..request import Request
from ..sinks import Sink, Slot
from .base import Spec
from .openai import _error
from .records import Record

if TYPE_CHECKING:
    from ..litapi import LitAPI

MAX_INPUTS = 2048


class EmbeddingRequest(Record):
    """A request as `decode_request` gets it. `input`: a text, a list of texts, a list of tokens, or lists of tokens."""

    defaults = {"input": "", "model": "", "dimensions": None, "encoding_format": "float", "user": None}

    def get_num_items(self) -> int:
        """How many embeddings are asked for."""
        return len(_texts(self.input))

    def ensure_list(self) -> List[Any]:
        return self.input if isinstance(self.input, list) else [self.input]


class OpenAIEmbeddingSpec(Spec):
    """`predict` gets the input as the client sent it and returns a list of vectors, one for each text.

    With `max_batch_size` above 1, a request's texts become elements of the batch, each as the client would have sent it
    alone (a list of one text where it sent a list).
    """

    api_path = "/v1/embeddings"
    stream = False
    request_schema = {
        "type": "object",
        "required": ["input"],
        "properties": {
            "model": {"type": "string"},
            "input": {"type": ["string", "array"]},
            "dimensions": {"type": "integer", "minimum": 1},
            "encoding_format": {"enum": ["float", "base64"]},
        },
    }

    def slots(self, request: Request, value: Any, api: "LitAPI") -> List[Slot]:
        asked = read(value)
        texts = _texts(asked.input)
        others = {key: one for key, one in asked.items() if key != "input"}
        if api.max_batch_size == 1 or len(texts) == 1:
            return [Slot(EmbeddingSink(request, asked, 1), 0, Context(request, others), asked)]
        sink = EmbeddingSink(request, asked, len(texts))
        made = []
        for index, text in enumerate(texts):
            alone = EmbeddingRequest(asked, input=[text])
            made.append(Slot(sink, index, Context(request, others), alone))
        return made

    def decode_request(self, request: Any) -> Any:
        return request.input

    def encode_response(self, output: Any) -> Any:
        return {"embeddings": output}


def read(value: Any) -> EmbeddingRequest:
    """An embedding request. Raises `HTTPException` 422 where it is none."""
    given = {key: one for key, one in value.items() if one is not None} if isinstance(value, dict) else {}
    texts = given.get("input")
    format = given.get("encoding_format", "float")
    dimensions = given.get("dimensions")
    wrong = None
    if not isinstance(texts, (str, list)) or not texts:
        wrong = ("input", "input must be a text or a list that is not empty")
    elif isinstance(texts, list) and not all(isinstance(one, type(texts[0])) for one in texts):
        wrong = ("input", "the elements of input must be of one kind")
    elif isinstance(texts, list) and not isinstance(texts[0], (str, int, list)):
        wrong = ("input", "the elements of input must be texts or tokens")
    elif len(_texts(texts)) > MAX_INPUTS:
        wrong = ("input", f"at most {MAX_INPUTS} texts")
    elif format not in ("float", "base64"):
        wrong = ("encoding_format", "encoding_format must be float or base64")
    elif dimensions is not None and (not isinstance(dimensions, int) or dimensions < 1):
        wrong = ("dimensions", "dimensions must be a positive integer")
    if wrong is not None:
        raise HTTPException(422, [{"type": "value_error", "loc": ["body", wrong[0]], "msg": wrong[1]}])
    return EmbeddingRequest(given)


def _texts(given: Any) -> List[Any]:
    """The single texts (or lists of tokens) of an input."""
    if isinstance(given, list) and given and not isinstance(given[0], int):
        return given
    return [given]


class EmbeddingSink(Sink):
    """Puts the vectors of all texts into one answer, in order."""

    def __init__(self, request: Request, asked: EmbeddingRequest, slots: int):
        super().__init__(request, slots)
        self._asked = asked
        self._vectors: List[List[Any]] = [[] for _ in range(slots)]
        self._usage = {"prompt_tokens": 0, "total_tokens": 0}

    def put(self, index: int, output: Any) -> None:
        if hasattr(output, "model_dump"):
            output = output.model_dump()
        if not isinstance(output, dict):
            output = {"embeddings": output}
        if "embeddings" not in output:
            raise ValueError("encode_response must return a dictionary with the key 'embeddings'")
        for key in self._usage:
            self._usage[key] += int(output.get(key) or 0)
        self._vectors[index] = _vectors(output["embeddings"])

    def finish(self) -> None:
        vectors = [vector for part in self._vectors for vector in part]
        expected = len(_texts(self._asked.input))
        if len(vectors) != expected:
            raise ValueError(f"the model returned {len(vectors)} embeddings for {expected} texts")
        data = []
        for index, vector in enumerate(vectors):
            data.append({"object": "embedding", "index": index, "embedding": self._shaped(vector)})
        usage: Dict[str, int] = self._usage
        usage["total_tokens"] = usage["total_tokens"] or usage["prompt_tokens"]
        answers.reply(self.request, {"object": "list", "data": data, "model": self._asked.model, "usage": usage})

    def _shaped(self, vector: List[float]) -> Any:
        """Shortened to the dimensions asked for (and brought back to length 1), in the encoding asked for."""
        wanted = self._asked.dimensions
        if wanted is not None and wanted < len(vector):
            vector = vector[:wanted]
            length = sum(x * x for x in vector) ** 0.5
            vector = [x / length for x in vector] if length else vector
        if self._asked.encoding_format == "base64":
            return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode("ascii")
        return vector

    def fail(self, error: BaseException, scope: str = "item") -> None:
        status, body = _error(error)
        self.request.fail(status, "model_failed", str(error)[:1000], scope, answers.to_json(body))


def _vectors(embeddings: Any) -> List[List[float]]:
    """A list of vectors, of lists, arrays or tensors; a single vector is a list of one."""
    if hasattr(embeddings, "tolist"):
        embeddings = embeddings.tolist()
    found: List[Any] = []
    for one in embeddings:
        if hasattr(one, "tolist"):
            one = one.tolist()
        if isinstance(one, dict):
            one = one["embedding"]
        found.append(one)
    return [found] if found and isinstance(found[0], (int, float)) else found
