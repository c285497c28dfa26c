import MartletBase

/// Steps through a short JSON text, for readers that know what to expect. Strict about what it reads; of values that
/// are skipped only strings and brackets are followed.
struct JSONCursor {
    /// Nesting beyond this is refused in what is skipped.
    static let maximumDepth = 64

    private let bytes: [UInt8]
    private var index = 0

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The next byte that is no blank is `byte`, and is taken.
    mutating func take(_ byte: UInt8) -> Bool {
        skipBlanks()
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    mutating func expect(_ byte: UInt8) throws(WireError) {
        guard take(byte) else { throw Self.invalid }
    }

    /// Nothing but blanks may follow.
    mutating func expectEnd() throws(WireError) {
        skipBlanks()
        guard index == bytes.count else { throw Self.invalid }
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
        let start = index
        while index < bytes.count, Characters.scalar.contains(bytes[index]) { index += 1 }
        let digits = bytes[start..<index]
        guard !digits.isEmpty, digits.count <= 18, digits.allSatisfy({ Characters.digits.contains($0) }) else {
            throw Self.invalid
        }
        return digits.reduce(0) { $0 * 10 + Int($1 & 0x0f) }
    }

    /// Takes any value.
    mutating func skip() throws(WireError) {
        var depth = 0
        repeat {
            skipBlanks()
            guard index < bytes.count else { throw Self.invalid }
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
                let start = index
                while index < bytes.count, Characters.scalar.contains(bytes[index]) { index += 1 }
                guard index > start else { throw Self.invalid }
            }
        } while depth > 0
    }

    /// Takes a string; the range of what is between its quotes.
    private mutating func stringRange() throws(WireError) -> Range<Int> {
        try expect(UInt8(ascii: "\""))
        let start = index
        while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
            guard bytes[index] >= 0x20 else { throw Self.invalid }
            index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
        }
        guard index < bytes.count else { throw Self.invalid }
        index += 1
        return start..<index - 1
    }

    private mutating func skipBlanks() {
        while index < bytes.count, [0x20, 0x0a, 0x0d, 0x09].contains(bytes[index]) { index += 1 }
    }

    private static var invalid: WireError { WireError(.upstreamMalformed, "not the JSON that was expected") }
}
