extension Readings {
    /// The knowledge room, as it is now.
    package struct Knowledge: Sendable {
        package typealias Count = (kind: String, count: UInt64)

        package struct Base: Sendable {
            package var name: String
            package var documents: Int
            package var chunks: Int
            /// Since its newest document came.
            package var ageSeconds: Double

            package init(_ name: String, documents: Int, chunks: Int, ageSeconds: Double) {
                self.name = name
                self.documents = documents
                self.chunks = chunks
                self.ageSeconds = ageSeconds
            }
        }

        /// What was taken in.
        package struct Ingested: Sendable {
            package var documents: UInt64 = 0
            package var chunks: UInt64 = 0
            /// Of files.
            package var bytes: UInt64 = 0

            package init() {}
        }

        /// How many there are.
        package var baseCount = 0
        /// The largest of them.
        package var bases: [Base] = []
        package var searches: [(arm: String, duration: Histogram<DurationScale>)] = []
        package var answers: [Count] = []
        package var answersUnderWay = 0
        /// Empty: no answers are kept.
        package var cache: [Count] = []
        package var reading = 0
        package var waiting = 0
        package var ingested = Ingested()
        package var embeddings: [Count] = []
        package var embeddingErrors: [Count] = []
        /// By what is there, `answers` and `sessions`; empty: nothing is.
        package var redisErrors: [Count] = []

        package init() {}
    }
}

extension Exposition {
    mutating func knowledge(_ series: Series, _ knowledge: Readings.Knowledge) {
        switch series {
        case .knowledgeBases: writer.sample([], knowledge.baseCount)
        case .knowledgeDocuments: for base in knowledge.bases { writer.sample([base.name], base.documents) }
        case .knowledgeChunks: for base in knowledge.bases { writer.sample([base.name], base.chunks) }
        case .knowledgeAge: for base in knowledge.bases { writer.sample([base.name], base.ageSeconds) }
        case .knowledgeSearch: for one in knowledge.searches { writer.histogram([one.arm], one.duration) }
        case .knowledgeAnswers: counts(knowledge.answers)
        case .knowledgeUnderWay: writer.sample([], knowledge.answersUnderWay)
        case .knowledgeCache: counts(knowledge.cache)
        case .knowledgeInWork:
            writer.sample(["reading"], knowledge.reading)
            writer.sample(["waiting"], knowledge.waiting)
        case .knowledgeIngestedDocuments: writer.sample([], knowledge.ingested.documents)
        case .knowledgeIngestedChunks: writer.sample([], knowledge.ingested.chunks)
        case .knowledgeIngestedBytes: writer.sample([], knowledge.ingested.bytes)
        case .knowledgeEmbeddings: counts(knowledge.embeddings)
        case .knowledgeEmbeddingErrors: counts(knowledge.embeddingErrors)
        default: counts(knowledge.redisErrors)
        }
    }

    private mutating func counts(_ counts: [Readings.Knowledge.Count]) {
        for one in counts { writer.sample([one.kind], one.count) }
    }
}
