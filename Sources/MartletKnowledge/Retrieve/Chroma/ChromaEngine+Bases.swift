package import MartletLogic
import MartletWire
import Synchronization

extension ChromaEngine {
    package func bases() async throws -> [BaseSummary] { try await ledger.read().bases.map(\.summary) }

    package func base(_ name: String) async throws -> BaseSummary { try await now(name).summary }

    package func state(of base: String) async throws -> BaseState {
        let base = try await now(base)
        return BaseState(id: base.id, epoch: base.epoch, model: base.space.model)
    }

    package func createBase(_ name: String, description: String, model: EmbeddingModel) async throws {
        guard !(try await ledger.read().bases.contains { $0.name == name }) else {
            throw KnowledgeError(.alreadyExists, "There is a knowledge base \(name) already.")
        }
        let collection = "\(settings.prefix)-\(Self.draw())-documents"
        let documents = try await server.createCollection(
            collection,
            metadata: ["martlet": "documents", "base": .string(name), "made": .integer(Int64(clock))])
        let space = try await createSpace(model, base: name)
        let base = NewBase(
            id: documents.id, collection: collection, name: name, description: description,
            created: settings.now(), space: space)
        do {
            _ = try await ledger.write(.create(base))
        } catch let refusal as LedgerRefusal {
            for left in [collection, space.collection] { try? await server.deleteCollection(left) }
            throw refusal.reason
        }
    }

    package func describeBase(_ name: String, as description: String) async throws {
        _ = try await write(.describe(base: try await now(name).id, description), of: nil)
    }

    package func removeBase(_ name: String) async throws {
        _ = try await write(.remove(base: try await now(name).id), of: nil)
    }

    // MARK: Another model

    package func beginModel(_ model: EmbeddingModel, in base: String) async throws {
        let base = try await now(base)
        guard base.next?.model != model else { return }
        let space = try await createSpace(model, base: base.name)
        _ = try await write(.begin(base: base.id, space), of: nil)
    }

    package func countToEmbed(by model: EmbeddingModel, in base: String) async throws -> Int {
        try await lacking(try await now(base), model, after: nil, atMost: .max).count
    }

    package func chunksToEmbed(
        by model: EmbeddingModel, in base: String, after chunk: ChunkID?, atMost count: Int
    ) async throws -> [Passage] {
        try await reading(base) { base in
            let lacking = try await lacking(base, model, after: chunk, atMost: count)
            let found = try await rows.rows(lacking, in: base.space, server)
            return try lacking.map { place in
                guard let row = found[place], let document = base.documents[place.write] else {
                    // Left out it would be asked for for ever: the base can be embedded anew once it is written again.
                    throw KnowledgeError(.unavailable, "The Chroma server has lost a chunk of \(base.name).")
                }
                return Passage(row, of: document, in: base)
            }
        }
    }

    package func add(_ vectors: [ChunkID: [Float]], of model: EmbeddingModel, in base: String) async throws {
        try await reading(base) { base in
            let space = try Self.next(of: base, model)
            guard vectors.values.allSatisfy({ $0.count == space.model.dimensions }) else {
                throw KnowledgeError(
                    .wrongModel, "A vector is not of the \(space.model.dimensions) numbers of its model.")
            }
            var places: [ChunkPlace: [Float]] = [:]
            for (id, vector) in vectors { if let (_, place) = base.place(of: id) { places[place] = vector } }
            let found = try await server.get(
                places.keys.map(\.id), from: base.space.id, as: ChunkMetadata.self).metadatas ?? []
            let records = try found.compactMap { metadata in
                try places[metadata.place].map { try metadata.record($0) }
            }
            try await add(records, to: space.id)
        }
    }

    package func switchModel(of base: String, to model: EmbeddingModel) async throws -> Bool {
        let base = try await now(base)
        let space = try Self.next(of: base, model)
        guard try await lacking(base, model, after: nil, atMost: 1).isEmpty else { return false }
        guard try await change(base, to: space) else {
            // What came meanwhile is to be embedded first.
            guard try await now(base.name).space.id == space.id else { return false }
            ready.withLock { $0[space.id] = nil }
            return true
        }
        ready.withLock { $0[space.id] = nil }
        return true
    }

    /// - Returns: false: the base is not what it was any more, or nobody knows.
    private func change(_ base: LedgerBase, to space: VectorSpace) async throws -> Bool {
        do {
            _ = try await write(.change(base: base.id, space: space.id, epoch: base.epoch), of: nil)
            return true
        } catch let error as KnowledgeError where error.code == .unavailable {
            return false
        }
    }

    /// Chunks that have no vector of the model that was begun, the lowest numbers first.
    private func lacking(
        _ base: LedgerBase, _ model: EmbeddingModel, after chunk: ChunkID?, atMost count: Int
    ) async throws -> [ChunkPlace] {
        let space = try Self.next(of: base, model)
        let first = chunk.map { LedgerBase.Document.split($0).epoch } ?? 0
        let known = ready.withLock { $0[space.id] ?? [] }
        let open = base.documents.values.filter { $0.epoch >= first && !known.contains($0.line.write) }
            .sorted { $0.epoch < $1.epoch }
        var lacking: [ChunkPlace] = []
        for documents in open.pages(of: 32) where lacking.count < count {
            let writes = documents.map { JSONValue.integer(Int64($0.line.write)) }
            let there = Set(try await server.ids(["where": ChromaServer.among("write", writes)], in: space.id))
            for document in documents {
                let places = (0..<document.line.chunks).map { ChunkPlace(write: document.line.write, index: $0) }
                let open = places.filter { !there.contains($0.id) }
                if open.isEmpty { ready.withLock { _ = $0[space.id, default: []].insert(document.line.write) } }
                lacking += open.filter { place in chunk.map { document.id(place.index) > $0 } ?? true }
            }
        }
        return Array(lacking.prefix(max(0, count)))
    }

    private func createSpace(_ model: EmbeddingModel, base: String) async throws -> VectorSpace {
        let collection = "\(settings.prefix)-\(Self.draw())-vectors"
        let made = try await server.createCollection(
            collection,
            metadata: [
                "martlet": "vectors", "base": .string(base), "made": .integer(Int64(clock)),
                "model": .string(model.name), "version": .string(model.version),
                "dimensions": .integer(Int64(model.dimensions)),
            ])
        return VectorSpace(id: made.id, collection: collection, model: model)
    }

    private static func next(of base: LedgerBase, _ model: EmbeddingModel) throws(KnowledgeError) -> VectorSpace {
        guard let space = base.next, space.model == model else {
            throw KnowledgeError(notBegun: model, in: base.name)
        }
        return space
    }
}
