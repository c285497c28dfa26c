"""Runs the request corpus through h11 and compares: what Martlet takes, h11 must take as the same requests, but for
the differences listed here; what h11 takes and Martlet refuses must be listed too.

Started by run.sh, which provides h11. Exits 1 on a difference that has no reason here.
"""

import sys

import h11
from corpus import cases

# Martlet takes these and h11 reads them otherwise, with the reason. Prefixes of case names.
READ_OTHERWISE = {
    "Martlet normalises the path": ["path: ", "segments: ", "escape: ", "escape at the end: "],
    "Martlet brings the target into origin form": [
        "absolute target", "form: ", "form with a port: ", "form in the old version: ", "options: http",
        "pipelined to different hosts",
    ],
    "Martlet drops the body of a GET or HEAD and closes": [
        "get with body", "head with chunked body", "smuggle: request behind a get", "body of: GET", "body of: HEAD",
        "chunked body of: GET", "chunked body of: HEAD", "upgrade: h2c\\r\\nContent-Length",
        "second request: GET /2 HTTP/1.1\\r\\nHost: a\\r\\nContent-Length",
    ],
    "h11 closes after every HTTP/1.0 request": [
        "old version keeps alive", "Connection in the old version: keep-alive", "Connection in the old version: Keep-",
        "Connection in the old version: x, keep-alive",
    ],
    "h11 refuses empty lines before a request, RFC 9112 2.2 asks to forgive one": [
        "one empty line before", "empty line between", "before the request line: \\r\\n", "second request: \\r\\n",
        "at the end of the head: \\r\\n\\r\\n\\r", "stops at: \\r",
    ],
}

# Martlet refuses these and h11 takes them, under what h11 does.
TAKEN_BY_H11 = {
    "any version number is taken": [
        "line: version 2",
        "line: version 1.2",
        "line: version 0.9",
        "line: version 3.1",
        "line: preface of version 2",
    ],
    "no bound on methods": [
        "line: method too long",
    ],
    "CONNECT and TRACE are methods as any other": [
        "connect with a tunnel behind it",
        "trace with a body",
        "line: connect",
        "line: trace",
        "line: trace in another case",
    ],
    "no bound below that of the head": [
        "line: target too long",
        "line: line too long",
    ],
    "a line may end in LF alone": [
        "line: ended by a line feed alone",
        "field: line feed in the value",
        "field: head ended by line feed alone",
        "field: head ended by two carriage returns",
        "chunk: trailer ended by line feed",
        "chunk: last chunk ended by line feed",
        "smuggle: second request is bad",
    ],
    "white space is read loosely": [
        "line: garbage",
    ],
    "the target is passed on as it is": [
        "target: hash",
        "target: hash in the query",
        "target: backslash",
        "target: encoded slash",
        "target: encoded slash in capitals",
        "target: encoded backslash",
        "target: encoded nul",
        "target: bad escape",
        "target: cut escape",
        "target: lone percent",
        "target: above the root",
        "target: above the root by encoding",
        "target: no slash",
        "target: star on get",
        "target: star with more",
        "target: other scheme",
        "target: no authority",
        "target: user in the authority",
        "target: other authority",
        "target: other port",
        "target: relative scheme",
        "target: bad port",
    ],
    "the first line of the fields may be folded": [
        "field: blank before the name",
        "field: tab before the name",
    ],
    "`_` is a token character": [
        "field: underscore",
        "field: underscore elsewhere",
    ],
    "control characters other than NUL and line ends are values": [
        "field: bell in the value",
        "field: escape in the value",
        "field: delete in the value",
        "field: long value with a control far in",
    ],
    "folded lines are joined": [
        "field: folded line",
        "field: folded line with tab",
        "coding: folded",
        "chunk: trailer folded",
    ],
    "no bound on fields of this size": [
        "field: field too long",
        "field: head too long",
        "field: too many fields",
        "field: name too long",
    ],
    "Host is only counted": [
        "host: empty",
        "host: with blank",
        "host: list",
        "host: with path",
        "host: with scheme",
        "host: with user",
        "host: empty port",
        "host: port too high",
        "host: port too long",
        "host: port not a number",
        "host: two ports",
        "host: only port",
        "host: bare ipv6",
        "host: open bracket",
        "host: letters in brackets",
        "host: text behind brackets",
        "host: above ascii",
        "host: quote",
        "host: percent",
        "host: question mark",
        "host: semicolon",
        "host: too long",
    ],
    "equal lengths are one length": [
        "length: list",
        "length: twice",
    ],
    "no limit on the body": [
        "length: above 64 bits",
        "length: beyond what is taken",
        "length: beyond an integer",
        "length: greatest 64 bits",
        "length: above the limit",
        "chunk: size of 64 bits and more",
        "chunk: size above the limit",
        "chunk: size of 63 bits",
    ],
    "Transfer-Encoding wins over Content-Length": [
        "coding: with length",
        "coding: before length",
        "coding: with length of a get",
    ],
    "Transfer-Encoding is taken in HTTP/1.0": [
        "coding: old version",
    ],
    "chunk lines are read loosely": [
        "chunk: blank after the size",
        "chunk: nul in the extension",
        "chunk: carriage return in the extension",
        "chunk: above ascii in the extension",
    ],
    "no bound on chunk lines or trailers": [
        "chunk: extension too long",
        "chunk: endless size",
        "chunk: trailers too long",
        "chunk: endless trailer",
    ],
    "Expect is read loosely": [
        "expect: something else",
        "expect: list",
        "expect: empty",
    ],
    "Connection is read loosely": [
        "connection: not a token",
        "connection: quoted",
        "connection: above ascii",
        "connection: too many names",
    ],
    "values of other fields are not looked at": [
        "authorization: above ascii",
        "authorization: twice",
        "api key: twice",
        "content type: twice",
        "forwarded for: above ascii",
        "request id: above ascii",
    ],
}


