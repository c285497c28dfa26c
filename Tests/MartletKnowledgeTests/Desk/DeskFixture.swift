import Foundation
import MartletBase
import MartletKnowledge
import MartletLogic
import Synchronization

/// A desk on an engine in a folder of its own, with an embedder that counts.
struct DeskFixture: Sendable {
    static let base = "handbook"

    let desk: EngineDesk
    let engine: EmbeddedEngine
    let embedder: LetterEmbedder
    let cache: MemoryAnswerCache
    let folder: String

    static func run(
        model: (any AnswerModel)? = nil, _ body: (DeskFixture) async throws -> Void
    ) async throws {
        let name = "desk-\(UInt64.random(in: .min ... .max))"
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(name).path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/in", withIntermediateDirectories: true)
        let engine = try await EmbeddedEngine.open(folder + "/store", EmbeddedEngine.Settings(lanes: 2))
        let embedder = LetterEmbedder()
        let cache = MemoryAnswerCache(now: { Instant(nanoseconds: 1) })
        let desk = EngineDesk(
            engine: engine,
            embeddings: try EmbeddingRegistry(["letters": .known(embedder)], standard: "letters"),
            reader: DocumentReader(scratch: folder), model: model, cache: cache)
        let fixture = DeskFixture(desk: desk, engine: engine, embedder: embedder, cache: cache, folder: folder)
        do {
            try await desk.create(BaseSettings(name: base))
            try await body(fixture)
        } catch {
            await desk.close()
            await engine.close()
            throw error
        }
        await desk.close()
        await engine.close()
    }

    @discardableResult
    func add(
        _ name: String, _ text: String, metadata: [String: MetadataValue] = [:], _ options: IngestOptions = .init()
    ) async throws -> Added {
        let path = "\(folder)/in/\(UInt64.random(in: .min ... .max))"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return try await desk.add(IncomingFile(name: name, path: path, metadata: metadata), to: Self.base, options)
    }

    func search(_ text: String, limit: Int = 3) async throws -> [Passage] {
        try await desk.search(RetrievalQuery(text: text, limit: limit), in: [Self.base])
    }

    func ask(_ text: String) async throws -> Heard {
        try await Heard(desk.answer(Question(text, bases: [Self.base])))
    }
}

/// Which letters a text has: alike texts are near.
final class LetterEmbedder: Embedder {
    let model = EngineFixture.model
    /// Whether questions are not embedded.
    let isDown = Mutex(false)
    private let texts = Mutex(0)

    /// How many texts were embedded as passages.
    var embedded: Int { texts.withLock { $0 } }

    func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]] {
        if role == .query, isDown.withLock({ $0 }) { throw KnowledgeError(.unavailable, "The embedding is down.") }
        if role == .passage { self.texts.withLock { $0 += texts.count } }
        return texts.map { EngineFixture.vector($0) }
    }
}
