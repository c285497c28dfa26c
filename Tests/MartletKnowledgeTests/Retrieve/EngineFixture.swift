import Foundation
import MartletKnowledge
import MartletLogic
import Testing

/// The engines that do alike what ``EngineTests`` says.
enum EngineKind: CaseIterable, Sendable, CustomTestStringConvertible {
    case embedded
    /// Chroma as far as we use it, in memory.
    case chromaInMemory
    /// A Chroma server, where `MARTLET_TEST_CHROMA` says its address: `http://127.0.0.1:8000`.
    case chromaServer

    static let server = ProcessInfo.processInfo.environment["MARTLET_TEST_CHROMA"]
    static var available: [EngineKind] { allCases.filter { $0 != .chromaServer || server != nil } }
    static var chroma: [EngineKind] { available.filter { $0 != .embedded } }

    var testDescription: String {
        switch self {
        case .embedded: "embedded"
        case .chromaInMemory: "Chroma, in memory"
        case .chromaServer: "Chroma"
        }
    }

    /// A server answers a request in milliseconds: of many documents it is given a part.
    func some(of count: Int) -> Int { self == .chromaServer ? count / 5 : count }
}

/// A place for engines, which share what is in it, and documents for them.
struct EngineFixture: Sendable {
    static let model = EmbeddingModel(name: "letters", version: "1", dimensions: 32)
    static let base = "手册"

    let kind: EngineKind
    let folder: String
    /// nil: there is none.
    let chroma: ChromaEngine.Call?
    /// Of Chroma's collections.
    let prefix: String

    static func run(
        _ kind: EngineKind, _ body: (EngineFixture, any KnowledgeEngine) async throws -> Void
    ) async throws {
        let name = "engine-\(UInt64.random(in: .min ... .max))"
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(name)
        defer { try? FileManager.default.removeItem(at: url) }
        let call: ChromaEngine.Call? =
            switch kind {
            case .embedded: nil
            case .chromaInMemory: FakeChroma().call
            case .chromaServer: try ChromaClient(EngineKind.server ?? "").call
            }
        let fixture = EngineFixture(kind: kind, folder: url.path, chroma: call, prefix: name)
        let engine = try await fixture.open()
        let result: Result<Void, any Error>
        do {
            try await engine.createBase(base, description: "d", model: model)
            result = .success(try await body(fixture, engine))
        } catch {
            result = .failure(error)
        }
        await fixture.close(engine)
        await fixture.removeAll()
        try result.get()
    }

    /// Another engine of the same knowledge: the embedded one after it was closed, any number of nodes of the shared.
    func open() async throws -> any KnowledgeEngine {
        guard let chroma else { return try await EmbeddedEngine.open(folder, EmbeddedEngine.Settings(lanes: 2)) }
        return try await node(chroma)
    }

    func node(_ call: @escaping ChromaEngine.Call) async throws -> ChromaEngine {
        var settings = ChromaEngine.Settings(folder: folder)
        settings.prefix = prefix
        settings.greatestFile = 1 << 20
        return try await ChromaEngine.open(settings, call: call)
    }

    func close(_ engine: any KnowledgeEngine) async { await (engine as? EmbeddedEngine)?.close() }

    /// A server is left as it was.
    private func removeAll() async {
        guard kind == .chromaServer, let chroma, let engine = try? await open() else { return }
        for base in (try? await engine.bases()) ?? [] { try? await engine.removeBase(base.name) }
        _ = try? await chroma("DELETE", FakeChroma.root + "/\(prefix)-ledger", nil)
    }

    /// Which letters a text has: alike texts are near.
    static func vector(_ text: String, dimensions: Int = model.dimensions) -> [Float] {
        var vector = [Float](repeating: 0.01, count: dimensions)
        for scalar in text.lowercased().unicodeScalars { vector[Int(scalar.value) % dimensions] += 1 }
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
    }

    static func document(
        _ name: String, _ texts: [String], metadata: [String: MetadataValue] = [:], path: String? = nil
    ) -> PreparedDocument {
        var start = 0
        let parts = texts.enumerated().map { index, text in
            defer { start += text.unicodeScalars.count }
            let chunk = Chunk(
                text: text, range: start..<start + text.unicodeScalars.count, place: .page(index + 1), headings: ["H"])
            return PreparedDocument.Part(chunk, key: Array(text.utf8), vector: vector(text))
        }
        return PreparedDocument(
            name: name, type: "text/plain", added: 2, metadata: metadata, hash: "ab", bytes: 3,
            text: DocumentText(
                text: texts.joined(), title: "T",
                places: texts.indices.map { PlaceMark(offset: $0, place: .page($0 + 1)) },
                headings: [HeadingMark(offset: 0, level: 1, title: "H")]),
            parts: parts, path: path)
    }

    static func query(_ text: String, limit: Int = 3) -> RetrievalQuery {
        RetrievalQuery(text: text, vector: vector(text), limit: limit)
    }
}

extension KnowledgeEngine {
    @discardableResult
    func put(
        _ name: String, _ texts: [String], metadata: [String: MetadataValue] = [:]
    ) async throws -> KnowledgeChange {
        try await put(
            EngineFixture.document(name, texts, metadata: metadata), in: EngineFixture.base, model: EngineFixture.model)
    }

    func search(_ text: String, limit: Int = 3) async throws -> [Passage] {
        try await search(EngineFixture.query(text, limit: limit), model: EngineFixture.model, in: EngineFixture.base)
    }
}
