import FoundationEssentials
import MartletKnowledge
import MartletLogic
import Synchronization

/// A desk whose documents are their texts: a search finds those that hold the query, an answer quotes them.
final class FakeDesk: KnowledgeDesk {
    struct Document {
        var summary: DocumentSummary
        var text: String
        var chunks: [String]
    }

    struct Base {
        var description: String
        var model = EmbeddingModel(name: "use", version: "3", dimensions: 512)
        var documents: [String: Document] = [:]
        var files: [String: Data] = [:]
    }

    struct State {
        var bases: [String: Base] = [:]
        var queries: [RetrievalQuery] = []
        var questions: [Question] = []
        var options: [IngestOptions] = []
        /// Streams of answers whose reader left.
        var cancelled = 0
        /// Files that were there when they were added.
        var seen: [String] = []
    }

    let state = Mutex(State())
    /// What an answer says in place of a quotation.
    let script: [AnswerEvent]?
    /// The answer never comes to its end.
    let isEndless: Bool
    /// Why answers break off, after what they said.
    let failure: KnowledgeError?
    private let (ends, ended) = AsyncStream.makeStream(of: Void.self)

    init(script: [AnswerEvent]? = nil, isEndless: Bool = false, failure: KnowledgeError? = nil) {
        (self.script, self.isEndless, self.failure) = (script, isEndless, failure)
    }

    /// Returns once an answer was called off.
    func awaitCancellation() async {
        for await _ in ends { return }
    }

