#!/usr/bin/env python3
"""Hostile requests, hostile answers and slow clients against the real binary.

    hostile.py [--peers] [--publish] [WORD...]    only cases whose names contain one of the words

For each case of the request corpus, whole and in pieces: the answers and the end of the connection are what the corpus
says; the backend saw these requests and no other, nothing that ends at this hop, and answers went to whom they belong;
where the connection serves on, one more request is read as itself. answers.txt and slow.py say what is asked of the
rest. At the end of each the same process serves, has met no event that it should not meet, and holds no descriptor more
than before.

With --peers the cases go through nginx and HAProxy as well, and where one of them takes less than Martlet the reason
must stand in agreement.py; --publish writes the comparison to docs/http-conformance.md. Needs Python 3.10 and h11.
"""

import argparse
import asyncio
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "Differential"), str(HERE.parent / "Clients")]

import agreement  # noqa: E402
import client  # noqa: E402
import corpus  # noqa: E402
import hostile_backend  # noqa: E402
import peers  # noqa: E402
import recorder  # noqa: E402
import slow  # noqa: E402
import support  # noqa: E402
import verdict  # noqa: E402

CONFIGURATION = """
threads: 2
routes: [{{path: /, pool: recorder}}]
pools:
  recorder:
    health: off
    breaker: off
    keepalive: {{idle: 300ms}}
    targets: [{{url: "http://127.0.0.1:{port}", max_fails: 0}}]
"""
# One loop, so that the next request meets the connection that the last answer left.
BEFORE_HOSTILE = """
threads: 1
routes: [{{path: /, pool: hostile}}]
pools:
  hostile:
    health: off
    breaker: off
    retry: {{on: off}}
    keepalive: {{idle: 300ms}}
    timeouts: {{first_byte: 1s, idle: 1s}}
    targets: [{{url: "http://127.0.0.1:{port}", max_fails: 0}}]
"""
AT_ONCE = 48


def chosen(words):
    """The cases, each of the same bytes once."""
    seen = {}
    for case in corpus.cases():
        if not words or any(word in case.name for word in words):
            seen.setdefault(case.data, case)
    return list(seen.values())


