import Foundation
import MartletBase
package import MartletLogic
package import MartletStore
import NIOPosix
import Synchronization

/// The desk that stands on an engine: reads, splits and embeds what comes, and tells the answer cache of each change
/// before whoever made it hears that it is done.
package final class EngineDesk: KnowledgeDesk {
    package struct Settings: Sendable {
        /// Documents that are read, split and embedded at a time; others wait.
        package var ingestsAtOnce = 2
        /// Chunks that are embedded before progress is told again.
        package var step = 64
        /// How similar documents are that are told as near duplicates, 0...1.
        package var likeness = 0.8
        /// So long kept answers are compared with a change, at most; those that are left go.
        package var cachePatience = Duration.milliseconds(500)

        package init() {}
    }

    let engine: any KnowledgeEngine
    let embeddings: EmbeddingRegistry
    let reader: DocumentReader
    let cache: (any AnswerCache)?
    let settings: Settings
    let turns = BaseTurns()
    /// Bases that are being embedded anew, and by whom.
    let reembeddings = Mutex<[String: any Embedder]>([:])
    let ingests: Turns
    let likenesses = LikenessShelf()
    private let answerer: Answerer
    /// For what computes and reads files.
    private let threads: NIOThreadPool

    /// - Parameters:
    ///   - model: nil: the best passages are the answer.
    ///   - reranker: Orders what was found anew; nil: nobody does.
    ///   - remarks: Say why a model was done without; nil: nobody does.
    package init(
        engine: any KnowledgeEngine, embeddings: EmbeddingRegistry, reader: DocumentReader,
        model: (any AnswerModel)? = nil, reranker: (any Reranker)? = nil, cache: (any AnswerCache)? = nil,
        sessions: (any SessionStore)? = nil, answers: AnswererSettings = AnswererSettings(),
        settings: Settings = Settings(), remarks: ModelRemarks? = nil
    ) {
        self.engine = engine
        self.embeddings = embeddings
        self.reader = reader
        self.cache = cache
        self.settings = settings
        ingests = Turns(settings.ingestsAtOnce)
        source = EngineSource(engine: engine, embeddings: embeddings, reranker: reranker)
        answerer = Answerer(
            source: source, model: model, cache: cache, sessions: sessions, settings: answers, meter: engine.meter,
            remarks: remarks)
        threads = NIOThreadPool(numberOfThreads: max(1, settings.ingestsAtOnce))
        threads.start()
    }

    let source: EngineSource
    var meter: KnowledgeMeter { engine.meter }

    /// How many answers are on their way.
    package var underWay: Int { answerer.underWay }

    /// Ends its threads. Once, when nobody asks any more; the engine is its owner's to close.
    package func close() async {
        await reader.shutdown()
        try? await threads.shutdownGracefully()
    }

    /// Off the event loops and the tasks' threads.
    func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try Task.checkCancellation()
        return try await threads.runIfActive(body)
    }

    // MARK: Bases

    package func bases() async throws -> [BaseSummary] { try await engine.bases() }
    package func base(_ name: String) async throws -> BaseSummary { try await engine.base(name) }

    package func create(_ settings: BaseSettings) async throws {
        guard KnowledgeName.isValid(base: settings.name) else {
            throw KnowledgeError(.invalid, "`\(settings.name.prefix(200))` is not what a base may be called.")
        }
        let model = try await embeddings.embedder(named: settings.embedding).model
        // Not before all is forgotten of one that had its name.
        try await turns.take(settings.name) {
            try await engine.createBase(settings.name, description: settings.description, model: model)
        }
    }

    package func describe(_ base: String, as description: String) async throws {
        try await engine.describeBase(base, as: description)
    }

    package func remove(base: String) async throws {
        try await turns.take(base) {
            try await engine.removeBase(base)
            await cache?.remove(base: base)
            likenesses.forget(base)
        }
    }

    // MARK: Reading

    package func documents(in base: String) async throws -> [DocumentSummary] {
        try await engine.documents(in: base)
    }

    package func files(in base: String) async throws -> [String] { try await engine.files(in: base) }

    package func file(_ name: String, in base: String) async throws -> StoredFile {
        try await engine.file(name, in: base)
    }

    package func text(of document: DocumentVersion) async throws -> DocumentText {
        try await engine.text(of: document)
    }

    package func chunks(
        of name: String, in base: String, from first: Int, atMost count: Int
    ) async throws -> [Passage] {
        try await engine.chunks(of: name, in: base, from: first, atMost: count)
    }

    // MARK: Questions

    package func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage] {
        guard query.text.utf8.count <= Question.longest else {
            throw KnowledgeError(.tooLarge, "The question is longer than \(Question.longest) bytes.")
        }
        guard query.vector == nil else { return try await source.search(query, in: bases) }
        return try await source.find(query, in: bases).passages
    }

    package func answer(_ question: Question) -> AsyncThrowingStream<AnswerEvent, any Error> {
        answerer.answer(question)
    }
}
