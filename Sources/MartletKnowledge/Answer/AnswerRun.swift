import MartletLogic

/// One question on its way: carries out what the ``AnswerMachine`` decides.
struct AnswerRun: Sendable {
    let answerer: Answerer
    let question: Question
    /// The question so that it stands alone.
    let text: String
    let shape: QuestionShape
    let scope: AnswerScope
    /// As they were before the search began.
    let epochs: [String: Int]
    let hasModel: Bool

    func run(_ tell: (AnswerEvent) -> Void) async throws {
        let vector = try await vector()
        let query = RetrievalQuery(
            text: text, vector: vector, limit: scope.limit, minimumScore: scope.minimumScore,
            minimumCosine: scope.minimumCosine, filter: scope.filter)
        let passages = try await answerer.source.search(query, in: scope.bases)
        if !question.isFresh, let vector, let cache = answerer.cache,
            let cached = await cache.answer(near: shape, vector, passages, scope, epochs: epochs)
        {
            return cached.replay(tell)
        }
        let evidence = AnswerRefusal.evidence(text, passages)
        let isAnswerable = !answerer.settings.refusal.refuses(evidence)
        var telling = AnswerTelling(self, passages, vector)
        try await telling.run(isAnswerable: isAnswerable, tell)
    }

    /// One that cannot be had now is no reason to answer nothing: words are left.
    private func vector() async throws -> [Float]? {
        do {
            return try await answerer.source.vector(of: text, for: scope.bases)
        } catch let error as KnowledgeError where error.code == .unavailable || error.code == .overloaded {
            return nil
        }
    }
}
