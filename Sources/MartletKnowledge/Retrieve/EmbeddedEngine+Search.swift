package import MartletLogic
import MartletStore

extension EmbeddedEngine {
    /// So often a search is made again whose chunks a change has taken away meanwhile; then no change comes between.
    private static let attempts = 3
    private static let mostPassages = 1000

    package func search(_ query: RetrievalQuery, model: EmbeddingModel?, in base: String) async throws -> [Passage] {
        var query = query
        query.limit = min(query.limit, Self.mostPassages)
        for _ in 0..<Self.attempts {
            let hits = try await lanes.search(query, model: model, in: try index(base))
            let records = try await Self.mapped { try await store.chunks(hits.map(\.chunk)) }
            if records.count == hits.count { return try passages(hits, records, base) }
        }
        let index = try index(base)
        let (hits, records) = try await Self.mapped { [query] in
            try await store.alone { [self] () -> Result<([SearchHit], [Int64: ChunkRecord]), KnowledgeError> in
                let snapshot = index.snapshot
                do throws(KnowledgeError) {
                    try snapshot.check(query, model: model, base: base)
                } catch {
                    return .failure(error)
                }
                var searcher = Searcher(fusion)
                let hits = searcher.answer([query], in: snapshot).first ?? []
                return .success((hits, try store.chunksNow(hits.map(\.chunk))))
            }
        }.get()
        return try passages(hits, records, base)
    }

    private func passages(_ hits: [SearchHit], _ records: [Int64: ChunkRecord], _ base: String) throws -> [Passage] {
        try hits.compactMap { hit in
            try records[hit.chunk].map { record in
                try Passage(record, base: base, metadata: hit.metadata, score: hit.score, why: hit.why)
            }
        }
    }
}
