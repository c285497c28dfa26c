import MartletKnowledge
import MartletLogic
import Testing

@testable import Martlet

@Suite("What the command line writes of knowledge")
struct ToolTextTests {
    static func passage(
        _ text: String = "年假有十五天", name: String = "hr/年假.md", range: Range<Int> = 120..<340,
        place: DocumentPlace? = .page(2)
    ) -> Passage {
        Passage(
            id: ChunkID(1), document: DocumentVersion(base: "hr", name: name, version: 3),
            chunk: Chunk(text: text, range: range, place: place, headings: ["假期", "年假"]), score: 0.8125,
            why: Passage.Why(wordRank: 1, wordScore: 7.25, vectorRank: 2, cosine: -0.5, matched: ["年假"]))
    }

    @Test("The bar grows by files and by chunks, and its line fits the terminal")
    func progress() {
        var progress = AddProgress(files: 4)
        progress.begin("制度/一个非常长的文件名称.md")
        progress.embedded(1, of: 2)
        let line = progress.line(columns: 80)
        #expect(line == "[===                     ] 1/4  制度/一个非常长的文件名称.md  1/2 chunks")
        for columns in [10, 20, 40, 50, 60] {
            #expect(TerminalText.width(progress.line(columns: columns)) < columns)
        }
        progress.end()
        progress.begin("b.md")
        #expect(progress.line(columns: 80) == "[======                  ] 2/4  b.md")
    }

    @Test("Text of others moves no cursor")
    func safe() {
        #expect(TerminalText.safe("a\u{1b}[2Jb\r\nc\td") == "a[2Jb\nc\td")
        #expect(TerminalText.oneLine(" a\n\n b\u{7}c ") == "a bc")
        #expect(TerminalText.cut("年假制度", columns: 5) == "年假…")
        #expect(TerminalText.cut("年假", columns: 4) == "年假")
    }

    @Test("A passage says where it stands and why it was found")
    func passage() {
        #expect(
            PassageText(Self.passage()).lines(number: 1) == [
                "1. 0.813  hr/年假.md, version 3, page 2, characters 120-340", "   假期 > 年假",
                "   why: words, rank 1 (BM25 7.250): 年假; meaning, rank 2 (cosine -0.500)", "   年假有十五天",
            ])
        #expect(PassageText(Self.passage(place: nil)).address() == "hr/年假.md, version 3, characters 120-340")
    }

    @Test("Below an answer stand its sources with what is cited, and what they do not bear out")
    func closing() {
        let citation = CheckedSentence.Citation(source: 1, range: 130..<136)
        let text = AnswerText(
            answer: "有十五天。有九十天。", sources: [Self.passage(), Self.passage(name: "b.md", place: .sheet("一月"))],
            citations: [
                CheckedSentence(range: 0..<5, citations: [citation, citation]),
                CheckedSentence(range: 5..<10, flaws: [.unknownDetail("九十"), .unknownSource(7)]),
            ], end: AnswerEnd(kind: .cached))
        #expect(
            text.closing == [
                "", "Not borne out by the sources:",
                "  ! 有九十天。 (no cited passage has \"九十\"; [7] is no source of it)", "", "Sources:",
                "[1] hr/年假.md, version 3, page 2, characters 130-136",
                "[2] b.md, version 3, sheet 一月, characters 120-340", "", "From the cache.",
            ])
    }

    @Test("Questions are read line by line; a line that is none is named")
    func questions() throws {
        let lines = """
            {"question": "几天?", "document": "hr/年假.md", "text": "有 十五\\n天"}

            {"question": "b", "document": "other.md"}
            """
        let set = try QuestionSet(lines: lines)
        #expect(set.items.map(\.document) == ["hr/年假.md", "other.md"])
        #expect(set.items.map { $0.fits(Self.passage()) } == [true, false])
        #expect(!set.items[0].fits(Self.passage("年假有五天")))
        let error = #expect(throws: KnowledgeError.self) { try QuestionSet(lines: lines + "\n{\"question\": 1}") }
        #expect(error?.message.contains("Line 4") == true)
        #expect(throws: KnowledgeError.self) { try QuestionSet(lines: "\n") }
    }

    @Test("Metadata are what they look like")
    func metadata() throws {
        var order = AddOrder()
        order.metadata = ["year=2026", "final=true", "by=王 = 李", "none="]
        #expect(
            try order.values()
                == ["year": .number(2026), "final": .flag(true), "by": .text("王 = 李"), "none": .text("")])
        order.metadata = ["=x"]
        #expect(throws: KnowledgeError.self) { try order.values() }
    }
}
