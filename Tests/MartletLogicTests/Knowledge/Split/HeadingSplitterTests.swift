import MartletBase
import MartletLogic
import Testing

struct HeadingSplitterTests {
    private static let nouns = ["年假", "病假", "报销", "合同", "差旅", "考勤", "工资", "培训", "绩效", "设备", "安全"]
    private static let verbs = ["需要审批", "按月发放", "提前申请", "由主管确认", "在系统登记", "不得超过标准", "每年调整", "另行通知"]

    private static func line(_ numbers: inout SplitMix64) -> String {
        let sentences = 1 + numbers.next() % 3
        return (0..<sentences).map { _ in
            let clauses = 1 + numbers.next() % 3
            let words = (0..<clauses).map { _ in
                nouns.randomElement(using: &numbers).map { $0 + (verbs.randomElement(using: &numbers) ?? "") } ?? ""
            }
            return words.joined(separator: "，") + "第\(numbers.next() % 1000)条。"
        }.joined()
    }

    private static func lines(_ count: Int, seed: UInt64) -> [String] {
        var numbers = SplitMix64(seed: seed)
        return (0..<count).map { _ in line(&numbers) }
    }

    private static func split(_ text: String, size: Int = 750, overlap: Int = 150) throws -> [Chunk] {
        try #require(HeadingSplitter(size: size, overlap: overlap)).split(DocumentText(text: text))
    }

    /// How many texts of the new chunks none of the old ones has.
    private static func changes(from old: [Chunk], to new: [Chunk]) -> Int {
        Set(new.map(\.text)).subtracting(old.map(\.text)).count
    }

