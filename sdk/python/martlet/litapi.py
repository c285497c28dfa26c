"""The class that a user's model derives from."""

from typing import Any, Awaitable, List, Optional, Sequence, Union

from . import log as worker_log


class LitAPI:
    """A model behind one path.

    Its life: `setup(device)` once in each worker; then for each request `decode_request` → `predict` →
    `encode_response`. With `max_batch_size` above 1, `predict` gets what `batch` made of several decoded requests, and
    `unbatch` takes its result apart. With `stream`, `predict` and `encode_response` are generators (batched: each step
    yields a list, one element for each request). With `enable_async`, hooks may be coroutines and async generators.

    Every hook but `setup` may take a further argument named `context` (or `ctx`): a `Context`, in `batch`, batched
    `predict` and `unbatch` a list of them.

    What is not given holds as the class says it: `stream = True` in its body does the same as `stream=True` here.

    Arguments:
        max_batch_size: requests in one call of `predict`, at least 1.
        batch_timeout: seconds that the first request of a batch may wait for others while every worker is busy.
        batch_weight: what the requests of one call may weigh together; a heavier one is alone. None: no bound. Wants
            `weight_by` and a `max_batch_size` above 1; continuous batching has no such bound.
        weight_by: the member of the JSON body that says what a request weighs: a number itself, rounded up; a list as
            many as it has elements, a string as many as it has characters. A request without it weighs 1, a form too.
            Alone are an object that is not sound, and one of more than 1 MiB of which no such member ends within the
            first MiB.
        api_path: the path, with a leading slash; one that ends in `*` serves everything below it.
        stream: whether the answer goes out piece by piece.
        spec: `OpenAISpec()`, `OpenAIEmbeddingSpec()`: the shape of requests and answers.
        enable_async: whether hooks are coroutines. Batching is allowed with it.
        concurrent: batches one worker computes at once: coroutines (256 without it), generators taking turns (1).
        interrupt: whether a synchronous `predict` that nobody waits for any more is ended by an exception
            (`RequestCancelled`). It lands between two instructions of Python code, never inside a C function.
        timeout: seconds a request may take in all, queue included; None takes the server's.
        max_body: bytes of a request's body; None takes the server's.

    Raises `ValueError` where an argument makes no sense; `LitServer` does for what two of them make none of together.
    """

    max_batch_size: int = 1
    batch_timeout: float = 0.0
    batch_weight: Optional[int] = None
    weight_by: Optional[str] = None
    stream: bool = False
    enable_async: bool = False
    loop: Any = "auto"
    mcp: Any = None
    concurrent: Optional[int] = None
    interrupt: bool = False
    methods: Sequence[str] = ("POST",)
    timeout: Optional[float] = None
    max_body: Optional[int] = None
    device: Optional[str] = None
    operation = "predict"
    """What its requests ask for, as `EXEC` says it."""
    bytes_as_text = False
    """Whether an answer of bytes is a JSON string (LitServe's way) instead of the bytes themselves."""

    _spec: Any = None
    _api_path: str = "/predict"
    _loggers: Optional[List[Any]] = None
    _stage: Any = None
    """Its place in a pipeline."""

    def __init__(
        self,
        max_batch_size: Optional[int] = None,
        batch_timeout: Optional[float] = None,
        api_path: Optional[str] = None,
        stream: Optional[bool] = None,
        loop: Any = None,
        spec: Any = None,
        mcp: Any = None,
        enable_async: Optional[bool] = None,
        *,
        batch_weight: Optional[int] = None,
        weight_by: Optional[str] = None,
        concurrent: Optional[int] = None,
        interrupt: Optional[bool] = None,
        timeout: Optional[float] = None,
        max_body: Optional[int] = None,
    ):
        stated = {
            "max_batch_size": max_batch_size,
            "batch_timeout": batch_timeout,
            "batch_weight": batch_weight,
            "weight_by": weight_by,
            "_api_path": api_path,
            "stream": stream,
            "loop": loop,
            "mcp": mcp,
            "enable_async": enable_async,
            "concurrent": concurrent,
            "interrupt": interrupt,
            "timeout": timeout,
            "max_body": max_body,
        }
        for name, value in stated.items():
            if value is not None:
                setattr(self, name, value)
        if self.max_batch_size <= 0:
            raise ValueError("max_batch_size must be greater than 0")
        if self.batch_timeout < 0:
            raise ValueError("batch_timeout must be greater than or equal to 0")
        if self.batch_weight is not None:
            if not isinstance(self.batch_weight, int) or not 0 < self.batch_weight < 1 << 31:
                raise ValueError("batch_weight must be a whole number greater than 0 and below 2**31")
            if not self.weight_by:
                raise ValueError("batch_weight needs weight_by: the member of the body that says what a request weighs")
        if not self._api_path.startswith("/"):
            raise ValueError("api_path must start with '/', as in '/predict'")
        if spec is not None:
            self.spec = spec

    # Hooks.

    def setup(self, device: str) -> None:
        """Loads the model. `device`: `cpu`, `cuda:0`, …"""

    def decode_request(self, request: Any) -> Any:
        """From the request's body (the value of JSON, a form, or bytes) to the model's input.

        An argument annotated with a pydantic model gets the validated model; what does not fit is answered with 422.
        """
        return request

    def batch(self, inputs: List[Any]) -> Any:
        """Several inputs as one; tensors and arrays are stacked."""
        first = inputs[0]
        if hasattr(first, "__torch_function__"):
            import torch

            return torch.stack(inputs)
        if type(first).__name__ == "ndarray":
            import numpy

            return numpy.stack(inputs)
        return inputs

    def predict(self, x: Any) -> Any:
        """The computation."""
        raise NotImplementedError("predict is not implemented")

    def unbatch(self, output: Any) -> Any:
        """One output for each input, in order."""
        return list(output)

    def encode_response(self, output: Any) -> Any:
        """From the model's output to the answer: what JSON can say, bytes, or a `Response`."""
        return output

    def health(self) -> Union[bool, Awaitable[bool]]:
        """Whether this model can serve."""
        return True

    def on_cancel(self, request_id: str) -> None:
        """A request that is being computed was given up. Called from another thread than `predict`; be short."""

    # What hooks may call.

    def log(self, key: str, value: Any) -> None:
        """Hands a figure to the server's loggers; numbers also become metrics of Martlet's."""
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            worker_log.metric(key, float(value))
        for logger in self._loggers or ():
            try:
                logger.process(key, value)
            except Exception as error:
                worker_log.error(f"the logger {type(logger).__name__} failed on {key!r}", error)

    # Properties.

    @property
    def spec(self) -> Any:
        return self._spec

    @spec.setter
    def spec(self, spec: Any) -> None:
        self._spec = spec
        if spec is not None:
            self.stream = bool(spec.stream)

    @property
    def api_path(self) -> str:
        if self._spec is not None and self._api_path == "/predict":
            return self._spec.api_path
        return self._api_path

    @api_path.setter
    def api_path(self, path: str) -> None:
        self._api_path = path


def overrides(api: LitAPI, hook: str) -> bool:
    """Whether the user wrote this hook."""
    function = getattr(api, hook, None)
    return getattr(function, "__func__", function) is not getattr(LitAPI, hook, None)


def is_continuous(api: LitAPI) -> bool:
    """Whether requests join and leave its running computation between two steps."""
    return callable(getattr(api, "step", None)) and any(
        callable(getattr(api, name, None)) for name in ("add", "add_request")
    )
