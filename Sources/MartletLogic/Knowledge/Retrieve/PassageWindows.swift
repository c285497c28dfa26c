/// A passage in pieces of a sentence or two, each under its headings: a vector of a whole passage says what it is on,
/// one of a piece says whether it answers.
public enum PassageWindows {
    /// Of a piece, in characters.
    static let length = 220

    /// One at least.
    public static func of(_ passage: Passage) -> [String] {
        let heading = passage.chunk.headings.joined(separator: " ")
        let document = DocumentText(text: passage.chunk.text)
        let pieces = (try? HeadingSplitter(size: length, overlap: 0)?.split(document).map(\.text)) ?? []
        guard !pieces.isEmpty else { return [heading + " " + passage.chunk.text] }
        return pieces.map { heading.isEmpty ? $0 : heading + "\n" + $0 }
    }
}
