import MartletBase
import MartletLogic
import Testing

struct ChatchatSplitterTests {
    // The same as in Tests/Peers/chatchat/splitter.py.
    private static let fragments = [
        "年", "假", "员工", "。", "！", "？", "；", "，", "\n", "\n\n", "\n \n", "\r\n", " ", "\u{3000}", "a", "Bc", "7",
        ". ", "? ", "! ", "; ", ", ", ".", "!", ",", ";", "?\n", "…", "\u{1F469}\u{200d}\u{1F4BB}", "e\u{301}",
        "\u{85}", "\u{2028}", "\u{1f}", "一", "²", "Ⅷ", "\t", "-", "_", "(", "第3章", "\u{feff}", "，\n\n", "。\u{3000}",
        String(repeating: "x", count: 30), String(repeating: "制度", count: 12),
    ]
    private static let sizes = [1, 2, 3, 5, 8, 13, 20, 34, 55, 100]
    private static let casesOfADigest = 100

    private struct Case {
        var size: Int
        var overlap: Int
        var titles: Bool
        var text: String

        init(_ numbers: inout SplitMix64) {
            size = sizes[Int(numbers.next() % UInt64(sizes.count))]
            overlap = Int(numbers.next() % UInt64(size + 1))
            titles = numbers.next() % 2 == 1
            text = ""
            for _ in 0..<numbers.next() % 160 { text += fragments[Int(numbers.next() % UInt64(fragments.count))] }
        }

        func chunks(titles: Bool) throws -> [Chunk] {
            try #require(ChatchatSplitter(size: size, overlap: overlap, titles: titles)).split(DocumentText(text: text))
        }
    }

    @Test(arguments: ChatchatGolden.cases)
    func chunksAreThoseOfChatchat(_ golden: ChatchatGolden.Case) throws {
        let splitter = try #require(
            ChatchatSplitter(size: golden.size, overlap: golden.overlap, titles: golden.titles))
        let chunks = try splitter.split(DocumentText(text: golden.text))
        #expect(chunks.map { Array($0.text.utf8) } == golden.chunks.map { Array($0.utf8) })
    }

    @Test(arguments: ChatchatGolden.digests.indices)
    func chunksOfRandomTextsAreThoseOfChatchat(_ seed: Int) throws {
        var numbers = SplitMix64(seed: UInt64(seed))
        var digest = FNV1a()
        for _ in 0..<Self.casesOfADigest {
            let random = Case(&numbers)
            for chunk in try random.chunks(titles: random.titles) {
                for byte in chunk.text.utf8 { digest.add(byte) }
                digest.add(0xff)
            }
            digest.add(0xff)
        }
        #expect(digest.value == ChatchatGolden.digests[seed])
    }

    @Test func aRangeCoversJustWhatAChunkSays() throws {
        var numbers = SplitMix64(seed: 7)
        for _ in 0..<500 {
            let random = Case(&numbers)
            let scalars = Array(random.text.unicodeScalars)
            var before = 0
            for chunk in try random.chunks(titles: false) {
                var covered = String.UnicodeScalarView()
                for scalar in scalars[chunk.range] where scalar != "\n" || covered.last != "\n" {
                    covered.append(scalar)
                }
                #expect(Array(covered) == Array(chunk.text.unicodeScalars))
                #expect(chunk.range.lowerBound >= before)
                before = chunk.range.lowerBound
            }
        }
    }

    @Test func aRowIsAChunk() throws {
        let text = "名称: 年假\n天数: 5\n\n名称: 病假\n天数: 10。说明：长长长长长长长长长长\n"
        let splitter = try #require(ChatchatSplitter(size: 5, overlap: 0))
        let chunks = try splitter.split(DocumentText(text: text, rows: [0, 13]))
        #expect(chunks.map(\.text) == ["名称: 年假\n天数: 5", "名称: 病假\n天数: 10。说明：长长长长长长长长长长"])
        #expect(chunks.map(\.range) == [0..<12, 14..<41])
    }

    @Test func aChunkKnowsItsPageAndHeadings() throws {
        let document = DocumentText(
            text: "总则\n一。二。\n年假\n三。四。",
            places: [PlaceMark(offset: 0, place: .page(1)), PlaceMark(offset: 8, place: .page(2))],
            headings: [HeadingMark(offset: 0, level: 1, title: "总则"), HeadingMark(offset: 8, level: 2, title: "年假")])
        let chunks = try #require(ChatchatSplitter(size: 3, overlap: 0)).split(document)
        #expect(chunks.map(\.text) == ["总则", "一。", "二。", "年假", "三。", "四。"])
        #expect(chunks.map(\.place) == [.page(1), .page(1), .page(1), .page(2), .page(2), .page(2)])
        let (general, leave) = (["总则"], ["总则", "年假"])
        #expect(chunks.map(\.headings) == [general, general, general, leave, leave, leave])
    }

    @Test func aTextThatWouldBeThereManyTimesIsRefusedBeforeItIs() throws {
        // Each chunk would be the one before but for two characters.
        let text = DocumentText(text: String(repeating: "年，", count: 200_000))
        let splitter = try #require(ChatchatSplitter(size: 100_000, overlap: 99_999))
        #expect(throws: ChunkExcess.repetition) { try splitter.split(text) }
        let rows = DocumentText(text: "年", rows: Array(repeating: 0, count: ChunkBudget.mostPieces + 1))
        #expect(throws: ChunkExcess.pieces) { try splitter.split(rows) }
    }

    @Test func settingsThatChatchatRefusesAreNone() {
        #expect(ChatchatSplitter(size: 10, overlap: 11) == nil)
        #expect(ChatchatSplitter(size: 0, overlap: 0) == nil)
        #expect(ChatchatSplitter(size: 10, overlap: -1) == nil)
        #expect(ChatchatSplitter(size: 10, overlap: 10) != nil)
    }
}