def reference(data):
    """What h11 makes of the bytes, in the words of the corpus."""
    connection = h11.Connection(our_role=h11.SERVER)
    done, line, body, closes = [], None, 0, False
    try:
        if data:  # no bytes would mean the end of the connection
            connection.receive_data(data)
        while True:
            event = connection.next_event()
            if event is h11.NEED_DATA:
                if line is not None or not done or connection.trailing_data[0]:
                    done.append("...")
                break
            if event is h11.PAUSED or isinstance(event, h11.ConnectionClosed):
                if connection.our_state is not h11.SEND_RESPONSE:
                    break
                connection.send(h11.Response(status_code=400, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE:
                    break
                connection.start_next_cycle()
            elif isinstance(event, h11.Request):
                line, body = f"{event.method.decode()} {event.target.decode()}", 0
            elif isinstance(event, h11.Data):
                body += len(event.data)
            elif isinstance(event, h11.EndOfMessage):
                done.append(f"{line} {body}")
                line = None
                connection.send(h11.Response(status_code=400, headers=[("content-length", "0")]))
                connection.send(h11.EndOfMessage())
                if connection.our_state is not h11.DONE or connection.their_state is not h11.DONE:
                    break
                connection.start_next_cycle()
    except h11.RemoteProtocolError:
        done.append("!")
    return "; ".join(done)


def main():
    failures = compared = 0
    for case in cases():
        compared += 1
        found = reference(case.data)
        if "!" in case.outcome:
            # The tables say themselves why they refuse; the cases with names of their own stand for each reason.
            taken = "!" not in found
            listed = any(case.name in names for names in TAKEN_BY_H11.values())
            if taken != listed and not case.is_row:
                failures += 1
                print(f"h11 {'takes' if taken else 'refuses'} what we refuse: {case.name}: {found[:200]}")
        else:
            listed = any(case.name.startswith(tuple(names)) for names in READ_OTHERWISE.values())
            ours = case.outcome.replace("+close", "")
            if found != ours and not listed:
                failures += 1
                print(f"h11 reads it otherwise: {case.name}: {found[:200]!r}, not {ours[:200]!r}")
    print(f"{compared} cases compared with h11 {h11.__version__}, {failures} differences without a reason")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
