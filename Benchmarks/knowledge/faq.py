"""The Debian FAQ in English and Chinese, section by section: 116 of its headings are questions, and what stands below
them are the answers. Of the packages `debian-faq` and `debian-faq-zh-cn`, which the launcher unpacks.
"""

import dataclasses
import hashlib
import re
import xml.etree.ElementTree as xml

from . import stage

FOLDER = stage.HOME / ".martlet/faq/usr/share/doc/debian/FAQ"
X = "{http://www.w3.org/1999/xhtml}"
NUMBER = re.compile(r"^(\d+(\.\d+)*\.?|Chapter \d+\.|第 ?\d+ ?章)\s*")


@dataclasses.dataclass
class Section:
    id: str
    title: str
    # Titles of what it is a part of, the outermost first.
    above: list
    # What stands below its title and above the next one, the title left out.
    text: str

    @property
    def is_question(self):
        return self.title.endswith(("?", "？", "?!", "？！"))


def sections(language):
    """`en` or `zh-cn`; in the order of the files' names."""
    folder = FOLDER if language == "en" else FOLDER / language
    files = sorted(path for path in folder.glob(f"*.{language}.html") if not path.name.startswith("index"))
    if not files:
        raise SystemExit("`./martlet bench --only knowledge` unpacks the texts that these measures ask about")
    return [section for path in files for section in below(xml.parse(path).getroot().find(f"{X}body"), [], language)]


def below(node, above, language):
    for part in node.findall(f"{X}div"):
        if part.get("class") not in ("chapter", "section"):
            continue
        heading = next(found for found in part.find(f"{X}div").iter() if re.fullmatch(X + "h[1-6]", found.tag))
        title = NUMBER.sub("", re.sub(r"\s+", " ", "".join(heading.itertext())).strip()).strip()
        if above:
            yield Section(heading.find(f"{X}a").get("id"), title, above, text(part, language))
        yield from below(part, [*above, title], language)


def text(part, language):
    pieces = [part.text or ""]
    for child in part:
        if child.get("class") not in ("section", "titlepage", "toc", "navheader", "navfooter"):
            pieces.append("".join(child.itertext()))
        pieces.append(child.tail or "")
    found = re.sub(r"[ \t]*\n[ \t]*", "\n", "".join(pieces)).strip()
    # Lines are broken where the source of the book is.
    if language == "zh-cn":
        found = re.sub(r"(?<=[\u4e00-\u9fff，。])\n(?=[\u4e00-\u9fff])", "", found)
    return re.sub(r"\n\n+", "\n", re.sub(r"(?<=\S)\n(?=\S)", " ", found))


def questions():
    """[(id, in Chinese, in English)]"""
    chinese = {section.id: section for section in sections("zh-cn")}
    english = {section.id: section for section in sections("en")}
    return [
        (id, section.title, english[id].title) for id, section in chinese.items()
        if section.is_question and id in english]


def held_out(ids):
    """The half on which nothing was tuned: by a hash of their names, the same for ever."""
    ordered = sorted(ids, key=lambda id: hashlib.sha256(id.encode()).hexdigest())
    return set(ordered[len(ordered) // 2:])


def fill(client, base):
    """One document for each section, under the headings above it, its own left out: those are what is asked. Returns
    {name of the document: id of the section}."""
    named = {}
    for number, section in enumerate(sections("zh-cn")):
        name = f"{number:03}.md"
        headings = "\n\n".join(f"{'#' * (level + 1)} {title}" for level, title in enumerate(section.above))
        client.put(name, f"{headings}\n\n{section.text}\n".encode(), base)
        named[name] = section.id
    return named
