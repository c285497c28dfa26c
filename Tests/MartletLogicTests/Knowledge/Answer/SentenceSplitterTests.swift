import Testing

@testable import MartletLogic

@Suite("Sentences of an answer")
struct SentenceSplitterTests {
    private func sentences(_ text: String, joinsLines: Bool = false) -> [String] {
        let folded = FoldedText(text)
        return SentenceSplitter.split(folded, joinsLines: joinsLines).map { folded.text($0.range) }
    }

    @Test("Chinese ends end sentences, and take their quotes and citations along")
    func chinese() {
        #expect(sentences("年假5天。[1]病假呢？“不限！”[2][3] 完") == ["年假5天。[1]", "病假呢?", "“不限!”[2][3]", "完"])
        #expect(sentences("一是甲；二是乙。") == ["一是甲;", "二是乙。"])
    }

    @Test("A stop within a number, a name or an abbreviation ends nothing")
    func stops() {
        #expect(sentences("It costs 3.5 dollars, e.g. Mr. Li paid so. Use v1.2. Then stop.") == [
            "It costs 3.5 dollars, e.g. Mr. Li paid so.", "Use v1.2.", "Then stop.",
        ])
        #expect(sentences("See No. 5 by J. Smith etc. We agree. No. He left") == [
            "See No. 5 by J. Smith etc.", "We agree.", "No.", "He left",
        ])
        #expect(sentences("Open config.yaml at 9 a.m. on Monday [1]. Done.") == [
            "Open config.yaml at 9 a.m. on Monday [1].", "Done.",
        ])
    }

    @Test("Lists and headings lose their markers, and each line stands by itself")
    func lists() {
        let text = "## 假期\n1. 年假\n2）病假\n- 婚假\n（一）产假\n一、总则\n3.5天\n具体如下：\n"
        #expect(sentences(text) == ["假期", "年假", "病假", "婚假", "产假", "总则", "3.5天", "具体如下:"])
        let kinds = SentenceSplitter.split(FoldedText(text)).map(\.kind)
        #expect(kinds.first == .heading && kinds.last == .heading && kinds[1] == .prose)
    }

    @Test("Code is taken line by line")
    func code() {
        let folded = FoldedText("如下。\n```swift\nlet a = b[1]. c\n\nrun()\n```\n完")
        let found = SentenceSplitter.split(folded)
        #expect(found.map { folded.text($0.range) } == ["如下。", "let a = b[1]. c", "run()", "完"])
        #expect(found.map(\.kind) == [.prose, .code, .code, .prose])
    }

    @Test("Lines of a source that were wrapped are one sentence; rows and short lines are not")
    func wrapped() {
        let text = """
            Employees may work from home up
            to three days per week.
            Ask first
            then go.
            |a very long row of a table|1|
            |b|2|
            """
        #expect(sentences(text, joinsLines: true) == [
            "Employees may work from home up\nto three days per week.", "Ask first", "then go.",
            "|a very long row of a table|1|", "|b|2|",
        ])
    }

    @Test("Ranges are those of the text, scalar for scalar")
    func ranges() {
        let text = "é🙂 ok。 二。"
        let scalars = Array(text.unicodeScalars)
        let cut = SentenceSplitter.split(FoldedText(text)).map { String(String.UnicodeScalarView(scalars[$0.range])) }
        #expect(cut == ["é🙂 ok。", "二。"])
    }
}
