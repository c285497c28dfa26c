import Foundation
package import MartletLogic
import MartletStore

extension EmbeddedEngine {
    package func bases() async throws -> [BaseSummary] {
        try await Self.mapped { try await store.bases() }.map { BaseSummary($0) }
    }

    package func base(_ name: String) async throws -> BaseSummary {
        BaseSummary(try await Self.mapped { try await store.base(name) })
    }

    package func state(of base: String) async throws -> BaseState {
        let index = try index(base)
        let snapshot = index.snapshot
        return BaseState(id: index.id, epoch: snapshot.epoch, model: EmbeddingModel(snapshot.space))
    }

    package func createBase(_ name: String, description: String, model: EmbeddingModel) async throws {
        _ = try await Self.mapped {
            try await store.createBase(
                name, description: description, created: Date().timeIntervalSince1970, model: model.name,
                version: model.version, dimensions: model.dimensions
            ) { self.add(BaseIndex($0, IndexSnapshot(epoch: $0.epoch, space: $0.space))) }
        }
    }

    package func describeBase(_ name: String, as description: String) async throws {
        try await Self.mapped { try await store.describeBase(name, as: description) }
    }

    package func removeBase(_ name: String) async throws {
        try await Self.mapped { try await store.removeBase(name) { self.removeIndex($0.name) } }
    }

    // MARK: Another model

    package func beginModel(_ model: EmbeddingModel, in base: String) async throws {
        _ = try await Self.mapped {
            try await store.beginSpace(
                in: base, model: model.name, version: model.version, dimensions: model.dimensions)
        }
    }

    package func countToEmbed(by model: EmbeddingModel, in base: String) async throws -> Int {
        let space = try await nextSpace(base, model)
        return try await Self.mapped { try await store.count(without: space, in: base) }
    }

    package func chunksToEmbed(
        by model: EmbeddingModel, in base: String, after chunk: ChunkID?, atMost count: Int
    ) async throws -> [Passage] {
        let space = try await nextSpace(base, model)
        return try await Self.mapped {
            try await store.chunks(without: space, in: base, after: chunk?.number ?? 0, atMost: count)
        }.map { try Passage($0, base: base) }
    }

    package func add(_ vectors: [ChunkID: [Float]], of model: EmbeddingModel, in base: String) async throws {
        let space = try await nextSpace(base, model)
        try await Self.mapped { try await store.add(vectors.map { ($0.key.number, $0.value) }, to: space) }
    }

    package func switchModel(of base: String, to model: EmbeddingModel) async throws -> Bool {
        let space = try await nextSpace(base, model)
        let index = try index(base)
        return try await Self.mapped {
            try await store.switchSpace(of: base, to: space) { [store] (record) throws(KnowledgeStoreError) in
                // No change comes in between, and searches go on in the snapshot before.
                if record != nil { index.replace(by: try BaseIndex.load(base, from: store)) }
            }
        }
    }

    private func nextSpace(_ base: String, _ model: EmbeddingModel) async throws -> SpaceRecord {
        guard let space = try await Self.mapped({ try await store.base(base) }).nextSpace,
            EmbeddingModel(space) == model
        else { throw KnowledgeError(notBegun: model, in: base) }
        return space
    }
}

extension KnowledgeError {
    init(notBegun model: EmbeddingModel, in base: String) {
        self.init(.wrongModel, "No vectors of \(model.name) \(model.version) are made ready for \(base).")
    }
}

extension BaseSummary {
    init(_ base: BaseRecord) {
        self.init(
            name: base.name, description: base.description, model: EmbeddingModel(base.space),
            documents: base.documents, chunks: base.chunks, created: base.created, epoch: base.epoch,
            changed: base.changed, next: base.nextSpace.map { EmbeddingModel($0) })
    }
}

extension EmbeddingModel {
    init(_ space: SpaceRecord) {
        self.init(name: space.model, version: space.version, dimensions: space.dimensions)
    }
}
