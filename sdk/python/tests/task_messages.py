"""Messages as producers put them into queues."""

import base64
import json
import zlib

EMBED = {"callbacks": None, "errbacks": None, "chain": None, "chord": None}


def message(name, arguments=(), named=None, *, id="t1", compress=False, body=None, content=None, **headers):
    """One of Celery's protocol 2. `content`: its media type, `application/json` without it."""
    raw = json.dumps([list(arguments), named or {}, EMBED]).encode() if body is None else body
    if compress:
        raw = zlib.compress(raw)
        headers["compression"] = "application/x-gzip"
    told = {"lang": "py", "task": name, "id": id, "retries": 0, "root_id": id, "timelimit": [None, None], **headers}
    return json.dumps(
        {
            "body": base64.b64encode(raw).decode(),
            "content-encoding": "utf-8",
            "content-type": content or "application/json",
            "headers": told,
            "properties": {
                "body_encoding": "base64",
                "delivery_tag": "tag",
                "correlation_id": id,
                "reply_to": "",
                "delivery_info": {"exchange": "", "routing_key": "celery"},
            },
        }
    ).encode()


def message1(name, arguments=(), named=None, id="t1"):
    """One of Celery's protocol 1: everything is in the body."""
    raw = json.dumps({"task": name, "id": id, "args": list(arguments), "kwargs": named or {}, "retries": 0}).encode()
    place = {"exchange": "", "routing_key": "q"}
    properties = {"body_encoding": "base64", "delivery_tag": "tag", "delivery_info": place}
    return json.dumps(
        {
            "body": base64.b64encode(raw).decode(),
            "content-encoding": "utf-8",
            "content-type": "application/json",
            "headers": {},
            "properties": properties,
        }
    ).encode()
