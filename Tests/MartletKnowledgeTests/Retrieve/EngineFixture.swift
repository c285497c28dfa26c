import Foundation
import MartletKnowledge
import MartletLogic
import Testing

/// An engine in a folder of its own, and documents for it.
struct EngineFixture: Sendable {
    static let model = EmbeddingModel(name: "letters", version: "1", dimensions: 32)
    static let base = "手册"

    let folder: String

    static func run(_ body: (EngineFixture, EmbeddedEngine) async throws -> Void) async throws {
        let name = "engine-\(UInt64.random(in: .min ... .max))"
        let url = FileManager.default.temporaryDirectory.appendingPathComponent(name)
        defer { try? FileManager.default.removeItem(at: url) }
        let fixture = EngineFixture(folder: url.path)
        let engine = try await fixture.open()
        do {
            try await engine.createBase(base, description: "d", model: model)
            try await body(fixture, engine)
        } catch {
            await engine.close()
            throw error
        }
        await engine.close()
    }

    func open() async throws -> EmbeddedEngine {
        try await EmbeddedEngine.open(folder, EmbeddedEngine.Settings(lanes: 2))
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
