import MartletLogic
import Synchronization

/// A chunk as its record has it.
struct ChunkRow: Sendable {
    var place: ChunkPlace
    var chunk: Chunk
    var vector: [Float]
}

/// Chunks that were asked for lately: a record never changes.
final class ChunkRows: Sendable {
    private struct Key: Hashable {
        var space: String
        var place: ChunkPlace
    }

    private struct State {
        var rows: [Key: ChunkRow] = [:]
        /// About, in bytes.
        var size = 0
    }

    private static let greatestSize = 64 << 20
    private let state = Mutex(State())

    /// Those of the chunks that are there.
    func rows(
        _ places: [ChunkPlace], in space: VectorSpace, _ server: ChromaServer
    ) async throws -> [ChunkPlace: ChunkRow] {
        var rows = state.withLock { state in
            places.reduce(into: [ChunkPlace: ChunkRow]()) { $0[$1] = state.rows[Key(space: space.id, place: $1)] }
        }
        let unknown = places.filter { rows[$0] == nil }
        guard !unknown.isEmpty else { return rows }
        let found = try await server.get(unknown.map(\.id), from: space.id, vectors: true, as: ChunkMetadata.self)
        let fetched = try zip(found.metadatas ?? [], found.embeddings ?? []).map { metadata, vector in
            ChunkRow(place: metadata.place, chunk: try metadata.chunk(), vector: vector)
        }
        for row in fetched { rows[row.place] = row }
        state.withLock { state in
            for row in fetched { Self.keep(row, Key(space: space.id, place: row.place), &state) }
        }
        return rows
    }

    private static func keep(_ row: ChunkRow, _ key: Key, _ state: inout State) {
        if state.size > greatestSize { state = State() }
        guard state.rows.updateValue(row, forKey: key) == nil else { return }
        state.size += row.vector.count * 4 + row.chunk.text.utf8.count * 2 + 400
    }
}

extension Passage {
    /// - Parameter document: Of which it is a chunk.
    init(
        _ row: ChunkRow, of document: LedgerBase.Document, in base: LedgerBase, score: Double = 1, why: Why = Why()
    ) {
        self.init(
            id: document.id(row.place.index), document: base.version(document), chunk: row.chunk,
            metadata: document.metadata, score: score, why: why)
    }
}
