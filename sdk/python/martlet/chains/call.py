"""One request to one endpoint: its body and the configuration that it asks for."""

import asyncio
import json
from typing import TYPE_CHECKING, Any, Dict, List, Mapping, NamedTuple, Optional

from . import configuration, refusals
from .asked import request_of
from .configuration import Config

if TYPE_CHECKING:
    from .chain import Chain


class Call(NamedTuple):
    """One request to one endpoint."""

    endpoint: str
    hash: Optional[str]
    prefix: str
    scope: Mapping[str, Any]
    receive: Any

    def header(self, name: bytes) -> str:
        return next((text.decode("latin-1") for key, text in self.scope["headers"] if key == name), "")

    async def body(self) -> bytes:
        parts: List[bytes] = []
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise asyncio.CancelledError
            parts.append(message.get("body") or b"")
            if not message.get("more_body"):
                return b"".join(parts)

    async def json(self) -> Dict[str, Any]:
        """Raises `HTTPException` 422 where the body is no JSON object."""
        try:
            found = json.loads(await self.body())
        except ValueError:
            raise refusals.invalid_json() from None
        if not isinstance(found, dict):
            raise refusals.wrong("model_type", [], "Input should be a valid dictionary", found)
        return found

    async def config(self, chain: "Chain", said: Any) -> Config:
        """The configuration of the run. Raises `HTTPException` 400 and 422, and what the server's own hook raises."""
        if said is not None and not isinstance(said, dict):
            raise refusals.wrong("dict_type", ["config"], "Input should be a valid dictionary", said)
        asked = [
            configuration.allowed(chain.runnable, one, chain.config_keys)
            for one in (configuration.of_hash(self.hash), said or {})
        ]
        config = await configuration.modified(
            configuration.merged(*asked), chain.modifier, lambda: request_of(self.scope, self.receive)
        )
        return configuration.forced(config, self.prefix, self.endpoint, self.header(b"user-agent"))
