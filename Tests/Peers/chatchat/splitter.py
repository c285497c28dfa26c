"""Prints what Langchain-Chatchat 0.3.1.3 makes of texts, as Swift. See README.md.

    python splitter.py WHEEL [characters]
"""

import contextlib
import io
import logging
import sys
import types
import warnings
import zipfile

FOLDER = "chatchat/server/file_rag/text_splitter/"
MASK = (1 << 64) - 1
GROUPS = 50
CASES = 100

# The same as in ChatchatSplitterTests.swift.
FRAGMENTS = [
    "年", "假", "员工", "。", "！", "？", "；", "，", "\n", "\n\n", "\n \n", "\r\n", " ", "\u3000", "a", "Bc", "7",
    ". ", "? ", "! ", "; ", ", ", ".", "!", ",", ";", "?\n", "…", "\U0001F469\u200d\U0001F4BB", "e\u0301", "\u0085",
    "\u2028", "\u001f", "一", "²", "Ⅷ", "\t", "-", "_", "(", "第3章", "\ufeff", "，\n\n", "。\u3000",
    "x" * 30, "制度" * 12,
]
SIZES = [1, 2, 3, 5, 8, 13, 20, 34, 55, 100]

TITLES = "第1章 总则\n\n本制度适用于全体员工，自发布之日起施行。\n\n第2章 年假\n\n满一年的员工每年有五天年假；满十年的有十天。"
GOLDEN = [
    (750, 150, False, "年假五天。"),
    (20, 5, False, "年假五天。病假十天！事假呢？事假没有工资；迟到三次，算缺勤一天，请注意。"),
    (20, 0, False, "Annual leave: five days. Sick leave: ten! And parents? Ask, please; we help."),
    (12, 4, False, "一行\n二行\n\n\n三行\r\n四行\r\n\r\n五行"),
    (10, 10, False, "甲乙，丙丁，戊己，庚辛，壬癸"),
    (6, 2, False, "没有任何标点的一长串汉字它不会被切开"),
    (16, 6, False, "中英 mixed 文本. 第二句 here! 第三句，with 逗号, 完。"),
    (9, 3, False, "👩‍💻写代码。👩‍💻e\u0301看书，喝茶。"),
    (4, 1, False, "  \n\n \u3000 \n"),
    (24, 0, True, TITLES),
    (750, 150, True, "３、一二三\n\n说明"),
]


def load(wheel):
    """The two functions that split, out of the wheel."""
    logger = types.ModuleType("chatchat.utils")
    logger.build_logger = logging.getLogger
    sys.modules["chatchat"] = types.ModuleType("chatchat")
    sys.modules["chatchat.utils"] = logger
    names = {}
    with zipfile.ZipFile(wheel) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ["chinese_recursive_text_splitter", "zh_title_enhance"]:
            scope = {"__name__": name}
            exec(compile(archive.read(f"{FOLDER}{name}.py"), name, "exec"), scope)
            names |= scope
    return names["ChineseRecursiveTextSplitter"], names["zh_title_enhance"]


def random(seed):
    """SplitMix64."""
    while True:
        seed = (seed + 0x9E3779B97F4A7C15) & MASK
        z = seed
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        yield z ^ (z >> 31)


def case(numbers):
    size = SIZES[next(numbers) % len(SIZES)]
    overlap = next(numbers) % (size + 1)
    titles = next(numbers) % 2 == 1
    count = next(numbers) % 160
    return size, overlap, titles, "".join(FRAGMENTS[next(numbers) % len(FRAGMENTS)] for _ in range(count))


def digest(hash, text):
    for byte in text.encode() + b"\xff":
        hash = ((hash ^ byte) * 0x100000001B3) & MASK
    return hash


def swift(text):
    """A string literal of ASCII and Chinese."""

    def literal(c):
        is_plain = " " <= c <= "~" or c in "，。；！？、" or c.isalnum() and c.isprintable() and ord(c) < 0xF000
        return {"\n": "\\n", "\r": "\\r", "\\": "\\\\", '"': '\\"'}.get(c) or (c if is_plain else f"\\u{{{ord(c):x}}}")

    return '"' + "".join(map(literal, text)) + '"'


def main():
    splitter, enhance = load(sys.argv[1])
    if sys.argv[2:] == ["characters"]:
        scalars = [chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000]
        for name in ["isalpha", "isnumeric", "isspace"]:
            print(name, sum(getattr(scalar, name)() for scalar in scalars))
        return

    def split(size, overlap, titles, text):
        with contextlib.redirect_stdout(io.StringIO()):
            documents = splitter(chunk_size=size, chunk_overlap=overlap).create_documents([text])
            documents = enhance(documents) or [] if titles else documents
        return [document.page_content for document in documents]

    logging.disable()
    print("// Printed by Tests/Peers/chatchat/splitter.py: what Langchain-Chatchat 0.3.1.3 makes of these texts.\n")
    print("enum ChatchatGolden {")
    print("    struct Case: Sendable {")
    print("        var size: Int\n        var overlap: Int\n        var titles: Bool\n        var text: String")
    print("        var chunks: [String]\n    }\n")
    print("    static let cases: [Case] = [")
    for size, overlap, titles, text in GOLDEN:
        chunks = ",\n                ".join(map(swift, split(size, overlap, titles, text)))
        body = f"\n                {chunks},\n            " if chunks else ""
        print(f"        Case(\n            size: {size}, overlap: {overlap}, titles: {str(titles).lower()},")
        print(f"            text: {swift(text)},\n            chunks: [{body}]),")
    print("    ]\n\n    /// One for each hundred texts, from one seed after another.")
    print("    static let digests: [UInt64] = [")
    digests = []
    for seed in range(GROUPS):
        numbers = random(seed)
        hash = 0xCBF29CE484222325
        for _ in range(CASES):
            for chunk in split(*case(numbers)):
                hash = digest(hash, chunk)
            hash = digest(hash, "")
        digests.append(f"0x{hash:016x},")
    for start in range(0, GROUPS, 5):
        print("        " + " ".join(digests[start : start + 5]))
    print("    ]\n}")


main()
