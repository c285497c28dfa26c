"""Eight workers that nobody asks: how much of a core they and Martlet take."""

import ledger
from load import verdict
from load.stage import cpu_share

from . import stage

WORKERS = 8


def measure(bench, options):
    with stage.serve(bench, "martlet", "trivial", WORKERS=WORKERS) as server:
        stage.asked(bench, server, '{"input": 4}', "-c", 16, "-d", "1s")
        share = cpu_share(ledger.tree(server.process.pid), 3 if options.quick else 20)
    return [verdict.at_most(f"idle, {WORKERS} workers connected", "% of a core", share * 100, 0.5, digits=2)], {
        "share": share}
