import MartletBase
package import MartletLogic
import MartletNet

/// Orders passages by how well they answer a question.
package protocol Reranker: Sendable {
    /// One for each passage, larger is better, 0...1.
    ///
    /// - Throws: `KnowledgeError`, `CancellationError`.
    func scores(of passages: [Passage], for question: String) async throws -> [Double]
}

/// The bases of an engine, as far as questions need them.
struct EngineSource: PassageSource {
    /// So many passages a reranker looks at, at least.
    private static let reranked = 20

    let engine: any KnowledgeEngine
    let embeddings: EmbeddingRegistry
    let reranker: (any Reranker)?
    private let scales = CosineScales()
    private var meter: KnowledgeMeter { engine.meter }

    func vector(of question: String, for bases: [String]) async throws -> [Float]? {
        guard let model = try await model(of: bases) else { return nil }
        return try await vector(of: question, by: model)
    }

    /// Of all of them; nil: there are none.
    private func model(of bases: [String]) async throws -> EmbeddingModel? {
        var models: [(base: String, model: EmbeddingModel)] = []
        for base in bases { models.append((base, try await engine.state(of: base).model)) }
        if let first = models.first, let other = models.first(where: { $0.model != first.model }) {
            throw KnowledgeError(
                .wrongModel,
                "\(first.base) and \(other.base) have vectors of different models: ask them one after the other.")
        }
        return models.first?.model
    }

    private func vector(of question: String, by model: EmbeddingModel) async throws -> [Float]? {
        try await embeddings.embedder(for: model).embed([question], as: .query, countedBy: meter).first
    }

    func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage] {
        try await search(query, by: nil, in: bases)
    }

    /// Again, where a base's model is another one by the time that the vector is there.
    func find(
        _ query: RetrievalQuery, in bases: [String]
    ) async throws -> (passages: [Passage], vector: [Float]?) {
        var query = query
        for _ in 0..<Self.attempts {
            let model = try await model(of: bases)
            query.vector = try await orNothing { () -> [Float]? in
                guard let model else { return nil }
                return try await vector(of: query.text, by: model)
            }
            do {
                return (try await search(query, by: query.vector == nil ? nil : model, in: bases), query.vector)
            } catch let error as KnowledgeError where error.code == .wrongModel {
                guard try await self.model(of: bases) != model else { throw error }
            }
        }
        throw KnowledgeError(.overloaded, "The models of these bases are being changed: ask again.")
    }

    private static let attempts = 4

    private func search(
        _ query: RetrievalQuery, by model: EmbeddingModel?, in bases: [String]
    ) async throws -> [Passage] {
        let begin = Instant.current
        let passages = try await ordered(query, by: model, in: bases)
        meter.searched(.whole, since: begin)
        return passages
    }

    private func ordered(
        _ query: RetrievalQuery, by model: EmbeddingModel?, in bases: [String]
    ) async throws -> [Passage] {
        guard let reranker else { return try await found(query, by: model, in: bases) }
        var wide = query
        wide.limit = max(query.limit, Self.reranked)
        var passages = try await found(wide, by: model, in: bases)
        do {
            let scores = try await reranker.scores(of: passages, for: query.text)
            guard scores.count == passages.count else { return Array(passages.prefix(query.limit)) }
            for (place, score) in scores.enumerated() { passages[place].score = score }
            passages.sort { ($1.score, $0.id) < ($0.score, $1.id) }
        } catch is KnowledgeError {
            // In the order that they were found in.
        }
        return Array(passages.prefix(query.limit))
    }

    /// - Parameter model: Of the query's vector; nil: nobody says.
    private func found(
        _ query: RetrievalQuery, by model: EmbeddingModel?, in bases: [String]
    ) async throws -> [Passage] {
        guard let first = bases.first else { return [] }
        var query = query
        if query.vector != nil {
            let own: EmbeddingModel
            if let model { own = model } else { own = try await engine.state(of: first).model }
            query.unrelated = try await scales.unrelated(by: embeddings.embedder(for: own))
        }
        var passages = try await engine.search(query, model: model, in: first)
        guard bases.count > 1 else { return passages }
        for base in Set(bases).subtracting([first]).sorted() {
            passages += try await engine.search(query, model: model, in: base)
        }
        passages.sort { ($1.score, $0.document.base, $0.id) < ($0.score, $1.document.base, $1.id) }
        return Array(passages.prefix(query.limit))
    }

    func excerpts(of document: DocumentVersion, at ranges: [Range<Int>]) async throws -> DocumentExcerpts {
        try await engine.excerpts(of: document, at: ranges)
    }

    func epochs(of bases: [String]) async throws -> [String: Int] {
        var epochs: [String: Int] = [:]
        for base in bases { epochs[base] = try await engine.state(of: base).epoch }
        return epochs
    }

    /// Those of the questions that are answered from the same passages still. What is not looked at in time is taken to
    /// be changed.
    func unchanged(_ questions: [CachedQuestion], within patience: Duration) async -> Set<Int> {
        let end = ContinuousClock.now + patience
        return await withTaskGroup(of: Int?.self) { group in
            var rest = questions[...]
            var same = Set<Int>()
            func begin() {
                guard let question = rest.popFirst(), ContinuousClock.now < end else { return }
                group.addTask { await isUnchanged(question) ? question.id : nil }
            }
            for _ in 0..<Self.comparedAtOnce { begin() }
            while let result = await group.next() {
                if let result { same.insert(result) }
                begin()
            }
            return same
        }
    }

    /// Searches share a pass over the vectors.
    private static let comparedAtOnce = 16

    private func isUnchanged(_ question: CachedQuestion) async -> Bool {
        let query = RetrievalQuery(
            text: question.text, vector: question.vector, limit: question.limit,
            minimumScore: question.minimumScore, minimumCosine: question.minimumCosine, filter: question.filter)
        // A model that reranks is not asked for each change: what is new may be anywhere.
        guard reranker == nil, let found = try? await found(query, by: nil, in: question.bases) else { return false }
        return Set(found.map(\.id)) == question.found
    }
}
