import MartletBase

/// Finds the lines of a head as its bytes arrive. Offsets count from the first unread byte of the input, and no byte
/// is searched twice however small the pieces are.
struct LineFinder: Sendable {
    /// Where the line that is not complete yet starts.
    private(set) var lineStart = 0
    private var searched = 0

    var hasSeenBytes: Bool { searched > 0 }

    /// The next line without its CRLF, or nil until it is complete. Every line must end in CRLF.
    @inline(__always)
    mutating func next(_ bytes: Span<UInt8>) throws(WireError) -> Range<Int>? {
        guard let lineFeed = Word.index(of: Characters.lineFeed, in: bytes, from: searched, to: bytes.count) else {
            searched = bytes.count
            return nil
        }
        let start = lineStart
        guard lineFeed > start, bytes[lineFeed - 1] == Characters.carriageReturn else {
            throw WireError(.badRequest, "line ends without CRLF")
        }
        lineStart = lineFeed + 1
        searched = lineStart
        return start..<lineFeed - 1
    }

    /// How much of the unfinished line is there.
    func pendingCount(_ bytes: Span<UInt8>) -> Int {
        bytes.count - lineStart
    }
}

/// Reads field lines into a list: names known or valid, values free of control characters.
struct FieldLines: Sendable {
    private(set) var fields: [HeaderField] = []
    private(set) var present = FieldSet()
    private(set) var repeated = FieldSet()
    /// Where the first line starts; the offsets of the fields count from there.
    let base: Int
    private let isRequest: Bool

    init(base: Int, isRequest: Bool, capacity: Int = 20) {
        self.base = base
        self.isRequest = isRequest
        fields.reserveCapacity(capacity)
    }

    /// Takes the line `bytes[line]`, which excludes its CRLF and is not empty.
    @inline(__always)
    mutating func add(_ line: Range<Int>, of bytes: Span<UInt8>, table: FieldNameTable) throws(WireError) {
        guard let colon = Word.index(of: 0x3a, in: bytes, from: line.lowerBound, to: line.upperBound) else {
            throw WireError(.badRequest, "field line without colon")
        }
        let nameRange = line.lowerBound..<colon
        let name = table.name(bytes, nameRange)
        if name == .other { try checkName(bytes, nameRange) }
        let value = Characters.trim(bytes, colon + 1..<line.upperBound)
        let hasObsoleteText = try checkValue(bytes, value)
        if name != .other {
            if hasObsoleteText && FieldSet.asciiOnly.contains(name) {
                throw WireError(.badRequest, "byte above 0x7f in a field that must be ASCII")
            }
            if present.contains(name) { repeated.insert(name) }
        }
        present.insert(name)
        fields.append(
            HeaderField(
                name, line: line.lowerBound - base..<line.upperBound + 2 - base, nameEnd: colon - base,
                value: value.lowerBound - base..<value.upperBound - base))
    }

    /// The first field of this (known) name.
    func first(_ name: FieldName) -> HeaderField? {
        guard present.contains(name) else { return nil }
        return fields.first { $0.name == name }
    }

    private func checkName(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) {
        guard !range.isEmpty else { throw WireError(.badRequest, "empty field name") }
        if Characters.isBlank(bytes[range.lowerBound]) { throw WireError(.badRequest, "folded field line") }
        let allowed = isRequest ? Characters.requestName : Characters.token
        guard allowed.containsAll(bytes, range) else {
            throw WireError(.badRequest, "invalid character in a field name")
        }
    }

    /// Throws on control characters other than tabs; tells whether there are bytes above 0x7f.
    @inline(__always)
    private func checkValue(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) -> Bool {
        var index = range.lowerBound
        var seen: UInt64 = 0
        var suspicious: UInt64 = 0
        while index < range.upperBound {
            let count = min(Word.width, range.upperBound - index)
            var word = Word.load(bytes, at: index, count: count)
            if count < Word.width { word |= Word.fill(Characters.space) & ~Word.lowBytes(count) }
            seen |= word
            suspicious |= Word.below(word, Characters.space) | Word.matches(word, 0x7f)
            index += count
        }
        if suspicious != 0 {
            for index in range where bytes[index] != Characters.tab && (bytes[index] < 0x20 || bytes[index] == 0x7f) {
                throw WireError(.badRequest, "control character in a field value")
            }
        }
        return seen & Word.highs != 0
    }
}
