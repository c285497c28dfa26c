import Foundation
import MartletBase
import MartletKnowledge
import MartletLogic
import Synchronization
import Testing

/// A desk with two embedders whose vectors are of the same length and mean other things.
struct ReembedFixture: Sendable {
    static let second = EmbeddingModel(name: "shifted", version: "1", dimensions: EngineFixture.model.dimensions)

    let engine: any KnowledgeEngine
    let place: EngineFixture
    let desk: EngineDesk
    let first = SpiedEmbedder(EngineFixture.model, shift: 0)
    let second: SpiedEmbedder

    init(_ engine: any KnowledgeEngine, _ place: EngineFixture, second: SpiedEmbedder) async throws {
        (self.engine, self.place, self.second) = (engine, place, second)
        var settings = EngineDesk.Settings()
        settings.step = 4
        desk = EngineDesk(
            engine: engine,
            embeddings: try EmbeddingRegistry(["first": .known(first), "second": .known(second)], standard: "first"),
            reader: DocumentReader(scratch: place.folder), model: FakeModel(saying: "年假每年十天[1]。"),
            cache: MemoryAnswerCache(now: { Instant(nanoseconds: 1) }), settings: settings)
        try FileManager.default.createDirectory(atPath: place.folder + "/in", withIntermediateDirectories: true)
    }

    static func run(_ kind: EngineKind, _ body: (ReembedFixture) async throws -> Void) async throws {
        try await EngineFixture.run(kind) { place, engine in
            let fixture = try await ReembedFixture(engine, place, second: SpiedEmbedder(second, shift: 7))
            let result: Result<Void, any Error>
            do { result = .success(try await body(fixture)) } catch { result = .failure(error) }
            await fixture.desk.close()
            try result.get()
        }
    }

    @discardableResult
    func add(_ name: String, _ text: String, metadata: [String: MetadataValue] = [:]) async throws -> Added {
        let path = "\(place.folder)/in/\(UInt64.random(in: .min ... .max))"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        return try await desk.add(
            IncomingFile(name: name, path: path, metadata: metadata), to: EngineFixture.base, IngestOptions())
    }

    func ask(_ text: String) async throws -> AnswerEnd.Kind? {
        try await Heard(desk.answer(Question(text, bases: [EngineFixture.base]))).end?.kind
    }

    /// Asks, and looks whose vectors the question was compared with.
    ///
    /// - Returns: the models that all passages may be of: one, or none where there are no passages.
    @discardableResult
    func checkSearch(_ text: String) async throws -> [EmbeddingModel] {
        let found = try await desk.search(RetrievalQuery(text: text, limit: 10), in: [EngineFixture.base])
        let models = [first, second].filter { embedder in
            let question = embedder.vector(text)
            return found.allSatisfy { passage in
                // Words alone may have found it.
                guard let cosine = passage.why.cosine else { return true }
                let expected = zip(question, embedder.vector(passage.chunk.text)).reduce(0) { $0 + $1.0 * $1.1 }
                return abs(cosine - Double(expected)) < 1e-4
            }
        }.map(\.model)
        #expect(models.count == 1 || found.isEmpty, "\(found.map(\.why.cosine)) of \(text)")
        return models
    }
}

/// Which letters a text has, told by a model of its own.
final class SpiedEmbedder: Embedder {
    private struct State {
        var passages = 0
        var failsAfter = Int.max
        var gate: Gate?
    }

    let model: EmbeddingModel
    private let shift: Int
    private let state = Mutex(State())

    init(_ model: EmbeddingModel, shift: Int) { (self.model, self.shift) = (model, shift) }

    /// How many texts were embedded as passages.
    var passages: Int { state.withLock { $0.passages } }
    /// So many texts, and no more.
    var failsAfter: Int {
        get { state.withLock { $0.failsAfter } }
        set { state.withLock { $0.failsAfter = newValue } }
    }
    /// Passages wait for it.
    var gate: Gate? {
        get { state.withLock { $0.gate } }
        set { state.withLock { $0.gate = newValue } }
    }

    func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]] {
        if role == .passage {
            try await gate?.wait()
            try state.withLock { state in
                guard state.passages + texts.count <= state.failsAfter else {
                    throw KnowledgeError(.failed, "The embedder is broken.")
                }
                state.passages += texts.count
            }
            for _ in 0..<20 { await Task.yield() }
        }
        return texts.map(vector)
    }

    /// Another model gives the same letters other weights.
    func vector(_ text: String) -> [Float] {
        var vector = EngineFixture.vector(text, dimensions: model.dimensions)
        guard shift > 0 else { return vector }
        for place in vector.indices { vector[place] *= Float((place * shift) % 5) - 2 }
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return vector.map { $0 / length }
    }
}

/// Of what others go on beside.
final class End: Sendable {
    private let state = Mutex(false)

    var hasCome: Bool { state.withLock { $0 } }

    func come() { state.withLock { $0 = true } }
}
