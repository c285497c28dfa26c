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
        guard let text = JSONString.decode(Array(bytes[try stringRange()])) else { throw Self.invalid }
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
            guard let text = JSONString.decode(Array(bytes[range])) else { throw Self.invalid }
            return JSONScalar(.string(text), bytes: bytes[range.lowerBound - 1..<range.upperBound + 1])
        }
        guard let scalar = JSONScalar(word()) else { throw Self.invalid }
        return scalar
    }

    /// Takes what numbers and names are made of, as far as it goes.
    private mutating func word() -> ArraySlice<UInt8> {
        let start = index
        while index < bytes.endIndex, Characters.scalar.contains(bytes[index]) { index += 1 }
        return bytes[start..<index]
    }

    /// Takes a string; the range of what is between its quotes.
    private mutating func stringRange() throws(WireError) -> Range<Int> {
        try expect(UInt8(ascii: "\""))
        let start = index
        while index < bytes.endIndex, bytes[index] != UInt8(ascii: "\"") {
            guard bytes[index] >= 0x20 else { throw Self.invalid }
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.endIndex else { throw Self.invalid }
        index += 1
        return start..<index - 1
    }

    private mutating func skipBlanks() {
        while index < bytes.endIndex, Self.isBlank(bytes[index]) { index += 1 }
    }

    private static func isBlank(_ byte: UInt8) -> Bool {
        byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09
    }

    private static var invalid: WireError { WireError(.upstreamMalformed, "not the JSON that was expected") }
}
