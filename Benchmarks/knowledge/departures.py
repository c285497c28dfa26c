"""Ten thousand who connect, ask, and leave at a random moment: what is left of them."""

import asyncio
import json
import random
import time

from load import people, verdict
from load.stage import memory

from . import stage, texts

AT_ONCE = 200
# Of the model, half of it before its first piece; they leave within it.
SECONDS = 0.4


async def cycles(port, first, count):
    gate, dice = asyncio.Semaphore(AT_ONCE), random.Random(first)

    async def one(number):
        question = f"代号QX{number % 100:05}的第{number}个问题：它是什么？"
        body = json.dumps({"question": question, "stream": number % 2 == 0})
        async with gate:
            payload = people.request(body, path=f"/knowledge/{stage.BASE}/ask")
            return await people.leave(port, "", payload, dice.uniform(0, SECONDS))
    return await asyncio.gather(*(one(number) for number in range(first, first + count)))


def measure(bench, options):
    count = 500 if options.quick else 10_000
    model = stage.stub(bench, SECONDS / 2)
    server = stage.serve(bench, model, slots=AT_ONCE)
    with server.client() as client:
        client.create()
        client.upload(texts.notes(100))
    # As many as there will be at once: what is kept for them is kept from now on.
    asyncio.run(cycles(server.port, 0, 2 * AT_ONCE))
    stage.settled(server, model, 0)
    files, before, known = server.files(), memory(server.pid)["rss"] / 1024, stage.said_by(model)
    visits = asyncio.run(cycles(server.port, 2 * AT_ONCE, count))
    began = time.monotonic()
    quiet = stage.settled(server, model, files)
    seconds = time.monotonic() - began
    under_way = stage.under_way(server)
    after, left = memory(server.pid)["rss"] / 1024, stage.said_by(model)
    with server.client() as client:
        alive = client.answer("代号QX00001是什么？")["end"]["kind"]
    found = {
        "ends": people.as_report(visits), "files": (files, server.files()), "memory_mib": (before, after),
        "model": {key: left[key] - known[key] for key in ("begun", "ended", "cancelled")}, "under_way": under_way,
        "quiet_after_s": seconds, "alive": alive}
    bench.stop()
    gone = sum(visit.end == "left" for visit in visits)
    calls = found["model"]
    what = f"{count:,} who ask and leave"
    return [
        verdict.exactly(f"{what}: left as they meant to", gone, count),
        verdict.row(
            f"{what}: answers under way, at the server and at the model", "0",
            f"{sum(under_way.values()):.0f} and {left['active']}, {seconds:.1f} s after the last; of {calls['begun']:,} "
            f"calls of the model {calls['cancelled']:,} were called off", quiet),
        verdict.row(
            f"{what}: descriptors after", f"as before ({files})", str(found["files"][1]), found["files"][1] <= files),
        verdict.row(
            f"{what}: memory after", "≤ 1.1 × before", f"{after / before:.3f} × ({after:.0f} MiB)",
            after <= 1.1 * before),
    ], found
