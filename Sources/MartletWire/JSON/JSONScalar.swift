/// A JSON value that is no array and no object: what it is, and its bytes as they stand in the text.
struct JSONScalar {
    enum Kind: Equatable {
        case null
        case bool(Bool)
        /// A number without fraction and exponent.
        case integer
        case number
        case string(String)
    }

    let kind: Kind
    /// A string with its quotes.
    let bytes: ArraySlice<UInt8>

    init(_ kind: Kind, bytes: ArraySlice<UInt8>) {
        self.kind = kind
        self.bytes = bytes
    }

    /// nil: neither a literal nor a number of JSON, which knows no infinity and no leading zeros.
    init?(_ bytes: ArraySlice<UInt8>) {
        switch bytes.count {
        case 4 where bytes.spells("true"): self.init(.bool(true), bytes: bytes)
        case 5 where bytes.spells("false"): self.init(.bool(false), bytes: bytes)
        case 4 where bytes.spells("null"): self.init(.null, bytes: bytes)
        default:
            guard let isWhole = Self.isWholeNumber(bytes) else { return nil }
            self.init(isWhole ? .integer : .number, bytes: bytes)
        }
    }

    /// Whether a number is one that most programs can hold.
    var isFinite: Bool { Double(text)?.isFinite ?? false }

    /// Of a number.
    var text: String { String(decoding: bytes, as: UTF8.self) }

    /// nil: no number.
    private static func isWholeNumber(_ bytes: ArraySlice<UInt8>) -> Bool? {
        var rest = bytes
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        guard let first = rest.first, takeDigits(&rest) else { return nil }
        if first == UInt8(ascii: "0"), let second = bytes.drop(while: { $0 == UInt8(ascii: "-") }).dropFirst().first,
            Characters.digits.contains(second)
        {
            return nil
        }
        if rest.isEmpty { return true }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard takeDigits(&rest) else { return nil }
        }
        if let letter = rest.first, letter | 0x20 == UInt8(ascii: "e") {
            rest.removeFirst()
            if let sign = rest.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { rest.removeFirst() }
            guard takeDigits(&rest) else { return nil }
        }
        return rest.isEmpty ? false : nil
    }

    /// Takes what digits there are; false: none.
    private static func takeDigits(_ rest: inout ArraySlice<UInt8>) -> Bool {
        let count = rest.prefix { Characters.digits.contains($0) }.count
        rest.removeFirst(count)
        return count > 0
    }
}
