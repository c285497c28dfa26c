import MartletKnowledge
import MartletLogic
import Synchronization

/// A desk that holds files up before they are added and after that, until its gates are opened.
final class HeldDesk: KnowledgeDesk {
    let before: Gate
    let after: Gate
    private let desk: EngineDesk
    private let first: Int
    private let count = Mutex(0)

    /// How often a file was begun.
    var begun: Int { count.withLock { $0 } }

    /// - Parameter first: The first file that is held up, from 1.
    init(
        _ desk: EngineDesk, from first: Int = 1, before: Gate = Gate(isOpen: true), after: Gate = Gate(isOpen: true)
    ) {
        (self.desk, self.first, self.before, self.after) = (desk, first, before, after)
    }

    func add(_ file: IncomingFile, to base: String, _ options: IngestOptions) async throws -> Added {
        let number = count.withLock { count in
            count += 1
            return count
        }
        guard number >= first else { return try await desk.add(file, to: base, options) }
        try await before.wait()
        let added = try await desk.add(file, to: base, options)
        // It is done, and nobody is called off any more.
        try? await after.wait()
        return added
    }

    func bases() async throws -> [BaseSummary] { try await desk.bases() }
    func base(_ name: String) async throws -> BaseSummary { try await desk.base(name) }
    func create(_ settings: BaseSettings) async throws { try await desk.create(settings) }
    func reembed(
        _ base: String, with embedding: String?, progress: @escaping @Sendable (_ done: Int, _ of: Int) -> Void
    ) async throws -> BaseSummary {
        try await desk.reembed(base, with: embedding, progress: progress)
    }
    func describe(_ base: String, as text: String) async throws { try await desk.describe(base, as: text) }
    func remove(base: String) async throws { try await desk.remove(base: base) }
    func documents(in base: String) async throws -> [DocumentSummary] { try await desk.documents(in: base) }
    func delete(_ names: [String], from base: String, files: Bool) async throws -> [String: KnowledgeError] {
        try await desk.delete(names, from: base, files: files)
    }
    func file(_ name: String, in base: String) async throws -> StoredFile { try await desk.file(name, in: base) }
    func files(in base: String) async throws -> [String] { try await desk.files(in: base) }
    func text(of document: DocumentVersion) async throws -> DocumentText { try await desk.text(of: document) }
    func chunks(of name: String, in base: String, from first: Int, atMost count: Int) async throws -> [Passage] {
        try await desk.chunks(of: name, in: base, from: first, atMost: count)
    }
    func search(_ query: RetrievalQuery, in bases: [String]) async throws -> [Passage] {
        try await desk.search(query, in: bases)
    }
    func answer(_ question: Question) -> AsyncThrowingStream<AnswerEvent, any Error> { desk.answer(question) }
}
