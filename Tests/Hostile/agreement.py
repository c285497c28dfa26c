"""How other readers of HTTP treat the corpus, compared with Martlet."""

import collections
import dataclasses

import h11
import peer_reasons
import verdict
from h11_differential import READ_OTHERWISE, reference

H11_VERSION = h11.__version__


@dataclasses.dataclass
class Reading:
    """The requests that a reader took out of a case's bytes, and whether it refused what was left."""

    messages: list
    refuses: bool


def h11_reading(data):
    parts = [part for part in reference(data).split("; ") if part not in ("", "...")]
    return Reading([part for part in parts if part != "!"], "!" in parts)


def relation(case, reading):
    """`same`, or what the other reader does: it takes `more`, `less`, or as much and reads it `otherwise`."""
    expected = verdict.Expected.of(case.outcome)
    ours, theirs = expected.messages, reading.messages
    if len(theirs) != len(ours):
        return "more" if len(theirs) > len(ours) else "less"
    if theirs != ours:
        return "otherwise"
    refuses = bool(expected.status)
    if refuses == reading.refuses:
        return "same"
    return "more" if refuses else "less"


class Table:
    COLUMNS = ["same", "more", "less", "otherwise"]
    PARTS = {
        "lines": "Request line, line ends",
        "targets": "Targets",
        "hosts": "Host",
        "fields": "Fields, hop by hop, bounds",
        "framing": "Content-Length, Transfer-Encoding",
        "chunks": "Chunks and trailers",
        "connections": "Pipelining, keeping, stopping early",
        "requests": "One of each",
    }

    def __init__(self, cases, readings):
        self.cases, self.readings = cases, readings
        self.relations = {
            peer: [relation(case, reading) for case, reading in zip(cases, found)] for peer, found in readings.items()
        }

    def counts(self, peer, part=None):
        pairs = zip(self.cases, self.relations[peer])
        return collections.Counter(found for case, found in pairs if part in (None, case.part))

    def text(self):
        lines = []
        for peer in self.readings:
            counts = self.counts(peer)
            lines.append(f"{peer}: " + ", ".join(f"{counts[column]} {column}" for column in self.COLUMNS))
        return "\n".join(lines)

    def publish(self, path):
        """Writes the tables between the marks of the document, which says the rest."""
        text = path.read_text(encoding="utf-8")
        before, _, rest = text.partition("<!-- measured -->\n")
        _, _, after = rest.partition("<!-- end -->")
        path.write_text(f"{before}<!-- measured -->\n{self.markdown()}\n<!-- end -->{after}", encoding="utf-8")

    def markdown(self):
        peers = list(self.readings)
        refused = collections.Counter(case.part for case in self.cases if "!" in case.outcome)
        sizes = collections.Counter(case.part for case in self.cases)
        lines = [
            "| requests | cases | Martlet refuses | " + " | ".join(peers) + " |",
            "|---|---|---|" + "---|" * len(peers),
        ]
        for part, title in [*self.PARTS.items(), (None, "**All**")]:
            total = sizes[part] if part else len(self.cases)
            refusals = refused[part] if part else sum(refused.values())
            cells = [" / ".join(str(self.counts(peer, part)[column]) for column in self.COLUMNS) for peer in peers]
            lines.append(f"| {title} | {total} | {refusals} | " + " | ".join(cells) + " |")
        return "\n".join(lines)

    def unexplained(self):
        """Cases of which a peer takes less, or reads them otherwise, without a reason that is written down."""
        for peer, found in self.relations.items():
            reasons = READ_OTHERWISE if peer.startswith("h11") else peer_reasons.REASONS[peer.split(" ")[0]]
            known = tuple(prefix for prefixes in reasons.values() for prefix in prefixes)
            for case, one, reading in zip(self.cases, found, self.readings[peer]):
                if one in ("less", "otherwise") and not case.name.startswith(known):
                    yield f"{peer} {one}, {case.name}: {reading}"[:300]
