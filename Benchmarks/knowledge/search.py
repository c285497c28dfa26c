"""The embedded engine by itself (Benchmarks/Search), query vectors given: 100,000 chunks x 512."""

import json
import os
import subprocess

from load import verdict


def measure(bench, options):
    if not os.path.exists(options.knowledge_bench):
        raise SystemExit("`./martlet bench --only knowledge` builds what this measure needs")
    chunks, seconds = (5000, 2) if options.quick else (100_000, 10)
    run = subprocess.run(
        [str(options.knowledge_bench), str(bench.directory / "search"), str(chunks), "16", str(seconds)],
        stdout=subprocess.PIPE, text=True, check=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    one = {line["measure"]: line for line in lines}
    many = [line for line in lines if line["measure"] == "many"]
    # The most that is done while nobody waits too long.
    best = max(many, key=lambda line: (line["p99_ms"] < 40, line["per_second"]))
    what = f"{chunks:,} chunks × 512, words and vectors"
    judged = not options.quick
    putting = one["while_putting"]
    ratio = putting["busy_p99_ms"] / putting["idle_p99_ms"]
    return [
        verdict.row(
            f"{what}, {best['clients']:.0f} at once, all cores", "≥ 1,000 searches/s, p99 < 40 ms",
            f"{best['per_second']:,.0f}/s, p99 {best['p99_ms']:.1f} ms (p50 {best['p50_ms']:.1f} ms; "
            f"{best['cpu_ms_each']:.2f} ms of a core each)",
            best["per_second"] >= 1000 and best["p99_ms"] < 40 if judged else None),
        verdict.row(
            f"{what}, one at a time, p50", "< 8 ms",
            f"{one['single']['p50_ms']:.2f} ms (p99 {one['single']['p99_ms']:.2f} ms; by vectors alone "
            f"{one['single_vector']['p50_ms']:.2f} ms, by words alone {one['single_words']['p50_ms']:.2f} ms)",
            one["single"]["p50_ms"] < 8 if judged else None),
        verdict.row(
            f"{one['recall']['questions']:.0f} vectors, beside a scan of all floats: recall@10", "1.0",
            f"{one['recall']['recall']:.4f}", one["recall"]["recall"] == 1),
        verdict.row(
            f"{what}, while documents are put, p99", "≤ 2 × at rest",
            f"{putting['busy_p99_ms']:.1f} ms, at rest {putting['idle_p99_ms']:.1f} ms: {ratio:.2f} × "
            f"({putting['put_per_second']:.0f} chunks/s put)", ratio <= 2 if judged else None),
        verdict.row(
            f"opening a store of {chunks:,} chunks", "",
            f"{one['open']['seconds']:.1f} s, then {one['open']['resident_mb']:.0f} MiB resident", None),
    ], {"lines": lines}
