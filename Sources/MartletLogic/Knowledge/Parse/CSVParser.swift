/// Takes the bytes of a table apart (RFC 4180, as lenient as Python's `csv`), however they are cut.
///
/// A quote counts at the beginning of a field only; within quotes `""` is one, and line ends are part of the field.
/// Lines end with LF, CR LF or CR.
public struct CSVParser: Sendable {
    /// A row, as views of its bytes.
    public struct Row: Sendable {
        fileprivate var bytes: [UInt8] = []
        fileprivate var ends: [Int] = []

        /// How many fields.
        public var count: Int { ends.count }
        /// A line with nothing on it.
        public var isBlank: Bool { ends.count == 1 && ends[0] == 0 }

        /// A field, without its quotes and the blanks around it.
        public subscript(field: Int) -> ArraySlice<UInt8> {
            let start = field == 0 ? 0 : ends[field - 1]
            var slice = bytes[start..<ends[field]]
            while let last = slice.last, CSVParser.isBlank(last) { slice.removeLast() }
            return slice.drop(while: CSVParser.isBlank)
        }
    }

    /// A row that is longer than the bound, as an unclosed quote makes it, or many fields.
    public struct TooLong: Error, Sendable {}

    /// What a field takes of a row's bound, beside its bytes: where it ends has to be kept.
    private static let fieldBytes = 16

    private enum State {
        case start, plain, quoted
        /// After a quote within quotes: the end of them, or the first half of `""`.
        case quote
    }

    private let delimiter: UInt8
    private let maximumRowBytes: Int
    private var state = State.start
    private var row = Row()
    /// The last byte was a CR that ended a row: an LF belongs to it.
    private var afterReturn = false

    public init(delimiter: UInt8 = 0x2c, maximumRowBytes: Int = 16 << 20) {
        self.delimiter = delimiter
        self.maximumRowBytes = maximumRowBytes
    }

    /// Takes the next bytes and hands on each row that they complete.
    public mutating func take(_ chunk: ArraySlice<UInt8>, _ onRow: (Row) throws -> Void) throws {
        for byte in chunk {
            let isSecondHalf = afterReturn && byte == 0x0a
            afterReturn = false
            if isSecondHalf { continue }
            switch (state, byte) {
            case (.quoted, 0x22): state = .quote
            case (.quoted, _): row.bytes.append(byte)
            case (.quote, 0x22):
                row.bytes.append(byte)
                state = .quoted
            case (.start, 0x22): state = .quoted
            case (_, delimiter): endField()
            case (_, 0x0a), (_, 0x0d):
                afterReturn = byte == 0x0d
                try endRow(onRow)
            default:
                row.bytes.append(byte)
                state = .plain
            }
            guard row.bytes.count + row.ends.count * Self.fieldBytes <= maximumRowBytes else { throw TooLong() }
        }
    }

    /// The last row, where no line end follows it.
    public mutating func finish(_ onRow: (Row) throws -> Void) throws {
        guard !row.ends.isEmpty || !row.bytes.isEmpty || state != .start else { return }
        try endRow(onRow)
    }

    private mutating func endField() {
        row.ends.append(row.bytes.count)
        state = .start
    }

    private mutating func endRow(_ onRow: (Row) throws -> Void) rethrows {
        endField()
        try onRow(row)
        row.bytes.removeAll(keepingCapacity: true)
        row.ends.removeAll(keepingCapacity: true)
    }

    /// Which of comma, tab, semicolon and bar separates the fields; nil: these are no lines of a table.
    ///
    /// - Parameter head: the beginning of the text. All of its whole lines, two at least, must have equally many.
    public static func delimiter(of head: ArraySlice<UInt8>) -> UInt8? {
        [0x2c, 0x09, 0x3b, 0x7c].first { candidate in
            var parser = CSVParser(delimiter: candidate)
            var counts: [Int] = []
            try? parser.take(head) { if !$0.isBlank { counts.append($0.count) } }
            return counts.count >= 2 && counts[0] >= 2 && counts.allSatisfy { $0 == counts[0] }
        }
    }

    /// The one of these that the first line has most of; a comma where it has none.
    public static func likelyDelimiter(of head: ArraySlice<UInt8>) -> UInt8 {
        let line = head.prefix { $0 != 0x0a && $0 != 0x0d }
        let counts = [0x2c, 0x09, 0x3b].map { candidate in
            (delimiter: UInt8(candidate), count: line.count { $0 == candidate })
        }
        return counts.reduce(counts[0]) { $1.count > $0.count ? $1 : $0 }.delimiter
    }

    fileprivate static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || 0x09...0x0d ~= byte
    }
}
