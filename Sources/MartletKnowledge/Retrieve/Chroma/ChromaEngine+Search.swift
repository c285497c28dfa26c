import MartletBase
package import MartletLogic
import MartletNet
import MartletStore
import MartletWire

extension ChromaEngine {
    private static let mostPassages = 1000
    /// Words of a question that are looked for: each of them is a request.
    private static let mostTerms = 32
    /// Writes that a request names: above that, what does not fit is left out of what it found.
    private static let mostNamed = 2000
    private static let mostNear = 8192

    package func search(_ query: RetrievalQuery, model: EmbeddingModel?, in base: String) async throws -> [Passage] {
        var query = query
        query.limit = min(query.limit, Self.mostPassages)
        return try await reading(base) { [query] base in
            try base.check(model, vector: query.vector)
            let admitted = query.filter.map { filter in
                Set(base.documents.values.filter { filter.fits(name: $0.line.name, $0.metadata) }.map(\.line.write))
            }
            let terms = WordQuery(query.text, atMost: Self.mostTerms)
            async let near = near(query, in: base, admitted)
            let begin = Instant.current
            let counts = try await words.counts(of: terms, in: base, server)
            let said = said(query, counts, in: base, admitted)
            meter.searched(.words, since: begin)
            let candidates = try await Candidates(Set(near).union(said), base, rows, server)
            var searcher = Searcher(settings.fusion)
            let hits = searcher.answer(
                [query], in: candidates.snapshot, terms: Self.mostTerms, corpus: Self.corpus(counts, of: base))
            return (hits.first ?? []).compactMap { hit in
                candidates.passage(ChunkID(hit.chunk), in: base, score: hit.score, why: hit.why)
            }
        }
    }

    private func depth(_ query: RetrievalQuery) -> Int { max(settings.fusion.depth, query.limit) }

    private static func corpus(_ counts: [WordCounts.Count], of base: LedgerBase) -> WordCorpus {
        WordCorpus(rows: base.chunks, length: base.terms, holding: counts.map(\.holding))
    }

    /// The chunks whose vectors are nearest, as the server's graph finds them.
    ///
    /// - Parameter admitted: Writes that fit; nil: all that are of the base.
    private func near(
        _ query: RetrievalQuery, in base: LedgerBase, _ admitted: Set<Int>?
    ) async throws -> [ChunkPlace] {
        guard let vector = query.vector, base.chunks > 0, admitted?.isEmpty != true else { return [] }
        let begin = Instant.current
        var filter: JSONValue?
        if let admitted {
            let others = base.documents.count - admitted.count
            let isShort = admitted.count <= Self.mostNamed
            if isShort || others <= Self.mostNamed {
                let named = isShort ? admitted : Set(base.documents.keys).subtracting(admitted)
                filter = ChromaServer.among(
                    "write", named.sorted().map { .integer(Int64($0)) }, not: !isShort)
            }
        }
        let depth = depth(query)
        // Records of versions that are not shown any more, or not yet, are among them.
        var count = depth + 32
        while true {
            let found = try await server.nearest(vector, atMost: count, where: filter, in: base.space.id)
            let fitting = found.compactMap { ChunkPlace(id: $0) }.filter { place in
                admitted?.contains(place.write) ?? (base.documents[place.write] != nil)
            }
            if fitting.count >= depth || found.count < count || count >= Self.mostNear {
                meter.searched(.vectors, since: begin)
                return Array(fitting.prefix(depth))
            }
            count = min(count * 4, Self.mostNear)
        }
    }

    /// The chunks that have most of the question's words, by what those are worth: more than are wanted, for how often
    /// they have them, and how long they are, is not known yet.
    private func said(
        _ query: RetrievalQuery, _ counts: [WordCounts.Count], in base: LedgerBase, _ admitted: Set<Int>?
    ) -> [ChunkPlace] {
        let bm25 = settings.fusion.bm25
        var worth: [ChunkPlace: Double] = [:]
        // The rare ones first: what has none of them is not looked at once there is enough.
        for count in counts.sorted(by: { $0.holding < $1.holding }) {
            let weight = bm25.rarity(holding: count.holding, of: base.chunks)
            for place in count.places where admitted?.contains(place.write) ?? true {
                if worth[place] != nil || worth.count < WordCounts.mostListed { worth[place, default: 0] += weight }
            }
        }
        let depth = depth(query)
        let order = worth.compactMap { place, worth in
            base.documents[place.write].map { (place: place, worth: worth, id: $0.id(place.index)) }
        }.sorted { ($1.worth, $0.id) < ($0.worth, $1.id) }
        return order.prefix(depth + depth / 2).map(\.place)
    }
}

/// Chunks that may answer a question, in a form in which they can be compared: an index of a few rows.
private struct Candidates {
    let snapshot: IndexSnapshot
    private var rows: [ChunkID: (row: ChunkRow, document: LedgerBase.Document)] = [:]

    init(_ places: Set<ChunkPlace>, _ base: LedgerBase, _ known: ChunkRows, _ server: ChromaServer) async throws {
        let found = try await known.rows(Array(places), in: base.space, server)
        guard found.count == places.count else {
            throw KnowledgeError(.unavailable, "The Chroma server has not all chunks of \(base.name).")
        }
        for row in found.values {
            guard let document = base.documents[row.place.write] else { continue }
            rows[document.id(row.place.index)] = (row, document)
        }
        var builder = IndexBuilder()
        for (id, entry) in rows.sorted(by: { $0.key < $1.key }) {
            // Each as a document by itself: not all chunks of one are here.
            builder.add(
                id.number, texts: BaseIndex.texts(entry.row.chunk), vector: entry.row.vector, of: id.number,
                entry.document.line.name, entry.document.metadata)
        }
        let model = base.space.model
        let space = SpaceRecord(number: 0, model: model.name, version: model.version, dimensions: model.dimensions)
        snapshot = IndexSnapshot(epoch: base.epoch, space: space, segments: [builder.build()])
    }

    func passage(_ id: ChunkID, in base: LedgerBase, score: Double, why: Passage.Why) -> Passage? {
        rows[id].map { Passage($0.row, of: $0.document, in: base, score: score, why: why) }
    }
}
