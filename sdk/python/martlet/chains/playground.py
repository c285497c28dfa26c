"""The page that tries a runnable out: one static file, the same for every runnable."""

import functools
from pathlib import Path

HEADERS = {
    "cache-control": "no-cache",
    "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
}


@functools.lru_cache(maxsize=None)
def page() -> bytes:
    return (Path(__file__).parent / "playground.html").read_bytes()
