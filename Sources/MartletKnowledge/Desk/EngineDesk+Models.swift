import MartletLogic
import Synchronization

// Another model for the vectors of a base.
extension EngineDesk {
    /// Chunks that are asked for in one go.
    private static let chunksAtOnce = 1024
    /// So often what came meanwhile is embedded while others write; then they wait until it is done.
    private static let patience = 3

    package func reembed(
        _ base: String, with embedding: String?, progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) async throws -> BaseSummary {
        let embedder = try await embeddings.embedder(named: embedding)
        let before = try await engine.base(base)
        guard before.model != embedder.model else { return before }
        try begin(base, embedder)
        defer { reembeddings.withLock { $0[base] = nil } }
        do {
            return try await reembed(before, by: embedder, progress)
        } catch let error as KnowledgeError where error.code == .wrongModel {
            // Another node may have ended it.
            let now = try await engine.base(base)
            guard now.model == embedder.model else { throw error }
            return now
        }
    }

    private func reembed(
        _ before: BaseSummary, by embedder: any Embedder, _ progress: @escaping (Int, Int) -> Void
    ) async throws -> BaseSummary {
        let base = before.name
        try await engine.beginModel(embedder.model, in: base)
        let left = try await engine.countToEmbed(by: embedder.model, in: base)
        var told = Told(done: max(0, before.chunks - left), all: before.chunks, progress)
        var round = 0
        while true {
            round += 1
            try await embedRest(of: base, by: embedder, &told)
            let isDone = try await turns.take(base) { [round] in
                if round > Self.patience { try await embedRest(of: base, by: embedder, &told) }
                return try await switchModel(of: base, to: embedder.model)
            }
            if isDone { return try await engine.base(base) }
        }
    }

    private func begin(_ base: String, _ embedder: any Embedder) throws(KnowledgeError) {
        let isFirst = reembeddings.withLock { bases in
            defer { bases[base] = bases[base] ?? embedder }
            return bases[base] == nil
        }
        guard isFirst else { throw KnowledgeError(.alreadyExists, "\(base) is being embedded anew already.") }
    }

    private func embedRest(of base: String, by embedder: any Embedder, _ told: inout Told) async throws {
        var last: ChunkID?
        while true {
            let chunks = try await engine.chunksToEmbed(
                by: embedder.model, in: base, after: last, atMost: Self.chunksAtOnce)
            guard let end = chunks.last?.id else { return }
            for start in stride(from: 0, to: chunks.count, by: settings.step) {
                let some = chunks[start..<min(start + settings.step, chunks.count)]
                let texts = some.map { embedder.text(of: $0.chunk) }
                let vectors = try await embedder.embed(texts, as: .passage, countedBy: meter)
                let new = Dictionary(zip(some.map(\.id), vectors)) { $1 }
                try await engine.add(new, of: embedder.model, in: base)
                told.add(some.count)
            }
            last = end
        }
    }

    /// No answer of the model before is given once this returns true.
    private func switchModel(of base: String, to model: EmbeddingModel) async throws -> Bool {
        guard try await engine.switchModel(of: base, to: model) else { return false }
        let epoch = try await engine.state(of: base).epoch
        // All answers are of an epoch before this one, and the change carries none of them over.
        let change = BaseChange(base: base, previous: epoch, epoch: epoch, hasNew: true)
        await cache?.change(change) { _ in [] }
        return true
    }
}

/// How far the embedding of a base is; what comes meanwhile counts as well.
private struct Told {
    private var done: Int
    private var all: Int
    private let progress: (Int, Int) -> Void

    init(done: Int, all: Int, _ progress: @escaping (Int, Int) -> Void) {
        (self.done, self.all, self.progress) = (done, all, progress)
        progress(done, all)
    }

    mutating func add(_ count: Int) {
        done += count
        all = max(all, done)
        progress(done, all)
    }
}
