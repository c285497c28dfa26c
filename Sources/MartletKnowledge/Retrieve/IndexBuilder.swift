import MartletLogic

/// Makes segments of chunks, which come document by document.
struct IndexBuilder {
    private var documents: [IndexDocument] = []
    private var chunks: [Int64] = []
    private var vectors: [[Float]] = []
    private var words = WordIndexBuilder()

    var rows: Int { chunks.count }

    /// Adds a chunk of the document that came last, or of another one.
    ///
    /// - Parameter texts: What it is searched by.
    mutating func add(
        _ chunk: Int64, texts: [String], vector: [Float], of document: Int64, _ name: String,
        _ metadata: @autoclosure () throws -> [String: MetadataValue]
    ) rethrows {
        if documents.last?.number != document {
            documents.append(
                IndexDocument(number: document, name: name, metadata: try metadata(), rows: rows..<rows))
        }
        documents[documents.count - 1].rows = documents[documents.count - 1].rows.lowerBound..<rows + 1
        chunks.append(chunk)
        vectors.append(vector)
        words.add(texts)
    }

    /// What was added since the last time.
    mutating func build() -> IndexSegment {
        defer { self = IndexBuilder() }
        return IndexSegment(
            documents: documents, chunks: chunks,
            vectors: VectorRows(vectors, dimensions: vectors.first?.count ?? 1), words: words.build())
    }
}
