/// A piece of a document that is found and cited as one.
public struct Chunk: Sendable, Equatable, Codable {
    /// What is searched, and shown to the model: that of the document, but for blanks that a splitter squeezed and a
    /// title it put in front.
    public var text: String
    /// What it covers of ``DocumentText/text``, in Unicode scalars.
    public var range: Range<Int>
    /// Where it begins; nil: the document has no places.
    public var place: DocumentPlace?
    /// The headings it stands under, the outermost first.
    public var headings: [String]

    public init(text: String, range: Range<Int>, place: DocumentPlace? = nil, headings: [String] = []) {
        self.text = text
        self.range = range
        self.place = place
        self.headings = headings
    }

    /// Its headings in one line, and below them what it says: the lines of headings that it begins with are not said
    /// twice.
    public var underHeadings: String {
        guard !headings.isEmpty else { return text }
        var rest = text[...]
        while true {
            rest = rest.drop(while: \.isWhitespace)
            let line = rest.prefix { !$0.isNewline }
            let title = line.drop { $0 == "#" || $0 == " " }
            guard !title.isEmpty, headings.contains(where: { $0 == title }) else { break }
            rest = rest.dropFirst(line.count)
        }
        return headings.joined(separator: " ") + "\n" + rest
    }
}
