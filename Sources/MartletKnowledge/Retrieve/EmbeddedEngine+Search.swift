package import MartletLogic
import MartletStore

extension EmbeddedEngine {
    /// Changes that take away what was just found come one after the other; a search does not run after them for ever.
    private static let attempts = 8
    private static let mostPassages = 1000

    package func search(_ query: RetrievalQuery, model: EmbeddingModel?, in base: String) async throws -> [Passage] {
        var query = query
        query.limit = min(query.limit, Self.mostPassages)
        var passages: [Passage] = []
        for _ in 0..<Self.attempts {
            let index = try index(base)
            let hits = try await lanes.search(query, model: model, in: index)
            let records = try await Self.mapped { try await store.chunks(hits.map(\.chunk)) }
            passages = try hits.compactMap { hit in
                try records[hit.chunk].map { record in
                    try Passage(record, base: base, metadata: hit.metadata, score: hit.score, why: hit.why)
                }
            }
            if passages.count == hits.count { return passages }
            // A change took a chunk away that this snapshot still has: what it put in its place is about to be seen.
            try await Self.mapped { try await store.settle() }
        }
        return passages
    }

    package func scores(
        _ query: RetrievalQuery, of chunks: [ChunkID], in base: String
    ) async throws -> [ChunkID: Double] {
        let snapshot = try index(base).snapshot
        try snapshot.check(query, model: nil, base: base)
        let scores = Searcher(fusion).scores(query, of: chunks.map(\.number), in: snapshot)
        return Dictionary(uniqueKeysWithValues: scores.map { (ChunkID($0.key), $0.value) })
    }
}
