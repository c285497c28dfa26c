"""A thousand clients at once, half of which leave at random moments: what is computed for those who left, and whether
those who stay get what is theirs.
"""

import asyncio
import collections
import json
import random

from load import people, verdict

from . import stage

WORKERS = 4
# (path, clients, body but for the name, moments of leaving in seconds)
KINDS = [
    ("/unary", 800, {"seconds": 0.02}, 3.5),
    ("/stream", 200, {"seconds": 0.05, "steps": 10}, 8.0),
]
# Until the worker has heard of it: a client's leaving is told within some milliseconds.
TOLD_US = 20_000


def measure(bench, options):
    diary = bench.directory / "diary.txt"
    share = 0.1 if options.quick else 1
    with stage.serve(bench, "martlet", "diary", WORKERS=WORKERS, DIARY=diary) as server:
        visits = asyncio.run(everyone(server.port, share))
    lines = [line.split() for line in diary.read_text().splitlines()]
    done = collections.defaultdict(list)
    for what, name, at in lines:
        done[name].append((what, int(at)))
    left = [visit for visit in visits if visit.end == "left"]
    in_vain = [visit for visit in left if any(
        what == "begin" and at > visit.left_at + TOLD_US for what, at in done[visit.id])]
    steps = [sum(at > visit.left_at + TOLD_US and what in ("step", "end") for what, at in done[visit.id])
             for visit in left if visit.id.startswith("stream")]
    stayed = [visit for visit in visits if visit.end != "left"]
    wrong = [visit for visit in stayed if not visit.is_right]
    rows = [
        verdict.row(f"{len(left)} of {len(visits):,} clients leave: queued items executed afterwards", "0",
                    str(len(in_vain)), not in_vain),
        verdict.row(f"{len(left)} of {len(visits):,} clients leave: yields of a generator afterwards", "≤ 1",
                    f"{max(steps, default=0)} at most", max(steps, default=0) <= 1),
        verdict.row(f"{len(left)} of {len(visits):,} clients leave: those who stay get their own answers", "all",
                    f"{len(stayed) - len(wrong)} of {len(stayed)}", not wrong),
    ]
    begun = sum(bool(done[visit.id]) for visit in left)
    return rows, {"left": len(left), "begun_of_those": begun, "in_vain": len(in_vain), "yields_after": steps,
                  "wrong": [visit.head or visit.end for visit in wrong]}


async def everyone(port, share):
    dice, tasks = random.Random(1), []
    for path, count, body, moments in KINDS:
        for number in range(int(count * share)):
            name = f"{path[1:]}-{number}"
            payload = stage.post(path, json.dumps(body | {"name": name}))
            if number % 2:
                tasks.append(people.leave(port, name, payload, dice.uniform(0, moments * share)))
            else:
                tasks.append(stay(port, name, payload, body.get("steps")))
    dice.shuffle(tasks)
    return await asyncio.gather(*tasks)


async def stay(port, name, payload, steps):
    visit = people.Visit(name)
    visit.is_right = False
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(payload.replace(b"Host: bench\r\n", b"Host: bench\r\nConnection: close\r\n"))
        text = await asyncio.wait_for(reader.read(-1), 120)
        writer.close()
    except (OSError, asyncio.TimeoutError) as error:
        visit.end = repr(error)
        return visit
    head, _, body = text.partition(b"\r\n\r\n")
    visit.end, visit.head = "answered", head.decode("latin-1")
    lines = [line for line in body.split(b"\n") if line.startswith(b"{")]
    wanted = [{"name": name}] if steps is None else [{"name": name, "number": number} for number in range(steps)]
    visit.is_right = [json.loads(line) for line in lines] == wanted
    return visit
