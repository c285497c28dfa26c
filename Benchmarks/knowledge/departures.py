"""Three times ten thousand who connect, ask, and leave at a random moment: what is left of them."""

import asyncio
import collections
import json
import random
import re
import time

import ledger
from load import people, verdict
from load.stage import memory

from . import stage, texts

AT_ONCE = 200
NOTES = 500
TIMES = 3
# Of the model, half of it before its first piece; they leave within it.
SECONDS = 0.4


async def cycles(port, questions, first, count):
    gate, dice = asyncio.Semaphore(AT_ONCE), random.Random(first)

    async def one(number):
        body = json.dumps({"question": questions[number % NOTES], "stream": number % 2 == 0})
        async with gate:
            payload = people.request(body, path=f"/knowledge/{stage.BASE}/ask")
            return await people.leave(port, "", payload, dice.uniform(0, SECONDS))
    return await asyncio.gather(*(one(number) for number in range(first, first + count)))


def kind(file):
    """What a descriptor is, without its number."""
    return re.sub(r"\d+", "N", file)


def measure(bench, options):
    count = 500 if options.quick else 10_000
    model = stage.stub(bench, SECONDS / 2)
    server = stage.serve(bench, model, slots=AT_ONCE, cache={"keep": False})
    notes = texts.notes(NOTES)
    questions = [texts.about(notes, number) for number in range(NOTES)]
    with server.client() as client:
        client.create()
        client.upload(notes)
    # As many as there will be at once: what is kept for them is kept from now on.
    asyncio.run(cycles(server.port, questions, 0, 2 * AT_ONCE))
    stage.settled(server, model)
    # Idle connections to the model close a second after their last use.
    time.sleep(2)
    held, known, kept, visits = ledger.files(server.pid), stage.said_by(model), [], []
    for turn in range(TIMES):
        visits += asyncio.run(cycles(server.port, questions, 2 * AT_ONCE + turn * count, count))
        began = time.monotonic()
        quiet = stage.settled(server, model, len(held))
        seconds = time.monotonic() - began
        kept.append(memory(server.pid)["rss"] / 1024)
    under_way, left = stage.under_way(server), stage.said_by(model)
    with server.client() as client:
        alive = client.answer(questions[0])["end"]["kind"]
    more = collections.Counter(map(kind, ledger.files(server.pid).values()))
    more.subtract(map(kind, held.values()))
    files = (len(held), server.files())
    found = {
        "ends": people.as_report(visits), "files": files, "memory_mib": kept,
        "files_more": {what: number for what, number in more.items() if number},
        "model": {key: left[key] - known[key] for key in ("begun", "ended", "cancelled")}, "under_way": under_way,
        "quiet_after_s": seconds, "answer_after": alive}
    bench.stop()
    gone = sum(visit.end == "left" for visit in visits)
    calls = found["model"]
    what = f"{TIMES} × {count:,} who ask and leave"
    return [
        verdict.exactly(f"{what}: left as they meant to", gone, TIMES * count),
        verdict.row(
            f"{what}: answers under way, at the server and at the model", "0",
            f"{sum(under_way.values()):.0f} and {left['active']}, {seconds:.1f} s after the last; of "
            f"{calls['begun']:,} calls of the model {calls['cancelled']:,} were called off", quiet),
        verdict.row(
            f"{what}: descriptors after", f"as before ({files[0]})",
            f"{files[1]}" + (f" ({found['files_more']})" if files[1] > files[0] else ""), files[1] <= files[0]),
        verdict.row(f"{what}: who asks then and stays", "answered", alive, alive == "answered"),
        verdict.row(
            f"{what}: memory after the third time", "≤ 1.02 × the second",
            f"{kept[2] / kept[1]:.3f} × ({kept[2]:.0f} MiB)", kept[2] <= 1.02 * kept[1]),
    ], found
