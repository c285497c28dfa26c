"""Text to be taken in: sentences of the Debian FAQ in Chinese, put together anew, the same each time."""

import random
import re

from . import faq

CHUNK = 650


def sentences():
    text = "".join(section.text.replace("\n", "") for section in faq.sections("zh-cn"))
    return [found for found in re.findall(r"[^。！？]+[。！？]", text) if 8 <= len(found) <= 200]


def documents(chunks, each=100, seed=1):
    """{name: bytes} of text for about so many chunks, `each` in a document."""
    known, dice = sentences(), random.Random(seed)
    found = {}
    for number in range(-(-chunks // each)):
        size, pieces = 0, []
        wanted = min(each, chunks - number * each) * CHUNK
        while size < wanted:
            pieces.append(dice.choice(known))
            size += len(pieces[-1])
        found[f"text-{seed}-{number:04}.txt"] = "".join(pieces).encode()
    return found


def table(rows):
    """A CSV file of so many rows, in pieces."""
    dice = random.Random(3)
    yield "编号,产品,城市,价格\n".encode()
    cities = ["北京", "上海", "广州", "成都", "杭州", "武汉"]
    for start in range(0, rows, 10_000):
        yield "".join(
            f"{number},型号{dice.randrange(1000):03},{dice.choice(cities)},{dice.randrange(10, 9999)}\n"
            for number in range(start, min(start + 10_000, rows))).encode()


def notes(count):
    """{name: text} of small files, each with a code that is in no other one."""
    known, dice = sentences(), random.Random(4)
    return {
        f"note-{number:04}.txt": f"代号QX{number:05}：{dice.choice(known)}{dice.choice(known)}".encode()
        for number in range(count)}


def about(notes, number):
    """A question about one of the notes, in its own words: whoever looks for it finds it."""
    text = list(notes.values())[number % len(notes)].decode()
    return text[:text.index("。") if "。" in text else None] + "，对吗？"
