"""What a spec does: it reads a request, says which runs of the model it needs, and puts their outputs together."""

from typing import TYPE_CHECKING, Any, Dict, List, Optional

from ..request import Request
from ..sinks import Slot

if TYPE_CHECKING:
    from ..litapi import LitAPI


class Spec:
    api_path = "/predict"
    stream = False
    request_schema: Optional[Dict[str, Any]] = None
    """The JSON Schema of a request, for those who read what is served."""

    def slots(self, request: Request, value: Any, api: "LitAPI") -> List[Slot]:
        """The runs of the model for one request. Raises `HTTPException` 4xx where the request is wrong."""
        raise NotImplementedError

    def decode_request(self, request: Any) -> Any:
        return request

    def encode_response(self, output: Any) -> Any:
        return output
