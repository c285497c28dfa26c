import MartletLogic
import MartletStore
import Synchronization

/// What is searched of a base: a snapshot, which changes swap for another one.
final class BaseIndex: Sendable {
    let name: String
    /// ``BaseState/id``
    let id: String
    private let state: Mutex<IndexSnapshot>
    /// Segments are being joined.
    private let merges = Mutex(false)

    init(_ base: BaseRecord, _ snapshot: IndexSnapshot) {
        name = base.name
        // Never used again.
        id = "\(base.number)"
        state = Mutex(snapshot)
    }

    var snapshot: IndexSnapshot { state.withLock { $0 } }

    func apply(_ change: CommittedChange, adding segments: [IndexSegment]) {
        state.withLock { $0.change(to: change.epoch, removing: change.removed, adding: segments) }
    }

    func replace(by snapshot: IndexSnapshot) {
        state.withLock { $0 = snapshot }
    }

    /// Joins what is to be joined until it is good; takes its time. One at a time: others return at once.
    func merge() {
        guard merges.withLock({ merges in
            defer { merges = true }
            return !merges
        }) else { return }
        defer { merges.withLock { $0 = false } }
        while true {
            let current = snapshot
            guard let parts = current.nextMerge else { return }
            let joined = IndexSegment(joining: parts, dimensions: current.space.dimensions)
            state.withLock { $0.replace(parts, by: joined) }
        }
    }
}

extension BaseIndex {
    /// Segments of a base that is read from the store have no more rows: their making takes memory.
    private static let rows = SegmentMerges.mostRows / 2

    /// Reads a base.
    static func load(_ name: String, from store: KnowledgeStore) throws(KnowledgeStoreError) -> IndexSnapshot {
        var builder = IndexBuilder()
        var segments: [IndexSegment] = []
        let base = try store.load(name) { found in
            if builder.rows == rows { segments.append(builder.build()) }
            let record = found.chunk
            let chunk = try KnowledgeMarks.chunk(record.marks, text: record.text, range: record.range)
            try builder.add(
                record.number, texts: texts(chunk), vector: found.vector, of: record.document, record.name,
                try KnowledgeMarks.metadata(record.metadata))
        }
        segments.append(builder.build())
        return IndexSnapshot(epoch: base.epoch, space: base.space, segments: segments)
    }

    /// What of a document that comes can be made before the store has given it its numbers.
    static func prepare(
        _ parts: [PreparedDocument.Part], dimensions: Int
    ) -> [(vectors: VectorRows, words: WordIndex)] {
        stride(from: 0, to: parts.count, by: rows).map { start in
            var words = WordIndexBuilder()
            let some = parts[start..<min(start + rows, parts.count)]
            for part in some { words.add(texts(part.chunk)) }
            return (VectorRows(some.map(\.vector), dimensions: dimensions), words.build())
        }
    }

    /// The segments of a document that came.
    static func segments(
        _ prepared: [(vectors: VectorRows, words: WordIndex)], of change: CommittedChange,
        _ metadata: [String: MetadataValue]
    ) -> [IndexSegment] {
        guard let document = change.document else { return [] }
        var first = change.firstChunk
        return prepared.map { vectors, words in
            defer { first += Int64(vectors.count) }
            return IndexSegment(
                documents: [
                    IndexDocument(
                        number: document.number, name: document.name, metadata: metadata, rows: 0..<vectors.count)
                ],
                chunks: Array(first..<first + Int64(vectors.count)), vectors: vectors, words: words)
        }
    }

    /// What a chunk is searched by.
    static func texts(_ chunk: Chunk) -> [String] { chunk.headings + [chunk.text] }
}
