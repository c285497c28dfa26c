"""The `client.py` that a LitServe user expects beside the server's file."""

from pathlib import Path

_TEXT = '''"""Sends one request to the server on this machine."""

import json
import urllib.request

request = urllib.request.Request(
    "http://127.0.0.1:{port}/predict",
    data=json.dumps({{"input": 4.0}}).encode(),
    headers={{"Content-Type": "application/json"}},
)
with urllib.request.urlopen(request, timeout=30) as response:
    print(f"Status: {{response.status}}\\nResponse:\\n{{response.read().decode()}}")
'''


def write(port: int) -> None:
    """Into the current folder; an existing file stays as it is."""
    path = Path("client.py")
    if not path.exists():
        try:
            path.write_text(_TEXT.format(port=port))
        except OSError as error:
            print(f"client.py was not written: {error}")
