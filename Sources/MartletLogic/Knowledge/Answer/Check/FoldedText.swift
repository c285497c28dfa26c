/// A text as it is compared: full-width forms narrow, letters small, dashes and blanks of one kind. One scalar for each
/// of the text's own, so that offsets are the same.
struct FoldedText: Sendable {
    /// Narrow, capitals kept.
    let narrow: [Unicode.Scalar]
    /// Narrow and small.
    private(set) var scalars: [Unicode.Scalar]

    var count: Int { scalars.count }

    init(_ text: some StringProtocol) {
        narrow = text.unicodeScalars.map(Self.narrowed)
        scalars = narrow.map(Self.small)
    }

    subscript(index: Int) -> Unicode.Scalar? { scalars.indices.contains(index) ? scalars[index] : nil }

    /// As it is written, for people.
    func text(_ range: Range<Int>) -> String {
        var text = String.UnicodeScalarView()
        text.append(contentsOf: narrow[range])
        return String(text)
    }

    /// What is not to be compared becomes blank, at its place.
    mutating func blank(_ range: Range<Int>) {
        for index in range where scalars[index] != "\n" { scalars[index] = " " }
    }

    /// Whether `word` (narrow, small) stands at `index`.
    func has(_ word: [Unicode.Scalar], at index: Int) -> Bool {
        guard index >= 0, index + word.count <= scalars.count else { return false }
        for offset in word.indices where scalars[index + offset] != word[offset] { return false }
        return true
    }

    private static func narrowed(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        switch scalar.value {
        case 0x09, 0xa0, 0x2002...0x200a, 0x202f, 0x205f, 0x3000: " "
        case 0x2010...0x2015, 0x2212, 0xff0d: "-"
        case 0x2018, 0x2019: "'"
        // The Chinese comma separates, it does not group digits.
        case 0xff0c: scalar
        case 0xff01...0xff5e: Unicode.Scalar(scalar.value - 0xfee0) ?? scalar
        case 0xffe5: "¥"
        default: scalar
        }
    }

    private static func small(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        if scalar.isASCII {
            return 0x41...0x5a ~= scalar.value ? Unicode.Scalar(scalar.value + 0x20) ?? scalar : scalar
        }
        guard !scalar.isDense, scalar.properties.isUppercase else { return scalar }
        let small = scalar.properties.lowercaseMapping.unicodeScalars
        return small.count == 1 ? small.first ?? scalar : scalar
    }
}

extension Unicode.Scalar {
    /// Of a script that writes no blanks between words.
    var isDense: Bool {
        switch value {
        case 0x3005, 0x3007, 0x3040...0x30ff, 0x3400...0x4dbf, 0x4e00...0x9fff, 0xac00...0xd7af, 0xf900...0xfaff,
            0x20000...0x323af:
            true
        default: false
        }
    }

    var isHan: Bool { isDense && !(0x3040...0x30ff ~= value) && !(0xac00...0xd7af ~= value) }

    var isDigit: Bool { 0x30...0x39 ~= value }
    var isCapital: Bool { 0x41...0x5a ~= value }
    var isLatin: Bool { 0x41...0x5a ~= value || 0x61...0x7a ~= value }
    var isLatinOrDigit: Bool { isLatin || isDigit }

    /// Of a word that blanks or marks end.
    var isLetter: Bool { isLatin || (!isASCII && !isDense && properties.isAlphabetic) }

    var isBlank: Bool { self == " " || self == "\n" || self == "\r" || self == "\t" }
}

extension StringProtocol {
    var scalarArray: [Unicode.Scalar] { Array(unicodeScalars) }
}
