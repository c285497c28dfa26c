/// Text of documents and models on a terminal: it moves no cursor, and is no wider than it may be.
enum TerminalText {
    /// Without control characters but line ends and tabs.
    static func safe(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.filter { $0 == "\n" || $0 == "\t" || !isControl($0) }))
    }

    /// On one line: blanks and line ends in a row are one blank.
    static func oneLine(_ text: String, atMost count: Int = .max) -> String {
        let line = safe(text).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        return line.count > count ? line.prefix(count) + "…" : line
    }

    /// As many characters as fit; the last one is `…` where some do not.
    static func cut(_ line: String, columns: Int) -> String {
        guard width(line) > columns else { return line }
        var (left, result) = (columns - 1, "")
        for character in line {
            left -= width(character)
            guard left >= 0 else { break }
            result.append(character)
        }
        return result + "…"
    }

    static func width(_ line: String) -> Int { line.reduce(0) { $0 + width($1) } }

    /// Chinese, Japanese, Korean and pictures take two columns.
    private static func width(_ character: Character) -> Int {
        switch character.unicodeScalars.first?.value ?? 0 {
        case 0x1100...0x115f, 0x2e80...0xa4cf, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe30...0xfe6f, 0xff00...0xff60,
            0xffe0...0xffe6, 0x1f300...0x1faff, 0x20000...0x3fffd: 2
        default: 1
        }
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }
}
