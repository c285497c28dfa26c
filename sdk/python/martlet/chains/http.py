"""Answers over ASGI: whole ones, redirections, and streams of events."""

import asyncio
from typing import Any, AsyncIterator, Dict, Mapping, Optional

from ..answers import EVENTS
from . import events
from .operations import closed


class Answered:
    """Sends the first answer of a request, and nothing after it."""

    def __init__(self, send: Any):
        self._send = send
        self._begun = False
        self._over = False

    async def __call__(self, message: Mapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._over = self._begun
            self._begun = True
        if not self._over:
            await self._send(message)


async def reply(send: Any, status: int, body: bytes, type: str, headers: Optional[Mapping[str, str]] = None) -> None:
    pairs = {**{name.lower(): str(text) for name, text in (headers or {}).items()}, "content-type": type}
    await send(_start(status, {**pairs, "content-length": str(len(body))}))
    await send({"type": "http.response.body", "body": body})


async def redirect(send: Any, where: str) -> None:
    await send(_start(307, {"location": where, "content-length": "0"}))
    await send({"type": "http.response.body", "body": b""})


async def stream(parts: AsyncIterator[bytes], send: Any) -> None:
    """Sends server-sent events, and a sign of life where there is none for long. An error becomes the last event; the
    body then ends in good order, and the error comes out for the log."""
    turn = asyncio.Lock()

    async def put(part: bytes) -> None:
        async with turn:
            await send({"type": "http.response.body", "body": part, "more_body": True})

    async def keep_alive() -> None:
        while True:
            await asyncio.sleep(events.PING_EVERY)
            if not turn.locked():
                await put(events.ping())

    await send(_start(200, {"content-type": EVENTS, **events.HEADERS}))
    alive = asyncio.ensure_future(keep_alive())
    try:
        async for part in parts:
            await put(part)
            # A runnable that never waits must not keep the loop from hearing that its client left.
            await asyncio.sleep(0)
        await put(events.END)
    except Exception:
        await put(events.error())
        raise
    finally:
        alive.cancel()
        await closed(parts)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _start(status: int, headers: Mapping[str, str]) -> Dict[str, Any]:
    pairs = [(name.encode("latin-1"), text.encode("latin-1", "replace")) for name, text in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


async def live(receive: Any, send: Any) -> None:
    """Start and end of the application: there is nothing to do."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