    @Test func sizesAndRangesHold() throws {
        var numbers = SplitMix64(seed: 3)
        for seed in 0..<60 {
            let size = [1, 2, 7, 40, 120, 750][seed % 6]
            let lines = Self.lines(Int(numbers.next() % 80), seed: UInt64(seed))
            let separator = ["\n", "\n\n", "\r\n", " ", ""][Int(numbers.next() % 5)]
            let text = lines.joined(separator: separator) + ["", "\n\n", String(repeating: "x", count: 999)][seed % 3]
            let scalars = Array(text.unicodeScalars)
            var reached = 0
            for chunk in try Self.split(text, size: size, overlap: size / 5) {
                #expect(chunk.range.count <= size)
                #expect(Array(chunk.text.unicodeScalars) == Array(scalars[chunk.range]))
                #expect(chunk.range.lowerBound <= reached || scalars[reached..<chunk.range.lowerBound].allSatisfy {
                    $0.properties.isWhitespace
                })
                #expect(chunk.range.upperBound > reached)
                reached = chunk.range.upperBound
            }
            #expect(scalars[reached...].allSatisfy { $0.properties.isWhitespace })
        }
    }

    @Test func aSectionBeginsAtAHeading() throws {
        let text = "总则\n本制度适用于全体员工。\n年假\n每年五天。\n病假\n每年十天。"
        let document = DocumentText(
            text: text,
            headings: [
                HeadingMark(offset: 0, level: 1, title: "总则"), HeadingMark(offset: 15, level: 2, title: "年假"),
                HeadingMark(offset: 24, level: 2, title: "病假"),
            ])
        let chunks = try #require(HeadingSplitter()).split(document)
        #expect(chunks.map(\.text) == ["总则\n本制度适用于全体员工。", "年假\n每年五天。", "病假\n每年十天。"])
        #expect(chunks.map(\.headings) == [["总则"], ["总则", "年假"], ["总则", "病假"]])
    }

    @Test func aBareHeadingGoesWithTheDeeperOneBelowIt() throws {
        let document = DocumentText(
            text: "# 手册\n## 年假\n五天。\n# 附录\n# 索引\n无。",
            headings: [
                HeadingMark(offset: 0, level: 1, title: "手册"), HeadingMark(offset: 5, level: 2, title: "年假"),
                HeadingMark(offset: 15, level: 1, title: "附录"), HeadingMark(offset: 20, level: 1, title: "索引"),
            ])
        let chunks = try #require(HeadingSplitter()).split(document)
        #expect(chunks.map(\.text) == ["# 手册\n## 年假\n五天。", "# 附录", "# 索引\n无。"])
        #expect(chunks.map(\.headings) == [["手册", "年假"], ["附录"], ["索引"]])
    }

    @Test func sentencesFlowOverPagesAndNotOverSlides() throws {
        func split(_ second: DocumentPlace, _ first: DocumentPlace) throws -> [Chunk] {
            let places = [PlaceMark(offset: 0, place: first), PlaceMark(offset: 5, place: second)]
            return try #require(HeadingSplitter()).split(DocumentText(text: "员工每年有五天年假。", places: places))
        }
        #expect(try split(.page(2), .page(1)).map(\.text) == ["员工每年有五天年假。"])
        let slides = try split(.slide(2), .slide(1))
        #expect(slides.map(\.text) == ["员工每年有", "五天年假。"])
        #expect(slides.map(\.place) == [.slide(1), .slide(2)])
    }

    @Test func neighboursOverlapByWholeSentences() throws {
        let chunks = try Self.split(Self.lines(200, seed: 4).joined(), size: 300, overlap: 80)
        var overlaps = 0
        for (chunk, next) in zip(chunks, chunks.dropFirst()) {
            let repeated = chunk.range.upperBound - next.range.lowerBound
            #expect(0...80 ~= repeated)
            if repeated > 0 {
                overlaps += 1
                #expect(chunk.text.unicodeScalars.dropLast(repeated).last == "。")
            }
        }
        #expect(overlaps * 10 > chunks.count * 9)
    }

    @Test func cutsAreBehindParagraphsBeforeLinesAndSentences() throws {
        let sentence = "本公司员工每年享有五天带薪年假。"
        let paragraph = sentence + sentence + "\n" + sentence
        let chunks = try Self.split(
            Array(repeating: paragraph, count: 8).joined(separator: "\n\n"), size: 120, overlap: 0)
        #expect(chunks.count > 3)
        #expect(chunks.allSatisfy { $0.text.hasPrefix(paragraph) && $0.text.hasSuffix(paragraph) })
    }

    @Test func stopsWithinNumbersAndBehindQuotesDoNotEndASentence() throws {
        let text = "价格是3.14元。他说：“好！”然后走了。See v1.2 now. (Really?) Yes."
        let chunks = try Self.split(text, size: 16, overlap: 0)
        #expect(!chunks.contains { $0.text.hasSuffix("3.") || $0.text.hasPrefix("”") || $0.text.hasSuffix("v1.") })
    }

    @Test func rowsArePackedWholeAndALongOneFallsApartAlone() throws {
        let rows = (1...40).map { "编号: \($0)\n姓名: 员工\($0)\n\n" }
        let long = "备注: " + String(repeating: "很长的备注。", count: 60) + "\n\n"
        let all = rows + [long] + rows
        var starts: [Int] = []
        var text = ""
        for row in all {
            starts.append(text.unicodeScalars.count)
            text += row
        }
        let chunks = try #require(HeadingSplitter(size: 100, overlap: 20)).split(DocumentText(text: text, rows: starts))
        #expect(chunks.allSatisfy { $0.range.count <= 100 })
        let whole = chunks.filter { !$0.text.contains("备注") }
        #expect(whole.allSatisfy { starts.contains($0.range.lowerBound) && $0.text.hasPrefix("编号") })
        #expect(whole.count < 40)
        #expect(chunks.filter { $0.text.contains("备注") }.map(\.text).joined() + "\n\n" == long)
    }

    @Test func noRowsOfTwoSheetsAreInAChunk() throws {
        let document = DocumentText(
            text: "甲: 1\n乙: 2\n丙: 3\n", places: [
                PlaceMark(offset: 0, place: .sheet("一")), PlaceMark(offset: 5, place: .sheet("二")),
            ], rows: [0, 5, 10])
        let chunks = try #require(HeadingSplitter()).split(document)
        #expect(chunks.map(\.text) == ["甲: 1", "乙: 2\n丙: 3"])
        #expect(chunks.map(\.place) == [.sheet("一"), .sheet("二")])
    }

    @Test func blanksAreNoChunk() throws {
        #expect(try Self.split("").isEmpty)
        #expect(try Self.split(" \n\u{3000}\n ").isEmpty)
        #expect(try Self.split("\n\n年假。\n ").map(\.range) == [2..<5])
    }

    @Test(arguments: ["\n", "\n\n", "", "\n---\n"])
    func anEditOfALineChangesThreeChunksAtMost(_ separator: String) throws {
        let lines = Self.lines(4600, seed: 11)
        let old = try Self.split(lines.joined(separator: separator))
        #expect(old.count >= 450)
        let cuts = Self.linesAtCuts(lines, separator, old)
        var numbers = SplitMix64(seed: 5)
        for edit in 0..<16 {
            // Half of them where a chunk ends: those move a cut.
            let place = Int(numbers.next() % UInt64(lines.count))
            let end = cuts.first { $0 >= place } ?? 0
            var edited = lines
            switch numbers.next() % 3 {
            case 0: edited[edit % 2 == 0 ? place : end] = "改：" + Self.line(&numbers)
            case 1: edited.remove(at: edit % 2 == 0 ? place : end)
            default: edited.insert(Self.line(&numbers), at: edit % 2 == 0 ? place : end)
            }
            let new = try Self.split(edited.joined(separator: separator))
            #expect(Self.changes(from: old, to: new) <= 3)
        }
    }

    @Test func anEditOfARowChangesThreeChunksAtMost() throws {
        func split(_ rows: [String]) throws -> [Chunk] {
            var starts: [Int] = []
            var end = 0
            for row in rows {
                starts.append(end)
                end += row.unicodeScalars.count
            }
            return try #require(HeadingSplitter()).split(DocumentText(text: rows.joined(), rows: starts))
        }
        let rows = Self.lines(1000, seed: 2).map { $0 + "\n" }
        let old = try split(rows)
        var numbers = SplitMix64(seed: 8)
        for _ in 0..<16 {
            var edited = rows
            edited[Int(numbers.next() % UInt64(rows.count))] = Self.line(&numbers) + "\n"
            let new = try split(edited)
            #expect(Self.changes(from: old, to: new) <= 3)
        }
    }

    private static func linesAtCuts(_ lines: [String], _ separator: String, _ chunks: [Chunk]) -> [Int] {
        let ends = Set(chunks.map(\.range.upperBound))
        var end = -separator.unicodeScalars.count
        return lines.indices.filter {
            end += separator.unicodeScalars.count + lines[$0].unicodeScalars.count
            return ends.contains(end)
        }
    }
}
