/// A source that an answer may cite: what was found, as it stands in its document.
public struct CitationSource: Sendable {
    /// What a citation of it may show.
    let text: FoldedText
    /// Of the text's first scalar, in the document.
    let offset: Int
    /// What a citation covers where the text is not the document's own, scalar for scalar: all of it.
    let whole: Range<Int>?
    /// The headings it stands under, and the document's title: they say what it is about, and are no proof.
    let context: [String]

    /// - Parameter document: nil: it cannot be read any more, or not now; what is cited is the whole chunk then.
    public init(_ passage: Passage, of document: DocumentText?) {
        let slice = document.flatMap { Self.slice($0.text, passage.chunk.range) }
        self.init(passage, text: slice.map { String($0) }, title: document?.title)
    }

    /// - Parameters:
    ///   - excerpt: What the document has at the chunk's range; nil: as above.
    ///   - title: The document's.
    public init(_ passage: Passage, text excerpt: String?, title: String?) {
        let range = passage.chunk.range
        context = passage.chunk.headings + (title.map { [$0] } ?? [])
        if let excerpt {
            (text, offset, whole) = (FoldedText(excerpt), range.lowerBound, nil)
        } else {
            (text, offset, whole) = (FoldedText(passage.chunk.text), 0, range)
        }
    }

    private static func slice(_ text: String, _ range: Range<Int>) -> Substring? {
        let scalars = text.unicodeScalars
        guard range.lowerBound >= 0,
            let start = scalars.index(scalars.startIndex, offsetBy: range.lowerBound, limitedBy: scalars.endIndex),
            let end = scalars.index(start, offsetBy: range.count, limitedBy: scalars.endIndex)
        else { return nil }
        return Substring(scalars[start..<end])
    }

    /// A part of ``text`` as a part of the document.
    func range(of part: Range<Int>) -> Range<Int> {
        whole ?? part.lowerBound + offset..<part.upperBound + offset
    }
}

/// A sentence of a source, as it is compared.
struct SourceSpan: Sendable {
    /// Of the sources, from 0.
    var source: Int
    /// Of the source's text.
    var range: Range<Int>
    var terms: Set<UInt64>
    var details: Set<Detail.Value>

    init(source: Int, range: Range<Int>, of text: FoldedText) {
        (self.source, self.range) = (source, range)
        let read = DetailReader.read(text, in: range)
        var rest = text
        for detail in read { rest.blank(detail.range) }
        terms = Set(TermReader.read(rest, in: range).map(\.key))
        details = Set(read.map(\.value) + SourceSpan.parts(of: read, in: text))
    }

    /// ISO-9001 is also found as ISO 9001, and the other way round.
    private static func parts(of details: [Detail], in text: FoldedText) -> [Detail.Value] {
        var parts: [Detail.Value] = []
        for (index, detail) in details.enumerated() {
            guard case .name(let name) = detail.value else { continue }
            let letters = name.unicodeScalars.prefix(while: \.isLatin)
            let digits = name.unicodeScalars.dropFirst(letters.count)
            if !letters.isEmpty, !digits.isEmpty, digits.allSatisfy(\.isDigit), digits.count <= 9 {
                parts.append(.name(String(letters)))
                if let number = Int(String(digits)) { parts.append(.number(Numeral(number), unit: nil)) }
            } else if digits.isEmpty, index + 1 < details.count,
                case .number(let number, nil) = details[index + 1].value,
                details[index + 1].range.lowerBound == detail.range.upperBound + 1, let whole = number.whole
            {
                parts.append(.name("\(name)\(whole)"))
            }
        }
        return parts
    }
}