    /// Whether there is a file.
    static func holds(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

    // MARK: Bases

    func bases() async throws -> [BaseSummary] {
        state.withLock { state in
            state.bases.sorted { $0.key < $1.key }.map { name, base in
                BaseSummary(
                    name: name, description: base.description,
                    model: base.model, documents: base.documents.count,
                    chunks: base.documents.values.reduce(0) { $0 + $1.chunks.count }, created: 1_700_000_000, epoch: 1)
            }
        }
    }

    func base(_ name: String) async throws -> BaseSummary {
        guard let base = try await bases().first(where: { $0.name == name }) else { throw Self.nothing(name) }
        return base
    }

    func create(_ settings: BaseSettings) async throws {
        try state.withLock { state in
            guard state.bases[settings.name] == nil else { throw KnowledgeError(.alreadyExists, "There is one.") }
            state.bases[settings.name] = Base(description: settings.description)
        }
    }

    func describe(_ base: String, as description: String) async throws {
        try change(base) { $0.description = description }
    }

    func remove(base: String) async throws {
        try state.withLock { state in
            guard state.bases.removeValue(forKey: base) != nil else { throw Self.nothing(base) }
        }
    }

    /// Whatever is asked for is a model.
    func reembed(
        _ base: String, with embedding: String?, progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) async throws -> BaseSummary {
        if embedding == "broken" { throw KnowledgeError(.unavailable, "`broken` does not answer.") }
        let count = try change(base) { $0.documents.count }
        for done in 0...count { progress(done, count) }
        try change(base) { $0.model.name = embedding ?? "standard" }
        guard let base = try await bases().first(where: { $0.name == base }) else { throw Self.nothing(base) }
        return base
    }

    private static func nothing(_ name: String) -> KnowledgeError {
        KnowledgeError(.notFound, "There is no `\(name)`.")
    }

    private func change<Value>(_ name: String, _ body: (inout Base) throws -> Value) throws -> Value {
        try state.withLock { state in
            guard var base = state.bases[name] else { throw Self.nothing(name) }
            defer { state.bases[name] = base }
            return try body(&base)
        }
    }

    // MARK: Documents

    func documents(in base: String) async throws -> [DocumentSummary] {
        try change(base) { $0.documents.values.map(\.summary).sorted { $0.document.name < $1.document.name } }
    }

    func add(_ file: IncomingFile, to base: String, _ options: IngestOptions) async throws -> Added {
        guard let data = try? Data(contentsOf: URL(filePath: file.path)) else { throw Self.nothing(file.path) }
        let text = options.given?.joined(separator: "\n\n") ?? String(decoding: data, as: UTF8.self)
        if text.hasPrefix("%BROKEN") { throw KnowledgeError(.unreadable, "`\(file.name)` cannot be read.") }
        state.withLock {
            $0.options.append(options)
            $0.seen.append(file.path)
        }
        let chunks = options.given ?? text.split(separator: "\n").map(String.init)
        for done in 1...max(1, chunks.count) { options.progress(done, chunks.count) }
        return try change(base) { [name = base] base in
            let former = base.documents[file.name]
            let version = (former?.summary.document.version ?? 0) + 1
            let document = DocumentVersion(base: name, name: file.name, version: version)
            if let former, !options.isAnew, former.text == text, former.chunks == chunks {
                return Added(document: former.summary.document, chunks: chunks.count, embedded: 0, isNew: false)
            }
            base.files[file.name] = data
            base.documents[file.name] = Document(
                summary: DocumentSummary(
                    document: document, type: "text/plain", bytes: data.count, chunks: chunks.count,
                    added: 1_700_000_100, metadata: file.metadata, hash: "00"), text: text, chunks: chunks)
            return Added(document: document, chunks: chunks.count, embedded: chunks.count, isNew: true)
        }
    }

    func delete(_ names: [String], from base: String, files: Bool) async throws -> [String: KnowledgeError] {
        try change(base) { base in
            if files { for name in names { base.files[name] = nil } }
            var failed: [String: KnowledgeError] = [:]
            for name in names where base.documents.removeValue(forKey: name) == nil {
                failed[name] = Self.nothing(name)
            }
            return failed
        }
    }

    private func document(_ name: String, in base: String) throws -> Document {
        try change(base) { base in
            guard let document = base.documents[name] else { throw Self.nothing(name) }
            return document
        }
    }

    func file(_ name: String, in base: String) async throws -> StoredFile {
        guard let data = try change(base, { $0.files[name] }) else { throw Self.nothing(name) }
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-fake-\(UUID().uuidString)").path
        try data.write(to: URL(filePath: path))
        return StoredFile(path: path, name: name, type: "text/plain", bytes: data.count)
    }

    func files(in base: String) async throws -> [String] { try change(base) { $0.files.keys.sorted() } }

    func text(of document: DocumentVersion) async throws -> DocumentText {
        DocumentText(text: try self.document(document.name, in: document.base).text)
    }

    func chunks(of name: String, in base: String, from first: Int, atMost count: Int) async throws -> [Passage] {
        let document = try document(name, in: base)
        return document.chunks.enumerated().dropFirst(first).prefix(count).map {
            Self.passage($1, number: $0, of: name, in: base, document)
        }
    }

    private static func passage(
        _ text: String, number: Int, of name: String, in base: String, _ document: Document
    ) -> Passage {
        Passage(
            id: ChunkID(Int64(number)),
            document: DocumentVersion(base: base, name: name, version: document.summary.document.version),
            chunk: Chunk(text: text, range: 0..<text.unicodeScalars.count, place: .page(number + 1), headings: ["一"]),
            metadata: document.summary.metadata, score: 0.75, why: Passage.Why(wordRank: 1, matched: [text]))
    }

    // MARK: Questions

    func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage] {
        state.withLock { $0.queries.append(query) }
        var found: [Passage] = []
        for base in bases {
            for (name, document) in try change(base, { $0.documents }).sorted(by: { $0.key < $1.key }) {
                for (number, text) in document.chunks.enumerated() where text.contains(query.text) {
                    found.append(Self.passage(text, number: number, of: name, in: base, document))
                }
            }
        }
        return Array(found.prefix(query.limit))
    }

    func answer(_ question: Question) -> AsyncThrowingStream<AnswerEvent, any Error> {
        let (stream, telling) = AsyncThrowingStream.makeStream(of: AnswerEvent.self)
        telling.onTermination = { [self] reason in
            guard case .cancelled = reason else { return }
            state.withLock { $0.cancelled += 1 }
            ended.yield()
        }
        let work = Task { [self] in
            state.withLock { $0.questions.append(question) }
            do {
                let query = RetrievalQuery(text: question.text, limit: question.limit)
                let passages = try await search(query, in: question.bases)
                telling.yield(.sources(passages))
                for event in script ?? [.text(passages.map(\.chunk.text).joined())] { telling.yield(event) }
                if isEndless { return }
                if let failure { throw failure }
                telling.yield(.end(AnswerEnd(kind: .answered, promptTokens: 7, answerTokens: 3)))
                telling.finish()
            } catch {
                telling.finish(throwing: error)
            }
        }
        _ = work
        return stream
    }
}