async def each(cases, work):
    """`work(case, address)` for every case, many at once, each with an address of its own."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number, case):
        async with gate:
            return await work(case, f"127.{1 + number // 62500}.{number // 250 % 250}.{1 + number % 250}")

    return await asyncio.gather(*(one(number, case) for number, case in enumerate(cases)))


# --- Martlet ---------------------------------------------------------------------------------------------------------


async def judge(cases):
    """How many cases there were, and the names of those that went wrong, with what."""
    wrong = []
    async with recorder.Recorder() as backend:
        with support.Martlet(CONFIGURATION.format(port=backend.port)) as martlet:
            port = int(martlet.url.rsplit(":", 1)[1])
            await warm_up(port)
            baseline = await at_rest(martlet)
            for in_pieces in [False, True]:
                backend.messages.clear()
                wrong += [found for found in await each(cases, probing(port, backend, in_pieces)) if found]
            strays = [address for address in backend.messages if not address.startswith("127.")]
            wrong += [("run", f"requests without an address: {strays}")] if strays else []
            wrong += [("run", f"h11 cannot read what the backend got: {text}") for text in backend.broken]
            await warm_up(port)
            wrong += [("run", text) for text in await aftermath(martlet, baseline)]
    return len(cases), wrong


def probing(port, backend, in_pieces):
    async def work(case, address):
        expected = verdict.Expected.of(case.outcome)
        began = time.monotonic()
        try:
            peer = await client.Client.connect(port, address, expected.methods)
        except OSError as error:
            return case.name, f"no connection: {error}"
        try:
            await verdict.play(case, expected, peer, in_pieces)
        finally:
            await peer.close()
        found = list(verdict.faults(case, expected, peer.heard, backend.of(address), address, in_pieces))
        if time.monotonic() - began > 2.5:
            found.append(f"took {time.monotonic() - began:.1f} s")
        return (f"{case.name}{' (in pieces)' if in_pieces else ''}", "; ".join(found)) if found else None

    return work


async def warm_up(port):
    peer = await client.Client.connect(port, "127.0.0.1", ["GET"])
    await peer.send(verdict.PROBE)
    await peer.listen(quiet=2)
    await peer.close()
    if peer.heard.statuses != [200]:
        raise RuntimeError(f"a plain request gets {peer.heard}")


async def at_rest(martlet):
    """The process that serves, and how many descriptors it holds when nothing is going on."""
    await asyncio.to_thread(martlet.wait_until_idle, 10)
    await asyncio.sleep(0.5)  # longer than idle connections to the backend are kept
    return martlet.serving_pid, min(martlet.descriptors() for _ in range(5))


async def aftermath(martlet, baseline):
    """What is wrong with the process after all this."""
    found = []
    deadline = time.monotonic() + 10
    while (rest := await at_rest(martlet))[1] > baseline[1] and time.monotonic() < deadline:
        pass
    if rest[0] != baseline[0]:
        found.append("the process that served died")
    if rest[1] > baseline[1]:
        found.append(f"{rest[1]} descriptors, {baseline[1]} before")
    metrics = await asyncio.to_thread(martlet.metrics)
    return found + [line for line in metrics.split("\n") if line.startswith("martlet_impossible") and line[-2:] != " 0"]


async def judge_answers():
    """As `judge`, of hostile answers."""
    cases = hostile_backend.cases()
    async with hostile_backend.Backend(cases) as backend:
        with support.Martlet(BEFORE_HOSTILE.format(port=backend.port)) as martlet:
            port = int(martlet.url.rsplit(":", 1)[1])
            baseline = await at_rest(martlet)
            numbers = {case.name + str(case.fields): number for number, case in enumerate(cases)}

            async def work(case, address):
                found = await hostile_backend.judge(case, numbers[case.name + str(case.fields)], port, address)
                return (f"{case.name} {case.fields}", found) if found else None

            wrong = [found for found in await each(cases, work) if found]
            return len(cases), wrong + [("run", text) for text in await aftermath(martlet, baseline)]


async def judge_slow():
    """As `judge`, of clients that are slow on purpose."""
    async with slow.Backend() as backend:
        with support.Martlet(slow.CONFIGURATION.format(port=backend.port)) as martlet:
            baseline = await at_rest(martlet)
            count, found = await slow.judge(int(martlet.url.rsplit(":", 1)[1]), backend)
            return count, [("slow", text) for text in found + await aftermath(martlet, baseline)]


# --- Peers -----------------------------------------------------------------------------------------------------------


async def compare(cases, name):
    """For each case what the peer passed on and its last refusal."""
    async with recorder.Recorder() as backend:
        with peers.PEERS[name](backend.port) as port:

            async def work(case, address):
                peer = await client.Client.connect(port, address, verdict.Expected.of(case.outcome).methods)
                await peer.send(case.data)
                await peer.listen(quiet=0.5)
                await peer.close()
                refusals = [status for status in peer.heard.statuses if status >= 400]
                whole = [str(message) for message in backend.of(address) if message.is_whole]
                return agreement.Reading(whole, bool(refusals) or (peer.heard.end != "open" and not whole))

            return await each(cases, work)


async def run(options):
    cases = chosen(options.words)
    wrong = await report("requests, whole and in pieces", judge(cases))
    if not options.words:
        wrong += await report("answers of hostile backends", judge_answers())
        wrong += await report("slow clients", judge_slow())
    readings = {f"h11 {agreement.H11_VERSION}": [agreement.h11_reading(case.data) for case in cases]}
    for name in peers.PEERS if options.peers else []:
        if peers.installed(name):
            readings[f"{name} {peers.version(name)}"] = await compare(cases, name)
        else:
            print(f"{name} is not installed: left out")
    table = agreement.Table(cases, readings)
    print(table.text())
    if options.publish:
        table.publish(HERE.parent.parent / "docs" / "http-conformance.md")
    unexplained = list(table.unexplained())
    print("\n".join(unexplained), end="\n" if unexplained else "")
    return 1 if wrong or unexplained else 0


async def report(what, work):
    """Prints what went wrong, how many there were and how long it took."""
    began = time.monotonic()
    count, wrong = await work
    for name, text in wrong:
        print(f"{name}: {text}"[:500])
    print(f"{count} {what}: {len(wrong)} wrong, {time.monotonic() - began:.0f} s", flush=True)
    return wrong


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--publish", action="store_true")
    parser.add_argument("words", nargs="*")
    return asyncio.run(run(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
