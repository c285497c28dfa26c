"""Documents in: how fast, at what memory, from many hands at once, and what it does to those who search meanwhile."""

import concurrent.futures
import statistics
import time

from load import verdict

from . import stage, texts
from .asking import Asker

HANDS = 16


def measure(bench, options):
    rows, found = [], {}
    for part in (text, searching, many, table):
        server = stage.serve(bench)
        try:
            with server.client() as client:
                client.create()
                more, figures = part(server, client, options.quick)
            rows += more
            found[part.__name__] = figures
        finally:
            bench.stop(server)
    return rows, found


def text(_, client, quick):
    """From before the first document is sent until the last one is searchable: two senders, as the cores are."""
    documents = texts.documents(100 if quick else 3000)
    began = time.perf_counter()
    chunks = sum(added["chunks"] for added in sent(client, documents))
    seconds = time.perf_counter() - began
    length = sum(len(data.decode()) for data in documents.values()) / chunks
    rate = chunks / seconds
    return [verdict.row(
        f"text to searchable, {chunks:,} chunks of {length:.0f} characters, default embedding", "≥ 60 chunks/s",
        f"{rate:.0f} chunks/s", rate >= 60)], {"chunks": chunks, "seconds": seconds, "characters": length}


def sent(client, documents, hands=2):
    """What the server says of each, sent by so many at once, one document after the other each."""
    names = list(documents)

    def some(first):
        with stage.Client(client.connection.port) as own:
            return [
                added for name in names[first::hands]
                for added in own.upload(
                    {name: documents[name]}, splitting="chatchat", chunk_size=texts.CHUNK, chunk_overlap=0)["added"]]
    with concurrent.futures.ThreadPoolExecutor(hands) as pool:
        return [added for part in pool.map(some, range(hands)) for added in part]


def searching(server, client, quick):
    """Searches over HTTP, the question's embedding included: at rest, and while text comes in."""
    seconds = 3 if quick else 20
    sent(client, texts.documents(50 if quick else 1000))
    Asker(server, 1).times()
    rest = Asker(server, seconds).times()
    asker, end, late = Asker(server, seconds), time.monotonic() + seconds, 0
    while time.monotonic() < end:
        late += 1
        sent(client, texts.documents(30, each=15, seed=100 + late))
    busy = asker.times()
    quiet, loud = (verdict.quantile(times, 0.99) for times in (rest, busy))
    return [verdict.row(
        "a search while text comes in, p99", "≤ 2 × at rest",
        f"{loud:.1f} ms, at rest {quiet:.1f} ms: {loud / quiet:.2f} × (p50 {statistics.median(busy):.1f}, at rest "
        f"{statistics.median(rest):.1f} ms)", loud <= 2 * quiet)], {"rest": rest, "busy": busy}


def many(server, _, quick):
    """Small files, each an upload of its own, sixteen at a time: all there, each once, each found."""
    notes = texts.notes(200 if quick else 4000)
    names = list(notes)

    def some(first):
        with server.client() as client:
            return sum(len(client.upload({name: notes[name]})["added"]) for name in names[first::HANDS])
    began = time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(HANDS) as pool:
        added = sum(pool.map(some, range(HANDS)))
    seconds = time.perf_counter() - began
    with server.client() as client:
        there = [document["name"] for document in client.documents()]
        looked = names[::len(names) // 100]
        ranks = [rank(client.search(notes[name].decode()[2:9], 10), name) for name in looked]
    hits = sum(found is not None for found in ranks)
    whole = sorted(there) == sorted(names) and added == len(names) and hits == len(looked)
    return [verdict.row(
        f"{len(names):,} small files, {HANDS} uploads at a time", "all there, each once, each found by its code",
        f"{added:,} taken in, {len(there):,} listed, {len(set(there)):,} names; {hits} of {len(looked)} found, "
        f"{ranks.count(1)} of them first; {len(names) / seconds:.0f} files/s", whole)], {
            "files": len(names), "added": added, "seconds": seconds, "ranks": ranks}


def rank(passages, name):
    names = [passage["document"]["name"] for passage in passages]
    return names.index(name) + 1 if name in names else None


def table(server, client, quick):
    """One CSV file, with its peak of memory."""
    count = 4000 if quick else 400_000
    before = server.peak()
    data = b"".join(texts.table(count))
    began = time.perf_counter()
    added = client.upload({"table.csv": data})["added"][0]
    seconds = time.perf_counter() - began
    peak = server.peak()
    return [verdict.row(
        f"{count:,} CSV rows ({len(data) / 2**20:.0f} MiB, {added['chunks']:,} chunks): peak memory of the process",
        "< 300 MiB", f"{peak:.0f} MiB (before {before:.0f} MiB), in {seconds:.0f} s, "
        f"{added['chunks'] / seconds:.0f} chunks/s", peak < 300 if not quick else None)], {
            "rows": count, "chunks": added["chunks"], "seconds": seconds, "peak_mib": peak, "before_mib": before}
