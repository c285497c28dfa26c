/// The bytes that base64 stands for, as the bodies of Celery messages are sent.
public enum Base64 {
    private static let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    /// The value of each byte, those of the alphabet for URLs too; 64: it has none.
    private static let values = {
        var values = [UInt8](repeating: 64, count: 256)
        for (value, letter) in letters.enumerated() { values[Int(letter)] = UInt8(value) }
        values[Int(UInt8(ascii: "-"))] = 62
        values[Int(UInt8(ascii: "_"))] = 63
        return values
    }()

    /// nil: a character that does not belong there, or a length that cannot be. Padding may be missing.
    public static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        let span = text.span
        let values = Self.values
        var end = span.count
        while end > 0, span[end - 1] == UInt8(ascii: "=") { end -= 1 }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(end / 4 * 3 + 2)
        var bits: UInt32 = 0
        for place in 0..<end {
            let value = values[Int(span[place])]
            guard value < 64 else { return nil }
            bits = bits << 6 | UInt32(value)
            guard place & 3 == 3 else { continue }
            decoded.append(UInt8(truncatingIfNeeded: bits >> 16))
            decoded.append(UInt8(truncatingIfNeeded: bits >> 8))
            decoded.append(UInt8(truncatingIfNeeded: bits))
        }
        switch end & 3 {
        case 0: break
        case 2: decoded.append(UInt8(truncatingIfNeeded: bits >> 4))
        case 3:
            decoded.append(UInt8(truncatingIfNeeded: bits >> 10))
            decoded.append(UInt8(truncatingIfNeeded: bits >> 2))
        default: return nil
        }
        return decoded
    }

    /// With padding, as Python writes it.
    static func encode(_ bytes: [UInt8], into text: inout [UInt8]) {
        let letters = Self.letters
        func letter(_ bits: UInt32) -> UInt8 { letters[Int(bits & 0x3f)] }
        var bits: UInt32 = 0
        for (place, byte) in bytes.enumerated() {
            bits = bits << 8 | UInt32(byte)
            guard place % 3 == 2 else { continue }
            text.append(letter(bits >> 18))
            text.append(letter(bits >> 12))
            text.append(letter(bits >> 6))
            text.append(letter(bits))
        }
        switch bytes.count % 3 {
        case 1: text += [letter(bits >> 2), letter(bits << 4), UInt8(ascii: "="), UInt8(ascii: "=")]
        case 2: text += [letter(bits >> 10), letter(bits >> 4), letter(bits << 2), UInt8(ascii: "=")]
        default: break
        }
    }
}
