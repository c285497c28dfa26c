/// `[1]`, `[1, 3]`, `【2】`, `[^1]`, `[来源 2]`: what a sentence says that it rests on.
struct CitationMark: Sendable, Equatable {
    var sources: [Int]
    var range: Range<Int>

    private static let words = ["来源", "资料", "出处", "source", "sources", "ref", "^"].map(\.scalarArray)

    private static let separators = Set<Unicode.Scalar>(",，、; -".unicodeScalars)

    /// The mark that begins at `start`; nil: none does.
    static func read(_ text: FoldedText, at start: Int) -> CitationMark? {
        guard let opening = text[start], opening == "[" || opening == "【" else { return nil }
        let closing: Unicode.Scalar = opening == "[" ? "]" : "】"
        var index = start + 1
        if let word = words.first(where: { text.has($0, at: index) }) { index += word.count }
        var sources: [Int] = []
        var number: Int?
        while let scalar = text[index], index - start < 40 {
            if scalar.isDigit {
                // No answer has so many sources: whatever is above stays unknown.
                number = min((number ?? 0) * 10 + Int(scalar.value - 0x30), 1_000_000)
            } else if separators.contains(scalar) {
                if let read = number { sources.append(read) }
                number = nil
            } else if scalar == closing {
                if let read = number { sources.append(read) }
                return sources.isEmpty ? nil : CitationMark(sources: sources, range: start..<index + 1)
            } else {
                return nil
            }
            index += 1
        }
        return nil
    }

    /// All of a sentence; those between back quotes are code.
    static func all(in text: FoldedText, _ range: Range<Int>) -> [CitationMark] {
        var marks: [CitationMark] = []
        var index = range.lowerBound
        var isCode = false
        while index < range.upperBound {
            if text.scalars[index] == "`" { isCode.toggle() }
            if !isCode, let mark = read(text, at: index), mark.range.upperBound <= range.upperBound {
                marks.append(mark)
                index = mark.range.upperBound
            } else {
                index += 1
            }
        }
        return marks
    }
}
