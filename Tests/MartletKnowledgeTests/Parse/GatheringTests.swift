import MartletKnowledge
import MartletLogic
import Testing

/// The bound of a text holds while it is gathered, not only once a piece of it is whole.
@Suite struct GatheringTests {
    private static var limits: ReadingLimits {
        var limits = ReadingLimits()
        limits.textBytes = 1 << 20
        return limits
    }

    private static let words = String(repeating: "0123456789abcde ", count: 128 << 10)

    @Test func `a header is not repeated with each row of one piece`() async {
        let csv = String(repeating: "h", count: 512 << 10) + ",b\n" + String(repeating: "1,2\n", count: 100_000)
        let error = await refusal(Array(csv.utf8), "a.csv", limits: Self.limits)
        #expect(error?.message == "a.csv cannot be read: its text is longer than 1MiB")
    }

    /// Each is cut off within its first paragraph, cell or text: who waits for its end finds no XML.
    @Test(arguments: ["docx", "cell", "odt", "pptx", "strings", "value"])
    func `one paragraph has as little room as all of them`(kind: String) async {
        let words = Self.words
        let file: [UInt8]
        switch kind {
        case "docx": file = Self.part("word/document.xml", "<d><p><r><t>" + words)
        case "cell": file = Self.part("word/document.xml", "<d><tbl><tr><tc><p><r><t>" + words)
        case "odt":
            let type = ContentType.openDocument.rawValue
            file = zip([("mimetype", type), ("content.xml", "<o><p>" + words)], isPacked: false)
        case "pptx":
            file = zip(
                [
                    Office.contentTypes, ("ppt/presentation.xml", "<p xmlns:r=\"r\"><sldId r:id=\"a\"/></p>"),
                    ("ppt/_rels/presentation.xml.rels", Office.relations([("a", "slide", "s.xml")])),
                    ("ppt/s.xml", "<s><p><t>" + words),
                ], isPacked: false)
        case "strings": file = Self.sheet("<row/>", strings: "<sst><si><t>" + words)
        default: file = Self.sheet("<row><c t=\"str\"><v>" + words)
        }
        let error = await refusal(file, "a." + kind, limits: Self.limits)
        #expect(error?.code == .tooLarge && error?.message.contains("longer than 1MiB") == true)
    }

    @Test func `a text that many cells refer to counts with each of them`() async {
        let strings = "<sst><si><t>" + Self.words.prefix(512 << 10) + "</t></si></sst>"
        let cells = String(repeating: "<c t=\"s\"><v>0</v></c>", count: 50_000)
        let error = await refusal(
            Self.sheet("<row>\(cells)</row></w>", strings: strings), "a.xlsx", limits: Self.limits)
        #expect(error?.message.contains("longer than 1MiB") == true)
    }

    @Test func `a part that lists others has a bound of its own`() async {
        var limits = ReadingLimits()
        limits.wholeBytes = 64 << 10
        let styles = "<styles>" + (0..<10_000).map { "<style styleId=\"\($0)\"/>" }.joined() + "</styles>"
        let file = Office.word("<w:p><w:r><w:t>a</w:t></w:r></w:p>", [("word/styles.xml", styles)])
        #expect(await refusal(file, "a.docx", limits: limits)?.message.contains("styles.xml is larger") == true)
    }

    @Test func `the way to a value has a bound, and empty containers cost no copy of it`() async throws {
        let long = String(repeating: "k", count: 1 << 20)
        let empty = "[" + String(repeating: "{},", count: 50_000) + "1]"
        let start = ContinuousClock.now
        let found = try await read("{\"\(long)\": \(empty), \"a\": 2}", "a.json").text.text
        #expect(found == "…[50000]: 1\na: 2\n")
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func `a text has no character that ends it in a database`() async throws {
        #expect(try await read("{\"a\\u0000b\": \"1\\u00002\"}", "a.json").text.text == "a b: 1 2\n")
    }

    @Test func `chunks that share nearly all with their neighbours are one clear error`() async throws {
        try await DeskFixture.run { fixture in
            var options = IngestOptions()
            options.splitting = .chatchat(size: 100_000, overlap: 99_999, titles: false)
            let error = await #expect(throws: KnowledgeError.self) {
                try await fixture.add("a.txt", String(repeating: "年，", count: 200_000), options)
            }
            #expect(error?.code == .tooLarge)
        }
    }

    private static func part(_ name: String, _ text: String) -> [UInt8] {
        zip([Office.contentTypes, (name, text)], isPacked: false)
    }

    private static func sheet(_ rows: String, strings: String = "<sst/>") -> [UInt8] {
        let relations = [("s", "worksheet", "s.xml"), ("t", "sharedStrings", "t.xml")]
        return zip(
            [
                Office.contentTypes,
                ("xl/workbook.xml", "<w xmlns:r=\"r\"><sheet name=\"a\" r:id=\"s\"/></w>"),
                ("xl/_rels/workbook.xml.rels", Office.relations(relations)), ("xl/s.xml", "<w>" + rows),
                ("xl/t.xml", strings),
            ], isPacked: false)
    }
}
