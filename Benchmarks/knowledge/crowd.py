"""A thousand people who ask at once, each something else, and a model that answers four at a time."""

import asyncio
import collections
import json
import time

from load import people, verdict
from load.stage import memory

from . import stage, texts

SLOTS = 4
# Seconds that the model takes for an answer, half of them before it begins: a thousand are done in time, or are not.
PACES = {"quick": 0.03, "slow": 0.4}


async def person(port, question):
    """How the question ended: the answer's kind, or the status, and whether it says when to come back."""
    body = json.dumps({"question": question, "stream": False})
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError as error:
        return f"no connection ({error.errno})"
    try:
        fields = ["connection: close"]
        writer.write(people.request(body, path=f"/knowledge/{stage.BASE}/ask", fields=fields))
        answer = await asyncio.wait_for(reader.read(), 120)
    except asyncio.TimeoutError:
        return "no answer in two minutes"
    except OSError as error:
        return f"broken off ({error.errno})"
    finally:
        writer.close()
    head, _, text = answer.partition(b"\r\n\r\n")
    words = head.split(None, 2)
    status = words[1].decode() if len(words) > 1 else "no status"
    if status == "200":
        return json.loads(text)["end"]["kind"]
    return f"{status}, come back" if b"retry-after:" in head.lower() else status


async def crowd(port, questions):
    gate = asyncio.gather(*(person(port, question) for question in questions))
    return dict(collections.Counter(await gate))


def one(bench, pace, count):
    model = stage.stub(bench, PACES[pace] / 2)
    server = stage.serve(bench, model, slots=SLOTS, cache={"keep": False})
    notes = texts.notes(count)
    questions = [texts.about(notes, number) for number in range(count)]
    with server.client() as client:
        client.create()
        client.upload(notes)
    ends, files, kept = [], [], []
    for _ in range(3):
        ends.append(asyncio.run(crowd(server.port, questions)))
        quiet = stage.settled(server, model, files[0] if files else None)
        if not files:
            # Idle connections to the model close a second after their last use.
            time.sleep(2)
        files.append(server.files())
        kept.append(memory(server.pid)["rss"] / 1024)
    found = {
        "ends": ends, "files": files, "quiet": quiet, "memory_mib": kept, "peak_mib": server.peak(),
        "model": stage.said_by(model)}
    bench.stop()
    return found


def measure(bench, options):
    count = 200 if options.quick else 1000
    rows, found = [], {}
    for pace in PACES:
        it = found[pace] = one(bench, pace, count)
        told = sum(
            number for ends in it["ends"] for end, number in ends.items()
            if end in ("answered", "cached", "refused", "degraded") or end.endswith("come back"))
        what = f"{count:,} people at once, three times, {SLOTS} slots of {PACES[pace] * 1000:.0f} ms"
        rows += [
            verdict.row(
                f"{what}: answered, or told when to come back", f"{3 * count:,}",
                f"{told:,}: " + "; ".join(
                    ", ".join(f"{number} {end}" for end, number in sorted(ends.items())) for ends in it["ends"])
                + f"; at most {it['model']['most']} at the model",
                # A model sees that a call was called off a moment after its place was given to the next one.
                told == 3 * count and (it["model"]["most"] <= SLOTS or it["model"]["cancelled"] > 0)),
            verdict.row(
                f"{what}: descriptors after the third time, and answers under way",
                f"as after the first ({it['files'][0]}), 0",
                f"{it['files'][2]}, {'0' if it['quiet'] else 'some'}", it["quiet"]),
            verdict.row(
                f"{what}: memory after the third time", "≤ 1.02 × the second",
                f"{it['memory_mib'][2] / it['memory_mib'][1]:.3f} × ({it['memory_mib'][2]:.0f} MiB)",
                it["memory_mib"][2] <= 1.02 * it["memory_mib"][1])]
    return rows, found
