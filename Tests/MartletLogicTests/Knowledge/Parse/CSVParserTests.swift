import MartletLogic
import Testing

@Suite struct CSVParserTests {
    private func rows(_ text: String, cut: Int? = nil, delimiter: UInt8 = 0x2c) throws -> [[String]] {
        var rows: [[String]] = []
        let take = { (row: CSVParser.Row) in
            rows.append((0..<row.count).map { String(decoding: row[$0], as: UTF8.self) })
        }
        var parser = CSVParser(delimiter: delimiter)
        let bytes = Array(text.utf8)
        try parser.take(bytes[..<(cut ?? bytes.count)], take)
        try parser.take(bytes[(cut ?? bytes.count)...], take)
        try parser.finish(take)
        return rows
    }

    @Test func `quotes, blanks and line ends are read as Python reads them`() throws {
        #expect(try rows("a, b ,\"c,\"\"d\"\"\ne\"\r1\n\n\"x\"y,z\"w\"") == [["a", "b", "c,\"d\"\ne"], ["1"], [""], ["xy", "z\"w\""]])
        #expect(try rows("a,b\r\n") == [["a", "b"]])
        #expect(try rows("a,") == [["a", ""]])
        #expect(try rows("\"never closed\na,b") == [["never closed\na,b"]])
        #expect(try rows("") == [])
    }

    @Test func `rows are the same wherever the bytes are cut`() throws {
        let text = "名,\"a\"\"b\"\r\n\"x\r\ny\",2\r\n\r\n3,\"\""
        let whole = try rows(text)
        #expect(whole.count == 4)
        for cut in 0...text.utf8.count { #expect(try rows(text, cut: cut) == whole) }
    }

    @Test func `a quote that is never closed does not take all memory`() throws {
        var parser = CSVParser(maximumRowBytes: 10)
        #expect(throws: CSVParser.TooLong.self) { try parser.take(Array("\"0123456789a".utf8)[...]) { _ in } }
    }

    @Test(arguments: [("a,b\n1,2\n", 0x2c), ("a;b\n1;2\n", 0x3b), ("a\tb\n1\t2\n", 0x09), ("Dear A, B\nhello\n", nil), ("a,b\n", nil)])
    func `lines with as many fields each are a table`(text: String, delimiter: UInt8?) {
        #expect(CSVParser.delimiter(of: Array(text.utf8)[...]) == delimiter)
    }

    @Test func `fields without a byte count for a row's length`() {
        var parser = CSVParser(maximumRowBytes: 1000)
        #expect(throws: CSVParser.TooLong.self) {
            try parser.take(Array(repeating: 0x2c, count: 200)[...]) { _ in }
        }
    }
}
