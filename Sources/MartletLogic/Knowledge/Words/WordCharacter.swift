/// What a character is to a ``WordReader``.
enum WordCharacter: Equatable {
    /// Of a script that is written without blanks, and read two by two.
    case ideograph
    case letter
    case digit
    /// An accent or the like: it belongs to the letter before it.
    case mark
    /// Joins the parts of an identifier, when it stands between them.
    case joint
    case other

    init(_ scalar: Unicode.Scalar) {
        let value = scalar.value
        switch value {
        case 0..<0x80: self = Self.ofASCII(UInt8(truncatingIfNeeded: value))
        // The usual Chinese characters, kana, Hangul.
        case 0x4e00...0x9fff, 0x3041...0x3096, 0x309d...0x309f, 0x30a1...0x30fa, 0x30fc...0x30ff, 0xac00...0xd7a3:
            self = .ideograph
        // Rarer ones, signs that repeat the one before, bopomofo, Hangul letters, half-width kana.
        case 0x3400...0x4dbf, 0x20000...0x3fffd, 0xf900...0xfaff, 0x2e80...0x2fd5, 0x3005...0x3007, 0x3021...0x3029,
            0x3031...0x3035, 0x3038...0x303b, 0x3105...0x318e, 0x31a0...0x31bf, 0x31f0...0x31ff, 0xa960...0xa97c,
            0xff66...0xff9f:
            self = .ideograph
        case 0xff01...0xff5e: self = Self.ofASCII(UInt8(truncatingIfNeeded: value - 0xfee0))
        case 0x2019: self = .joint
        // Punctuation, asked for often.
        case 0x2000...0x206f, 0x3000...0x303f: self = .other
        default: self = Self.ofCategory(scalar.properties.generalCategory)
        }
    }

    /// The ASCII character that a full-width one stands for; any other as it is.
    static func halfWidth(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        guard case 0xff01...0xff5e = scalar.value else { return scalar }
        return Unicode.Scalar(UInt8(truncatingIfNeeded: scalar.value - 0xfee0))
    }

    private static func ofASCII(_ byte: UInt8) -> Self {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): .letter
        case UInt8(ascii: "0")...UInt8(ascii: "9"): .digit
        case UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "'"), UInt8(ascii: "@"),
            UInt8(ascii: "&"), UInt8(ascii: "/"), UInt8(ascii: ":"):
            .joint
        default: .other
        }
    }

    private static func ofCategory(_ category: Unicode.GeneralCategory) -> Self {
        switch category {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: .letter
        case .decimalNumber, .letterNumber, .otherNumber: .digit
        case .nonspacingMark, .spacingMark, .enclosingMark: .mark
        default: .other
        }
    }
}

extension Span<UInt8> {
    /// The character that begins at `index`, and where it ends. A byte that begins none is a blank by itself.
    func scalar(at index: Int) -> (scalar: Unicode.Scalar, end: Int) {
        let lead = self[index]
        guard lead >= 0x80 else { return (Unicode.Scalar(lead), index + 1) }
        let length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2
        let blank = (scalar: Unicode.Scalar(0x20 as UInt8), end: index + 1)
        guard lead >= 0xc2, lead <= 0xf4, index + length <= count else { return blank }
        var value = UInt32(lead) & (0xff >> (UInt32(length) + 1))
        for next in index + 1..<index + length {
            guard self[next] & 0xc0 == 0x80 else { return blank }
            value = value << 6 | UInt32(self[next] & 0x3f)
        }
        guard length == 2 || value >= (length == 3 ? 0x800 : 0x10000) else { return blank }
        return Unicode.Scalar(value).map { ($0, index + length) } ?? blank
    }
}
