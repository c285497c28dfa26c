"""Retrieval of Langchain-Chatchat's own code and of Martlet, of the same 20,000 chunks, in the same run. Chatchat's
side is called in its own process and is given its vectors; Martlet's is asked over HTTP and embeds each question.
"""

import json
import statistics
import subprocess
import time

from load import verdict

from . import faq, stage, texts
from .ingest import sent

PYTHON = stage.HOME / ".martlet/venv-chatchat/bin/python"


def measure(bench, options):
    if not PYTHON.exists():
        raise SystemExit("`./martlet bench --only knowledge` installs the Langchain-Chatchat that this measure needs")
    count, few = (500, 2) if options.quick else (20_000, 5)
    questions = [chinese for _, chinese, _ in faq.questions()]
    server = stage.serve(bench)
    with server.client() as client:
        client.create()
        sent(client, texts.documents(count))
        chunks = [chunk["text"] for document in client.documents() for chunk in chunks_of(client, document["name"])]
        times = []
        for question in questions:
            began = time.perf_counter()
            client.search(question)
            times.append(time.perf_counter() - began)
    bench.stop()
    path = bench.directory / "chatchat.json"
    path.write_text(json.dumps({"texts": chunks, "questions": questions[:few]}))
    run = subprocess.run([str(PYTHON), str(stage.HERE / "chatchat_side.py"), str(path)], stdout=subprocess.PIPE)
    if run.returncode:
        raise SystemExit("Chatchat's retrieval failed; its words are above")
    theirs, ours = json.loads(run.stdout.splitlines()[-1]), statistics.median(times)
    ratio = statistics.median(theirs) / ours
    return [verdict.row(
        f"a question to {len(chunks):,} chunks, beside Langchain-Chatchat's own retrieval", "≥ 500 × faster",
        f"{ours * 1000:.1f} ms over HTTP with its embedding, Chatchat's BM25 and FAISS "
        f"{statistics.median(theirs):.1f} s: {ratio:,.0f} ×", ratio >= 500 if not options.quick else None)], {
            "chunks": len(chunks), "martlet_s": times, "chatchat_s": theirs}


def chunks_of(client, name):
    first = 0
    while first is not None:
        page = client.must("GET", f"/knowledge/{stage.BASE}/documents/{name}/chunks?limit=200&next={first}")
        yield from page["chunks"]
        first = page["next"]
