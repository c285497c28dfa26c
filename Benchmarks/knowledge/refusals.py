"""Questions that the Debian FAQ answers, and such that it does not (`off-topic.txt`), asked of a server whose model
always answers: who is refused.
"""

from load import verdict

from . import faq, stage


def kinds(client, questions):
    return {question: client.answer(question)["end"]["kind"] for question in questions}


def share(found, kind="refused"):
    return sum(said == kind for said in found.values()) / len(found)


def measure(bench, options):
    step = 5 if options.quick else 1
    foreign = (stage.HERE / "off-topic.txt").read_text().splitlines()[::step]
    own = faq.questions()[::step]
    model = stage.stub(bench)
    server = stage.serve(bench, model, cache={"keep": False})
    with server.client() as client:
        client.create()
        faq.fill(client, stage.BASE)
        said = {
            "off-topic": kinds(client, foreign), "zh": kinds(client, [chinese for _, chinese, _ in own]),
            "en": kinds(client, [english for _, _, english in own])}
    bench.stop()
    chinese = {question: kind for question, kind in said["off-topic"].items() if not question.isascii()}
    english = {question: kind for question, kind in said["off-topic"].items() if question.isascii()}
    false = share(said["zh"] | said["en"])
    return [
        verdict.row(
            f"{len(foreign)} questions that the Debian FAQ does not answer: refused", "≥ 95 %",
            f"{share(said['off-topic']) * 100:.1f} % (Chinese {share(chinese) * 100:.1f} %, English "
            f"{share(english) * 100:.1f} %)", share(said["off-topic"]) >= 0.95),
        verdict.row(
            f"{2 * len(own)} questions that it answers: refused", "≤ 5 %",
            f"{false * 100:.1f} % (Chinese {share(said['zh']) * 100:.1f} %, English {share(said['en']) * 100:.1f} %)",
            false <= 0.05),
    ], said
