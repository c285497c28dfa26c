"""Runs the request corpus through h11 and compares: what Martlet takes, h11 must take as the same requests, but for
the differences listed here; what h11 takes and Martlet refuses must be listed too.

Started by run.sh, which provides h11. Exits 1 on a difference that has no reason here.
"""

import pathlib
import re
import sys

import h11

CORPUS = pathlib.Path(__file__).parent.parent / "MartletWireTests" / "Corpus" / "requests.txt"

# Martlet takes these and h11 reads them otherwise, with the reason. Prefixes of case names.
READ_OTHERWISE = {
    "path: ": "Martlet normalises the path",
    "absolute target": "Martlet brings the target into origin form",
    "get with body": "Martlet drops the body of a GET and closes",
    "head with chunked body": "Martlet drops the body of a HEAD and closes",
    "smuggle: request behind a get": "Martlet drops the body of a GET and closes",
}

# Martlet refuses these and h11 takes them, with the reason. Prefixes of case names.
TAKEN_BY_H11 = {}


def cases():
    name = outcome = None
    data = b""
    for line in CORPUS.read_text(encoding="utf-8").split("\n"):
        if line.startswith("%"):
            continue
        if line.startswith("== "):
            if name is not None:
                yield name, repeated(outcome), data
            name, outcome = line[3:].split(" => ", 1)
            data = b""
        else:
            data += decode(line)
    yield name, repeated(outcome), data


def repeated(text):
    return re.sub(r"\{\{(.*?)\*([0-9]+)\}\}", lambda m: m.group(1) * int(m.group(2)), text)


def decode(line):
    def escape(match):
        code = match.group(1)
        if code.startswith("x"):
            return chr(int(code[1:], 16))
        return {"r": "\r", "n": "\n", "t": "\t"}.get(code, code)

    return re.sub(r"\\(x[0-9a-fA-F]{2}|.)", escape, repeated(line)).encode("latin-1")


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
    for name, outcome, data in cases():
        compared += 1
        found = reference(data)
        if "!" in outcome:
            taken = "!" not in found
            listed = any(name.startswith(prefix) for prefix in TAKEN_BY_H11)
            if taken and not listed:
                failures += 1
                print(f"h11 takes what we refuse: {name}: {found}")
        else:
            listed = any(name.startswith(prefix) for prefix in READ_OTHERWISE)
            ours = outcome.replace("+close", "")
            if found != ours and not listed:
                failures += 1
                print(f"h11 reads it otherwise: {name}: {found!r}, not {ours!r}")
    print(f"{compared} cases compared with h11 {h11.__version__}, {failures} differences without a reason")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
