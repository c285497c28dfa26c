/// The text of a JSON string from the bytes between its quotes.
enum JSONString {
    /// Nil for an invalid escape, a lone surrogate or bytes that are not UTF-8.
    static func decode(_ bytes: ArraySlice<UInt8>) -> String? {
        let span = bytes.span
        var isPlain = true
        var isASCII = true
        for place in span.indices {
            isPlain = isPlain && span[place] != 0x5c
            isASCII = isASCII && span[place] < 0x80
        }
        guard isPlain else { return decode(escaped: Array(bytes)) }
        // Validation costs; names are ASCII as a rule.
        return isASCII ? String(decoding: bytes, as: UTF8.self) : String(validating: bytes, as: UTF8.self)
    }

    private static func decode(escaped bytes: [UInt8]) -> String? {
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard bytes[index] == 0x5c else {
                decoded.append(bytes[index])
                index += 1
                continue
            }
            guard index + 1 < bytes.count else { return nil }
            if bytes[index + 1] == 0x75 {
                guard let (scalar, length) = unicodeEscape(bytes, at: index) else { return nil }
                decoded.append(contentsOf: String(Character(scalar)).utf8)
                index += length
            } else {
                guard let byte = simpleEscape(bytes[index + 1]) else { return nil }
                decoded.append(byte)
                index += 2
            }
        }
        return String(validating: decoded, as: UTF8.self)
    }

    /// How many Unicode scalars the text has, without decoding it. A lone surrogate counts as one.
    static func length(_ bytes: [UInt8]) -> Int {
        var length = 0
        var index = 0
        while index < bytes.count {
            // All but the later bytes of a character in UTF-8.
            if bytes[index] & 0xc0 != 0x80 { length += 1 }
            if bytes[index] != 0x5c {
                index += 1
            } else if index + 1 < bytes.count, bytes[index + 1] == 0x75 {
                index += unicodeEscape(bytes, at: index)?.length ?? 6
            } else {
                index += 2
            }
        }
        return length
    }

    private static func simpleEscape(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x22, 0x5c, 0x2f: byte
        case 0x62: 0x08
        case 0x66: 0x0c
        case 0x6e: 0x0a
        case 0x72: 0x0d
        case 0x74: 0x09
        default: nil
        }
    }

    /// `\uXXXX`, or two of them that form a surrogate pair.
    private static func unicodeEscape(_ bytes: [UInt8], at index: Int) -> (scalar: Unicode.Scalar, length: Int)? {
        guard let first = codeUnit(bytes, at: index) else { return nil }
        if let scalar = Unicode.Scalar(first) { return (scalar, 6) }
        guard 0xd800..<0xdc00 ~= first, let second = codeUnit(bytes, at: index + 6), 0xdc00..<0xe000 ~= second,
            let scalar = Unicode.Scalar(0x10000 + (UInt32(first) - 0xd800) << 10 + (UInt32(second) - 0xdc00))
        else { return nil }
        return (scalar, 12)
    }

    private static func codeUnit(_ bytes: [UInt8], at index: Int) -> UInt16? {
        guard index + 6 <= bytes.count, bytes[index] == 0x5c, bytes[index + 1] == 0x75 else { return nil }
        var unit: UInt16 = 0
        for digit in bytes[(index + 2)..<(index + 6)] {
            guard let value = Characters.hexValue(digit) else { return nil }
            unit = unit << 4 | UInt16(value)
        }
        return unit
    }
}
