"""The Debian FAQ's questions, in Chinese and in English, asked of its Chinese text: where the section stands whose
heading the question is. Over HTTP, as anybody asks.
"""

import statistics
import time

from load import verdict

from . import faq, stage

# What must be reached on the held-out half, with the better of the two encoders.
GOALS = {"zh": 0.62, "en": 0.47}
# How it is asked: what it is called, and settings of `knowledge:`.
WAYS = [("as it comes", {}), ("embedding: e5", {"embedding": "e5"})]
# Passages of an answer that are looked at: all that there are. A section that is in none of them counts 0.
DEPTH = 200


def rank(passages, named, wanted):
    """Of the first passage of the wanted section among the sections found; None: in none of them."""
    found = list(dict.fromkeys(named[passage["document"]["name"]] for passage in passages))
    return found.index(wanted) + 1 if wanted in found else None


def scores(ranks):
    def share(depth):
        return sum(rank is not None and rank <= depth for rank in ranks) / len(ranks)
    return {
        "questions": len(ranks), "mrr": sum(1 / rank for rank in ranks if rank) / len(ranks),
        "hit_1": share(1), "hit_3": share(3), "hit_10": share(10)}


def asked(client, named, questions):
    """{language: {id: rank}}, and how long a question took, in ms."""
    ranks, times = {"zh": {}, "en": {}}, []
    for id, *texts in questions:
        for language, text in zip(ranks, texts):
            began = time.perf_counter()
            passages = client.search(text, DEPTH)
            times.append((time.perf_counter() - began) * 1000)
            ranks[language][id] = rank(passages, named, id)
    return ranks, times


def measure(bench, options):
    questions = faq.questions()
    if options.quick:
        questions = questions[::10]
    held = faq.held_out([id for id, *_ in questions])
    rows, found = [], {}
    for how, settings in WAYS:
        server = stage.serve(bench, **settings)
        with server.client() as client:
            client.create()
            began = time.monotonic()
            named = faq.fill(client, stage.BASE)
            filled = time.monotonic() - began
            ranks, times = asked(client, named, questions)
        bench.stop(server)
        took = {"p50": statistics.median(times), "p99": verdict.quantile(times, 0.99)}
        found[how] = {"ms": took, "fill_s": filled, "ranks": ranks}
        for language, goal in GOALS.items():
            every = scores(list(ranks[language].values()))
            half = scores([rank for id, rank in ranks[language].items() if id in held])
            found[how][language] = {"all": every, "held_out": half}
            rows.append(verdict.row(
                f"Debian FAQ, {every['questions']} questions, {language}→zh, {how}: MRR of the held-out half",
                f"≥ {goal}" if settings else "",
                f"{half['mrr']:.3f} (all {every['mrr']:.3f}; first place {half['hit_1']:.3f}, first three "
                f"{half['hit_3']:.3f}, first ten {half['hit_10']:.3f}); {took['p50']:.0f} ms for a question",
                half["mrr"] >= goal if settings and not options.quick else None))
    return rows, found
