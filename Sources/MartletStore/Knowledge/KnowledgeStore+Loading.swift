import Foundation
import GRDB

/// A chunk as the index needs it.
package struct IndexedChunk: Sendable {
    package var chunk: ChunkRecord
    package var vector: [Float]
}

extension KnowledgeStore {
    /// Hands over all chunks of a base with their vectors in one state of the store, those of a document together.
    ///
    /// Waits for the disk, for as long as it takes: not on a thread that others need. Called when a change is told, it
    /// sees that change and no later one.
    ///
    /// - Returns: the base in that state.
    package func load(
        _ name: String, _ each: (IndexedChunk) throws -> Void
    ) throws(KnowledgeStoreError) -> BaseRecord {
        try KnowledgeStoreError.mapped { try pool.read { try Self.load(name, $0, each) } }
    }

    private static func load(
        _ name: String, _ database: Database, _ each: (IndexedChunk) throws -> Void
    ) throws -> BaseRecord {
        let base = try base(name, database)
        let rows = try Row.fetchCursor(
            database,
            sql: """
                SELECT chunk.number, document, name, version, metadata, chunk.text, low, high, chunk.marks, value
                FROM document CROSS JOIN chunk ON document.number = document
                CROSS JOIN vector ON vector.chunk = chunk.number AND space = ?
                WHERE base = ? ORDER BY document.number, chunk.number
                """,
            arguments: [base.space.number, base.number])
        while let row = try rows.next() {
            let data: Data = row[9]
            guard let vector = VectorBlob.vector(data, dimensions: base.space.dimensions) else {
                throw KnowledgeStoreError.damaged("a vector of \(name) has \(data.count) bytes")
            }
            try each(IndexedChunk(chunk: try ChunkRecord(row), vector: vector))
        }
        return base
    }
}
