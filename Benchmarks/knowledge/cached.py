"""A question that was answered before, asked again on one connection; beside it, a request that the server answers from
what it knows. `martlet load` asks and takes the time, the network of this machine and both ends of HTTP included.
"""

import json

from load import verdict
from serving.stage import asked

from . import stage

QUESTION = "一年有几天年假？"


def measure(bench, options):
    model = stage.stub(bench)
    server = stage.serve(bench, model)
    with server.client() as client:
        client.create()
        client.put("leave.md", "# 休假\n\n员工每年有15天年假。入职满十年的有20天。".encode())
        kinds = [client.answer(QUESTION)["end"]["kind"] for _ in range(2)]
    if kinds != ["answered", "cached"]:
        raise SystemExit(f"the question was not answered and then kept: {kinds}")
    seconds = "1s" if options.quick else "5s"
    found = {}
    for name, path, body, *more in (
            ("cached", f"/knowledge/{stage.BASE}/ask", json.dumps({"question": QUESTION, "stream": False})),
            ("base", f"/knowledge/{stage.BASE}", "", "--method", "GET")):
        found[name] = asked(bench, server, body, "--connections", 1, "--duration", seconds, *more, path=path)
    found["model"] = stage.said_by(model)
    bench.stop()
    cached, base = (found[name]["latency"] for name in ("cached", "base"))
    return [verdict.row(
        "a cached answer, one after the other over HTTP, p50", "< 2 ms",
        f"{cached['p50_us'] / 1000:.2f} ms (p99 {cached['p99_us'] / 1000:.2f} ms; what the base is called and how "
        f"large it is: {base['p50_us'] / 1000:.2f} ms); {found['model']['begun'] - 1} call of the model",
        cached["p50_us"] < 2000)], found
