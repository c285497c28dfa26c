#!/usr/bin/env python3
"""The broker's commands, reply by reply beside a Redis server: the same commands, made by chance, to both.

    commands.py --binary .build/release/martlet --count 360000 --seed 1

Exits with 1 at the first differences. What may differ: the order of what has none, times by the second, what is chosen
by chance, and the words of refusals that name what to do instead.
"""

import argparse
import socket
import sys

from grammar import UNBOUNDED, Grammar
from servers import server

UNORDERED = {"SMEMBERS", "KEYS", "SUNION", "SINTER", "SDIFF", "HKEYS", "HVALS", "SPOP"}
PAIRS = {"HGETALL"}
TIMES = {"TTL": 2, "EXPIRETIME": 2, "PTTL": 2000, "PEXPIRETIME": 2000}
BATCH = 200


class Line:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.file = self.socket.makefile("rb")

    def ask(self, commands):
        self.socket.sendall(b"".join(
            b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%b\r\n" % (len(word), word) for word in words)
            for words in commands))
        return [self.read() for _ in commands]

    def read(self):
        """(type, value): arrays of them for collections."""
        line = self.file.readline()
        if not line.endswith(b"\r\n"):
            raise SystemExit("a server closed the connection")
        kind, rest = line[:1].decode(), line[1:-2]
        if kind in "$*~%" and rest == b"-1":
            return ("_", kind)
        if kind == "$":
            data = self.file.read(int(rest) + 2)[:-2]
            return (kind, data)
        if kind in "*~":
            return (kind, [self.read() for _ in range(int(rest))])
        if kind == "%":
            return (kind, [self.read() for _ in range(2 * int(rest))])
        return (kind, rest)


def made_equal(name, answer):
    """The answer without what may differ."""
    kind, value = answer
    if kind == "-":
        return ("-", value.split(b" ")[0] if b"Martlet" in value else value)
    if name == "RANDOMKEY":
        return ("some",) if kind == "$" else answer
    if name in TIMES and kind == ":" and int(value) > 0:
        return (kind, "about", int(value))
    if kind not in "*~%":
        return answer
    if name in UNORDERED:
        return (kind, sorted(value, key=repr))
    if name in PAIRS:
        return (kind, sorted(zip(value[::2], value[1::2]), key=repr))
    if name in UNBOUNDED and len(value) == 2:
        elements = value[1][1]
        if name in ("HSCAN", "ZSCAN"):
            elements = list(zip(elements[::2], elements[1::2]))
        return (kind, value[0], sorted(elements, key=repr))
    return answer


def same(name, left, right):
    left, right = made_equal(name, left), made_equal(name, right)
    if len(left) == 3 and left[1] == "about" and len(right) == 3 and right[1] == "about":
        return abs(left[2] - right[2]) <= TIMES[name]
    return left == right


def same_list(names, left, right):
    """The answer to EXEC, command by command."""
    if left[0] != "*" or right[0] != "*" or len(left[1]) != len(right[1]) or len(left[1]) != len(names):
        return left == right
    return all(same(name, one, other) for name, one, other in zip(names, left[1], right[1]))


class Queued:
    """Which commands the transaction holds, as the answers tell."""

    def __init__(self):
        self.names = []

    def hear(self, name, answer):
        if name in ("EXEC", "DISCARD"):
            self.names = []
        elif answer == ("+", b"QUEUED"):
            self.names.append(name)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", required=True)
    parser.add_argument("--count", type=int, default=120_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    different = done = 0
    with server("martlet", options.binary) as ours, server("redis", options.binary) as theirs:
        for protocol in (b"2", b"3"):
            grammar, queued = Grammar(options.seed + int(protocol)), Queued()
            lines = [Line(engine.port) for engine in (ours, theirs)]
            for line in lines:
                line.ask([[b"HELLO", protocol], [b"FLUSHALL"]])
            while done < options.count * (int(protocol) - 1) // 2 and different < 20:
                commands = [grammar.command() for _ in range(BATCH)]
                answers = [line.ask(commands) for line in lines]
                for words, left, right in zip(commands, *answers):
                    name = words[0].decode().upper()
                    if not (same_list(queued.names, left, right) if name == "EXEC" else same(name, left, right)):
                        different += 1
                        print(f"RESP{protocol.decode()} {words}\n  martlet {left}\n  redis   {right}")
                    queued.hear(name, right)
                done += BATCH
    print(f"{done:,} commands of {len(grammar.names)} kinds, RESP2 and RESP3: {different} differences")
    sys.exit(different > 0)


if __name__ == "__main__":
    main()
