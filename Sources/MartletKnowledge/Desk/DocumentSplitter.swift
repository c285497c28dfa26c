import MartletLogic

/// How a document's text becomes chunks, as its sender wants it.
struct DocumentSplitter {
    /// A text that has more is refused: a mistake or an attack, and nothing anybody could look through.
    static let mostChunks = 1_000_000

    /// What is the same for the same chunks of a file: part of what tells whether a document is there already.
    let name: String
    private let options: IngestOptions

    init(_ options: IngestOptions) throws {
        self.options = options
        if let given = options.given {
            name = "given \(try ContentHash.hexadecimal(of: given))"
            return
        }
        name =
            switch options.splitting {
            case .chatchat(let size, let overlap, let titles): "chatchat \(size)/\(overlap)\(titles ? " titles" : "")"
            case .headings(let size, let overlap): "headings \(size)/\(overlap)"
            }
    }

    /// - Throws: `KnowledgeError.invalid` for sizes that cannot be, `tooLarge`.
    func split(_ document: DocumentText) throws(KnowledgeError) -> [Chunk] {
        let chunks = try chunks(document)
        guard chunks.count <= Self.mostChunks else {
            throw KnowledgeError(.tooLarge, "The document has more than \(Self.mostChunks) chunks.")
        }
        return chunks
    }

    private func chunks(_ document: DocumentText) throws(KnowledgeError) -> [Chunk] {
        if let given = options.given { return Self.placed(given, in: document) }
        switch options.splitting {
        case .chatchat(let size, let overlap, let titles):
            guard let splitter = ChatchatSplitter(size: size, overlap: overlap, titles: titles) else { break }
            return splitter.split(document)
        case .headings(let size, let overlap):
            guard let splitter = HeadingSplitter(size: size, overlap: overlap) else { break }
            return splitter.split(document)
        }
        throw KnowledgeError(
            .invalid, "A chunk has at least one character, and more than it shares with its neighbour.")
    }

    /// Chunks that somebody made by hand, found again in the text that they were joined to.
    private static func placed(_ given: [String], in document: DocumentText) -> [Chunk] {
        let scalars = Array(document.text.unicodeScalars)
        var start = 0
        return given.compactMap { text in
            let wanted = Array(text.unicodeScalars)
            guard !wanted.isEmpty else { return nil }
            let found = position(of: wanted, in: scalars, from: start) ?? min(start, scalars.count)
            let end = min(found + wanted.count, scalars.count)
            start = end
            return Chunk(text: text, range: found..<end)
        }
    }

    private static func position(
        of wanted: [Unicode.Scalar], in scalars: [Unicode.Scalar], from start: Int
    ) -> Int? {
        guard wanted.count <= scalars.count else { return nil }
        return (start...max(start, scalars.count - wanted.count)).first { place in
            place + wanted.count <= scalars.count && scalars[place..<place + wanted.count].elementsEqual(wanted)
        }
    }
}
