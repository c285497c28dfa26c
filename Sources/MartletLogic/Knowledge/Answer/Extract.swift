/// The best passages as they are, in place of an answer: each with its number and its citation.
public struct Extract: Sendable, Equatable {
    public private(set) var text = ""
    /// One for each passage: what is shown of it, borne out by itself.
    public private(set) var citations: [CheckedSentence] = []

    /// - Parameters:
    ///   - passages: The best first.
    ///   - count: At most so many of them.
    ///   - length: Of each, in Unicode scalars; what is longer is cut.
    ///   - start: Where this begins in the whole answer's text, in Unicode scalars.
    public init(_ passages: [Passage], count: Int = 3, length: Int = 600, at start: Int = 0) {
        var offset = start
        func add(_ part: String, to text: inout String) -> Range<Int> {
            let begin = offset
            text += part
            offset += part.unicodeScalars.count
            return begin..<offset
        }
        for (index, passage) in passages.prefix(count).enumerated() {
            _ = add(index == 0 ? "" : "\n\n", to: &text)
            _ = add("[\(index + 1)] \(passage.heading)\n", to: &text)
            let scalars = passage.chunk.text.unicodeScalars
            let shown = String(String.UnicodeScalarView(scalars.prefix(length)))
            let range = add(shown, to: &text)
            if scalars.count > length { _ = add("…", to: &text) }
            let citation = CheckedSentence.Citation(source: index + 1, range: passage.chunk.range)
            citations.append(CheckedSentence(range: range, citations: [citation]))
        }
    }
}
