"""Why nginx and HAProxy take less of a case than Martlet, or read it otherwise: reason, prefixes of case names."""

BODY_OF_GET = [
    "body of: GET", "body of: HEAD", "chunked body of: ", "smuggle: request behind a get", "upgrade: h2c\\r\\nContent",
    "get with body", "head with chunked body", "second request: GET /2 HTTP/1.1\\r\\nHost: a\\r\\nContent-Length",
]

ORIGIN_FORM = [
    "absolute target", "form: ", "form with a port: ", "form in the old version: ", "options: http",
    "pipelined to different hosts",
]

PATHS = ["path: ", "segments: ", "escape: ", "escape at the end: "]

LONG_FIELDS = [
    "a long field", "value: {{y*16000}}", "fields: X: ", "fields: Cookie: ", "fields: Authorization: ",
    "name: {{a*300}}",
]

REASONS = {
    "nginx": {
        "the target is passed on as it came, Martlet passes on what it routed": PATHS + ORIGIN_FORM,
        "the body of a GET or HEAD is passed on, Martlet drops it and closes": BODY_OF_GET,
        "methods are capitals, `-` and `_`; any token is a method to Martlet (RFC 9110 5.6.2)": [
            "method: ", "method in lower case", "body of: get",
        ],
        "a method is looked at before its line ends, beyond the first byte": [
            "length: 0", "length: 1", "not HTTP: ",
        ],
        "lines of the head are at most 8 KB": [*LONG_FIELDS, "query: ?{{a*8190}}", "long path: {{a*8191}}"],
        "tabs around a value are taken for a part of it (RFC 9110 5.6.3 takes them off)": [
            "length: \\x20\\t5", "coding: Transfer-Encoding: \\t", "Host: \\x20\\ta", "behind a field: \\x20\\t",
        ],
        "any word that begins with close is close": ["Connection: closed"],
        "without a Host field nginx sends none with our set-up, and the recorder refuses that": [
            "Host in the old version: ", "old version ", "Connection in the old version: ",
            "second request: GET /2 HTTP/1.0",
        ],
        "OPTIONS * is refused with 400, by Martlet with 404": ["options star"],
        "a carriage return is refused before the byte behind it is there": ["last chunk: 0\\r\\n\\rX"],
    },
    "haproxy": {
        "the target is passed on as it came, Martlet passes on what it routed": PATHS + ORIGIN_FORM,
        "the body of a GET or HEAD is passed on, Martlet drops it and closes": BODY_OF_GET,
        "a head is at most 15 KB, a name 255 bytes": LONG_FIELDS,
        "a WebSocket upgrade must have its key; Martlet takes no upgrade and passes none on": [
            "upgrade: h2c, websocket", "hop: Connection: Upgrade\\r\\nUpgrade: websocket",
        ],
        "a method is looked at before its line ends, beyond the first byte": ["not HTTP: "],
        "a carriage return is refused before the byte behind it is there": ["last chunk: 0\\r\\n\\rX"],
    },
}
