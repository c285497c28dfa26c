import MartletLogic

/// A document as the index knows it.
struct IndexDocument: Sendable {
    var number: Int64
    var name: String
    var metadata: [String: MetadataValue]
    /// Of its segment; at least one: what has no chunks is not searched.
    var rows: Range<Int>
}

/// Some documents' chunks, searchable. Never changes: which of its documents are still there, those who hold it know.
final class IndexSegment: Sendable {
    let documents: [IndexDocument]
    /// The chunk of each row.
    let chunks: [Int64]
    let vectors: VectorRows
    let words: WordIndex
    /// By document: one that is long may have come in pieces, which are side by side here.
    private let places: [Int64: [Int]]

    init(documents: [IndexDocument], chunks: [Int64], vectors: VectorRows, words: WordIndex) {
        self.documents = documents
        self.chunks = chunks
        self.vectors = vectors
        self.words = words
        places = Dictionary(documents.enumerated().map { ($1.number, [$0]) }, uniquingKeysWith: +)
    }

    /// One of several, without the rows that are gone.
    convenience init(joining parts: [LiveSegment], dimensions: Int) {
        var (documents, chunks): ([IndexDocument], [Int64]) = ([], [])
        var kept: [[Range<Int>]] = []
        for part in parts {
            var ranges: [Range<Int>] = []
            for document in part.segment.documents where part.holds(document) {
                var moved = document
                moved.rows = chunks.count..<chunks.count + document.rows.count
                documents.append(moved)
                chunks += part.segment.chunks[document.rows]
                ranges.append(document.rows)
            }
            kept.append(ranges)
        }
        self.init(
            documents: documents, chunks: chunks,
            vectors: VectorRows(
                joining: zip(parts, kept).map { ($0.segment.vectors, $1) }, dimensions: dimensions),
            words: WordIndex(joining: parts.map { ($0.segment.words, $0.live) }))
    }

    /// Its pieces; empty: it is not in this segment.
    func pieces(of number: Int64) -> [IndexDocument] { (places[number] ?? []).map { documents[$0] } }

    /// Whose row it is.
    func document(ofRow row: Int) -> IndexDocument {
        var (low, high) = (0, documents.count - 1)
        while low < high {
            let middle = (low + high + 1) / 2
            if documents[middle].rows.lowerBound <= row { low = middle } else { high = middle - 1 }
        }
        return documents[low]
    }
}

/// A segment, and which of its rows are there.
struct LiveSegment: Sendable {
    let segment: IndexSegment
    private(set) var live: RowSet
    /// How many terms the live rows have.
    private(set) var length: Int

    init(_ segment: IndexSegment) {
        self.segment = segment
        live = RowSet(rows: segment.chunks.count, full: true)
        length = segment.words.lengths.reduce(0) { $0 + Int($1) }
    }

    var words: WordPart { WordPart(index: segment.words, live: live, length: length) }

    func holds(_ document: IndexDocument) -> Bool {
        live.contains(document.rows.lowerBound)
    }

    /// Nothing, when it is not here.
    mutating func remove(_ number: Int64) {
        for document in segment.pieces(of: number) where holds(document) {
            live.remove(document.rows)
            for row in document.rows { length -= Int(segment.words.lengths[row]) }
        }
    }

    /// The live rows of documents that fit.
    func admitted(_ filter: DocumentFilter) -> RowSet {
        var rows = RowSet(rows: segment.chunks.count, full: false)
        for document in segment.documents
        where holds(document) && filter.fits(name: document.name, document.metadata) {
            rows.insert(document.rows)
        }
        return rows
    }
}
