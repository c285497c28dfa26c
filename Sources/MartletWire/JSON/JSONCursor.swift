import MartletBase

/// Steps through a short JSON text, for readers that know what to expect. Strict about what it reads; of values that
/// are skipped only strings and brackets are followed.
struct JSONCursor {
    /// Nesting beyond this is refused in what is skipped.
    static let maximumDepth = 64

    private let bytes: ArraySlice<UInt8>
    /// Where it stands.
    private(set) var index: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        index = bytes.startIndex
    }

    init(_ bytes: [UInt8]) {
        self.init(bytes[...])
    }

    /// The bytes of a part.
    subscript(range: Range<Int>) -> ArraySlice<UInt8> { bytes[range] }

    /// Whether a part is `word`.
    func spells(_ word: StaticString, at range: Range<Int>) -> Bool {
        range.count == word.utf8CodeUnitCount && bytes[range].spells(word)
    }

    /// The next byte that is no blank is `byte`, and is taken.
    mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard index < bytes.endIndex, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(WireError) {
        guard take(byte) else { throw Self.invalid }
    }

    /// Nothing is left, not even a blank.
    var isAtEnd: Bool { index >= bytes.endIndex }

    /// Nothing but blanks may follow.
    mutating func expectEnd() throws(WireError) {
        skipBlanks()
        guard index == bytes.endIndex else { throw Self.invalid }
    }

    /// Reads `{…}`: `value` must take the value of each name it is given.
    mutating func object(
        _ value: (String, inout JSONCursor) throws(WireError) -> Void
    ) throws(WireError) {
        try expect(UInt8(ascii: "{"))
        if take(UInt8(ascii: "}")) { return }
        repeat {
            let name = try string()
            try expect(UInt8(ascii: ":"))
            try value(name, &self)
        } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "}"))
    }

    /// Reads `[…]`: `element` must take each element.
    mutating func array(_ element: (inout JSONCursor) throws(WireError) -> Void) throws(WireError) {
        try expect(UInt8(ascii: "["))
        if take(UInt8(ascii: "]")) { return }
        repeat { try element(&self) } while take(UInt8(ascii: ","))
        try expect(UInt8(ascii: "]"))
    }

    mutating func string() throws(WireError) -> String {
        guard let text = JSONString.decode(bytes[try stringRange()]) else { throw Self.invalid }
        return text
    }

    /// A whole number from 0 on.
    mutating func count() throws(WireError) -> Int {
        skipBlanks()
        let digits = word()
        guard !digits.isEmpty, digits.count <= 18, digits.allSatisfy({ Characters.digits.contains($0) }) else {
            throw Self.invalid
        }
        return digits.reduce(0) { $0 * 10 + Int($1 & 0x0f) }
    }

    /// `true` or `false`.
    mutating func flag() throws(WireError) -> Bool {
        guard case .bool(let flag) = try scalar().kind else { throw Self.invalid }
        return flag
    }

    /// Takes any value.
    mutating func skip() throws(WireError) {
        var depth = 0
        repeat {
            skipBlanks()
            guard index < bytes.endIndex else { throw Self.invalid }
            switch bytes[index] {
            case UInt8(ascii: "\""): _ = try stringRange()
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                guard depth <= Self.maximumDepth else { throw Self.invalid }
                index += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard depth > 0 else { throw Self.invalid }
                depth -= 1
                index += 1
            case UInt8(ascii: ","), UInt8(ascii: ":"):
                guard depth > 0 else { throw Self.invalid }
                index += 1
            default:
                guard !word().isEmpty else { throw Self.invalid }
            }
        } while depth > 0
    }

    /// The next byte that is no blank; it stays.
    mutating func peek() -> UInt8? {
        skipBlanks()
        return index < bytes.endIndex ? bytes[index] : nil
    }

    /// Takes any value, as ``skip()`` does; its bytes.
    mutating func value() throws(WireError) -> ArraySlice<UInt8> {
        skipBlanks()
        let start = index
        try skip()
        return bytes[start..<index]
    }

    /// Takes a value that is no array and no object, and is exactly what JSON allows.
    mutating func scalar() throws(WireError) -> JSONScalar {
        guard let first = peek() else { throw Self.invalid }
        if first == UInt8(ascii: "\"") {
            let range = try stringRange()
            guard let text = JSONString.decode(bytes[range]) else { throw Self.invalid }
            return JSONScalar(.string(text), bytes: bytes[range.lowerBound - 1..<range.upperBound + 1])
        }
        guard let scalar = JSONScalar(word()) else { throw Self.invalid }
        return scalar
    }

    /// Takes what numbers and names are made of, as far as it goes.
    private mutating func word() -> ArraySlice<UInt8> {
        let start = index
        index = end { Characters.scalar.contains($0) }
        return bytes[start..<index]
    }

    /// Takes a string; the range of what is between its quotes.
    mutating func stringRange() throws(WireError) -> Range<Int> {
        try expect(UInt8(ascii: "\""))
        let start = index
        index = stringEnd
        guard index < bytes.endIndex, bytes[index] == UInt8(ascii: "\"") else { throw Self.invalid }
        defer { index += 1 }
        return start..<index
    }

    private mutating func skipBlanks() {
        index = end { Self.isBlank($0) }
    }

    /// The first place whose byte is of another kind.
    @inline(__always)
    private func end(of kind: (UInt8) -> Bool) -> Int {
        let span = bytes.span
        var place = index - bytes.startIndex
        while place < span.count, kind(span[place]) { place += 1 }
        return bytes.startIndex + place
    }

    /// Where the quote is that ends the string it stands in, or something that must be escaped, or the end.
    private var stringEnd: Int {
        let span = bytes.span
        var place = index - bytes.startIndex
        while true {
            while place + Word.width <= span.count {
                let word = Word.load(span, at: place)
                let mask =
                    Word.matches(word, UInt8(ascii: "\"")) | Word.matches(word, UInt8(ascii: "\\"))
                    | Word.below(word, 0x20)
                place += Word.first(mask)
                if mask != 0 { break }
            }
            guard place < span.count else { return bytes.endIndex }
            switch span[place] {
            case UInt8(ascii: "\""), 0..<0x20: return bytes.startIndex + place
            case UInt8(ascii: "\\"): place += 2
            default: place += 1
            }
        }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    private static var invalid: WireError { WireError(.upstreamMalformed, "not the JSON that was expected") }
}
