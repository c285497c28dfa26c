/// The character classes of RFC 9110 and RFC 3986, and the few bytes that have names.
enum Characters {
    static let tab: UInt8 = 0x09
    static let lineFeed: UInt8 = 0x0a
    static let carriageReturn: UInt8 = 0x0d
    static let space: UInt8 = 0x20

    /// A set of ASCII characters in two words, which beats a table in memory.
    struct Class: Sendable {
        private let low: UInt64
        private let high: UInt64

        init(low: UInt64, high: UInt64) {
            self.low = low
            self.high = high
        }

        @inline(__always)
        func contains(_ byte: UInt8) -> Bool {
            byte < 0x80 && ((byte < 64 ? low : high) >> UInt64(byte & 63)) & 1 == 1
        }

        @inline(__always)
        func containsAll(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Bool {
            for index in range where !contains(bytes[index]) { return false }
            return true
        }
    }

    /// `tchar`: methods, field names, list elements. The words are `!#$%&'*+-.0-9` and `A-Z^_`a-z|~`.
    static let token = Class(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_c7ff_fffe)
    /// `tchar` without `_`, which many servers take for `-`.
    static let requestName = Class(low: 0x03ff_6cfa_0000_0000, high: 0x57ff_ffff_47ff_fffe)
    /// A host name or an IPv4 address: letters, digits, `-`, `.`, `_`.
    static let hostName = Class(low: 0x03ff_6000_0000_0000, high: 0x07ff_fffe_87ff_fffe)
    /// The inside of `[...]`: hexadecimal digits, `:` and `.`.
    static let addressLiteral = Class(low: 0x07ff_4000_0000_0000, high: 0x0000_007e_0000_007e)
    /// Characters that mean the same with and without percent-encoding: letters, digits, `-`, `.`, `_`, `~`.
    static let unreserved = Class(low: 0x03ff_6000_0000_0000, high: 0x47ff_fffe_87ff_fffe)
    /// What JSON numbers and literals are made of: letters, digits, `+`, `-`, `.`.
    static let scalar = Class(low: 0x03ff_6800_0000_0000, high: 0x07ff_fffe_07ff_fffe)
    static let digits = Class(low: 0x03ff_0000_0000_0000, high: 0)

    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool {
        byte == space || byte == tab
    }

    @inline(__always)
    static func isUpper(_ byte: UInt8) -> Bool {
        byte &- 0x41 < 26
    }

    @inline(__always)
    static func lower(_ byte: UInt8) -> UInt8 {
        isUpper(byte) ? byte | 0x20 : byte
    }

    /// The value of a hexadecimal digit, or nil.
    @inline(__always)
    static func hexValue(_ byte: UInt8) -> UInt8? {
        if byte &- 0x30 < 10 { return byte &- 0x30 }
        let letter = byte | 0x20
        return letter &- 0x61 < 6 ? letter &- 0x61 &+ 10 : nil
    }

    /// The upper-case digit for a value below 16.
    static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 &+ value : 0x37 &+ value
    }

    /// Whether `bytes[range]` is exactly `word`.
    static func equals(_ bytes: Span<UInt8>, _ range: Range<Int>, _ word: String) -> Bool {
        guard range.count == word.utf8.count else { return false }
        var index = range.lowerBound
        for byte in word.utf8 {
            if bytes[index] != byte { return false }
            index += 1
        }
        return true
    }

    /// Whether `bytes[range]` spells `word`, in any case of letters.
    static func equalsIgnoringCase(_ bytes: Span<UInt8>, _ range: Range<Int>, _ word: String) -> Bool {
        guard range.count == word.utf8.count else { return false }
        var index = range.lowerBound
        for byte in word.utf8 {
            if lower(bytes[index]) != lower(byte) { return false }
            index += 1
        }
        return true
    }

    /// Whether two runs of bytes are the same but for the case of letters.
    static func equalsIgnoringCase(
        _ left: Span<UInt8>, _ leftRange: Range<Int>, _ right: Span<UInt8>, _ rightRange: Range<Int>
    )
        -> Bool
    {
        guard leftRange.count == rightRange.count else { return false }
        for offset in 0..<leftRange.count
        where lower(left[leftRange.lowerBound + offset]) != lower(right[rightRange.lowerBound + offset]) {
            return false
        }
        return true
    }

    /// `range` without blanks at either end.
    @inline(__always)
    static func trim(_ bytes: Span<UInt8>, _ range: Range<Int>) -> Range<Int> {
        var start = range.lowerBound
        var end = range.upperBound
        while start < end, isBlank(bytes[start]) { start += 1 }
        while end > start, isBlank(bytes[end - 1]) { end -= 1 }
        return start..<end
    }
}
