import MartletLogic

/// How a document's text becomes chunks, as its sender wants it.
struct DocumentSplitter {
    /// A text that has more is refused: a mistake or an attack, and nothing anybody could look through.
    static let mostChunks = ChunkBudget.mostChunks

    private let options: IngestOptions

    init(_ options: IngestOptions) { self.options = options }

    /// What is the same for the same chunks and the same names of what is said of the document: part of what tells
    /// whether it is there already. With its values alone nobody would know that one of them is said no more.
    func making(_ metadata: [String: MetadataValue]) throws -> String {
        ([try name()] + metadata.keys.sorted()).joined(separator: "\u{1f}")
    }

    private func name() throws -> String {
        if let given = options.given { return "given " + (try ContentHash.digits(of: given)) }
        return switch options.splitting {
        case .chatchat(let size, let overlap, let titles): "chatchat \(size)/\(overlap)\(titles ? " titles" : "")"
        case .headings(let size, let overlap): "headings \(size)/\(overlap)"
        }
    }

    /// The text of a document whose chunks were made by hand.
    static func text(of given: [String]) -> DocumentText {
        DocumentText(text: TextBuilder.text(given.joined(separator: between)))
    }

    private static let between = "\n\n"

    /// - Throws: `KnowledgeError.invalid` for sizes that cannot be, `tooLarge`.
    func split(_ document: DocumentText) throws(KnowledgeError) -> [Chunk] {
        let chunks = try chunks(document)
        guard chunks.count <= Self.mostChunks else {
            throw KnowledgeError(.tooLarge, "The document has more than \(Self.mostChunks) chunks.")
        }
        return chunks
    }

    private func chunks(_ document: DocumentText) throws(KnowledgeError) -> [Chunk] {
        if let given = options.given { return Self.placed(given) }
        switch options.splitting {
        case .chatchat(let size, let overlap, let titles):
            guard let splitter = ChatchatSplitter(size: size, overlap: overlap, titles: titles) else { break }
            return try Self.bounded { () throws(ChunkExcess) in try splitter.split(document) }
        case .headings(let size, let overlap):
            guard let splitter = HeadingSplitter(size: size, overlap: overlap) else { break }
            return try Self.bounded { () throws(ChunkExcess) in try splitter.split(document) }
        }
        throw KnowledgeError(
            .invalid, "A chunk has at least one character, and more than it shares with its neighbour.")
    }

    private static func bounded(_ split: () throws(ChunkExcess) -> [Chunk]) throws(KnowledgeError) -> [Chunk] {
        do { return try split() } catch { throw KnowledgeError(.tooLarge, error.message) }
    }

    /// Each at its place in ``text(of:)``.
    private static func placed(_ given: [String]) -> [Chunk] {
        var start = 0
        return given.compactMap { text in
            let end = start + text.unicodeScalars.count
            defer { start = end + between.unicodeScalars.count }
            return start < end ? Chunk(text: TextBuilder.text(text), range: start..<end) : nil
        }
    }
}

extension ChunkExcess {
    fileprivate var message: String {
        switch self {
        case .pieces: "The document has more than \(ChunkBudget.mostPieces) sentences, lines or rows."
        case .chunks: "The document has more than \(ChunkBudget.mostChunks) chunks."
        case .repetition: "Chunks that share so much with their neighbours have the document's text many times over."
        }
    }
}
