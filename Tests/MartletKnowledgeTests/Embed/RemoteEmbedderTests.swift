import Foundation
import MartletWire
import Synchronization
import Testing

@testable import MartletKnowledge

/// Answers bodies one after another as it is told to, and keeps what it was asked.
private final class Backend: Sendable {
    private let answers: Mutex<[RemoteEmbedder.Reply]>
    private let bodies = Mutex<[JSONValue]>([])
    private let pauses = Mutex<[Double]>([])

    init(_ answers: [RemoteEmbedder.Reply]) { self.answers = Mutex(answers) }

    /// As many vectors as texts, the number of the text as their first value.
    static func counting() -> @Sendable ([UInt8]) async throws -> RemoteEmbedder.Reply {
        { body in
            let texts = try inputs(body)
            let items = texts.enumerated().map { index, text in
                "{\"index\":\(index),\"embedding\":[\(Int(text) ?? 0),1]}"
            }
            return RemoteEmbedder.Reply(status: 200, body: Array("{\"data\":[\(items.joined(separator: ","))]}".utf8))
        }
    }

    static func inputs(_ body: [UInt8]) throws -> [String] {
        let value = try JSONDecoder().decode(JSONValue.self, from: Data(body))
        guard case .array(let texts)? = value["input"] else { return [] }
        return texts.compactMap { if case .string(let text) = $0 { text } else { nil } }
    }

    func embedder(dimensions: Int = 2, _ change: (inout RemoteEmbedder.Settings) -> Void = { _ in }) -> RemoteEmbedder {
        var settings = RemoteEmbedder.Settings(model: "bge-m3")
        change(&settings)
        return RemoteEmbedder(
            model: EmbeddingModel(name: "bge", version: "1", dimensions: dimensions), settings: settings,
            pause: { seconds in self.pauses.withLock { $0.append(seconds) } },
            call: { body in
                let value = try JSONDecoder().decode(JSONValue.self, from: Data(body))
                self.bodies.withLock { $0.append(value) }
                return self.answers.withLock { $0.removeFirst() }
            })
    }

    var asked: [JSONValue] { bodies.withLock { $0 } }
    var waits: [Double] { pauses.withLock { $0 } }
}

private func ok(_ json: String) -> RemoteEmbedder.Reply { RemoteEmbedder.Reply(status: 200, body: Array(json.utf8)) }

private func failure(_ embedder: RemoteEmbedder, _ texts: [String] = ["年假"]) async -> KnowledgeError? {
    await #expect(throws: KnowledgeError.self) { _ = try await embedder.embed(texts, as: .query) }
}

@Suite struct RemoteEmbedderTests {
    @Test func vectorsComeInTheOrderOfTheTextsAndOfLengthOne() async throws {
        let backend = Backend([
            ok(#"{"data":[{"index":1,"embedding":[0,5]},{"index":0,"embedding":[3,4]}]}"#)
        ])
        let vectors = try await backend.embedder().embed(["年假几天", "travel costs"], as: .passage)
        #expect(vectors == [[0.6, 0.8], [0, 1]])
        #expect(backend.asked == [["model": "bge-m3", "input": ["年假几天", "travel costs"], "encoding_format": "base64"]])
    }

    @Test func floatsInBase64AreRead() async throws {
        let bytes = [Float(0), -2].flatMap { TinyModel.little(Int($0.bitPattern), 4) }
        let text = Data(bytes).base64EncodedString()
        let backend = Backend([ok(#"{"data":[{"index":0,"embedding":"\#(text)"}]}"#)])
        #expect(try await backend.embedder().embed(["a"], as: .query) == [[0, -1]])
    }

    @Test func prefixesTellQuestionsFromPassages() async throws {
        let one = ok(#"{"data":[{"embedding":[1,0]}]}"#)
        let backend = Backend([one, one])
        let embedder = backend.embedder { ($0.queryPrefix, $0.passagePrefix) = ("query: ", "passage: ") }
        _ = try await embedder.embed(["报销"], as: .query)
        _ = try await embedder.embed(["报销"], as: .passage)
        #expect(backend.asked.map { $0["input"] } == [["query: 报销"], ["passage: 报销"]])
    }

    @Test func requestsAreBoundedByTextsAndBytesAndStayInOrder() async throws {
        let sizes = Mutex<[[Int]]>([])
        let counting = Backend.counting()
        var settings = RemoteEmbedder.Settings(model: "m")
        (settings.maximumTexts, settings.maximumBytes) = (3, 6)
        let embedder = RemoteEmbedder(
            model: EmbeddingModel(name: "m", version: "1", dimensions: 2), settings: settings
        ) { body in
            let inputs = try Backend.inputs(body)
            sizes.withLock { $0.append(inputs.map(\.utf8.count)) }
            return try await counting(body)
        }
        let texts = ["1", "2", "3", "4", "55555", "6", "7"]
        let vectors = try await embedder.embed(texts, as: .passage)
        #expect(vectors.map { ($0[0] / $0[1]).rounded() } == [1, 2, 3, 4, 55555, 6, 7])
        let asked: Set<[Int]> = [[1, 1, 1], [1, 5], [1, 1]]
        #expect(Set(sizes.withLock { $0 }) == asked)
        let tooLong = await #expect(throws: KnowledgeError.self) { try await embedder.embed(["1234567"], as: .query) }
        #expect(tooLong?.code == .tooLarge)
    }

    @Test func aBackendThatAsksToComeLaterIsAskedAgainThen() async throws {
        let backend = Backend([
            RemoteEmbedder.Reply(status: 429, retryAfterSeconds: 7, body: []),
            RemoteEmbedder.Reply(status: 503, body: []),
            ok(#"{"data":[{"embedding":[0,2]}]}"#),
        ])
        #expect(try await backend.embedder().embed(["a"], as: .query) == [[0, 1]])
        #expect(backend.waits == [7, 1])
    }

    @Test func waitsAndAttemptsAreBounded() async throws {
        let busy = RemoteEmbedder.Reply(status: 429, retryAfterSeconds: 1, body: [])
        let backend = Backend([busy, busy, busy, busy])
        #expect(await failure(backend.embedder())?.code == .overloaded)
        #expect(backend.asked.count == 3)
        let slow = Backend([RemoteEmbedder.Reply(status: 503, retryAfterSeconds: 3600, body: [])])
        #expect(await failure(slow.embedder())?.code == .overloaded)
        #expect(slow.waits.isEmpty)
    }

    @Test(arguments: [
        (400, KnowledgeError.Code.invalid), (413, .tooLarge), (401, .unavailable), (404, .unavailable),
        (500, .unavailable),
    ])
    func aRefusalSaysWhatTheBackendSaid(status: Int, code: KnowledgeError.Code) async throws {
        let body = #"{"error":{"message":"input is not allowed"}}"#
        let backend = Backend([RemoteEmbedder.Reply(status: status, body: Array(body.utf8))])
        let error = await failure(backend.embedder())
        #expect(error?.code == code)
        #expect(error?.message == "The embedding backend answered \(status): input is not allowed.")
    }

    @Test(arguments: [
        "{", #"{"data":[]}"#, #"{"data":[{"embedding":[1,2]},{"embedding":[1,2]}]}"#,
        #"{"data":[{"index":1,"embedding":[1,2]}]}"#, #"{"data":[{"embedding":[0,0]}]}"#,
        #"{"data":[{"embedding":"AAA"}]}"#,
    ])
    func anAnswerThatIsNoVectorForEachTextIsAnError(json: String) async throws {
        #expect(await failure(Backend([ok(json)]).embedder())?.code == .unavailable)
    }

    @Test func vectorsOfOtherDimensionsAreRefused() async throws {
        let backend = Backend([ok(#"{"data":[{"embedding":[1,2,3]}]}"#)])
        #expect(await failure(backend.embedder())?.code == .wrongModel)
    }

    @Test func dimensionsThatNobodySaidAreMeasured() async throws {
        let embedder = try await RemoteEmbedder.measuring(
            name: "m", version: "2", settings: RemoteEmbedder.Settings(model: "m"),
            call: { _ in ok(#"{"data":[{"embedding":[1,2,3]}]}"#) })
        #expect(embedder.model == EmbeddingModel(name: "m", version: "2", dimensions: 3))
    }

    @Test func aBackendThatCannotBeReachedIsUnavailableButACallerWhoGoesIsCancelled() async throws {
        struct Refused: Error {}
        let model = EmbeddingModel(name: "m", version: "1", dimensions: 2)
        let settings = RemoteEmbedder.Settings(model: "m")
        let lost = RemoteEmbedder(model: model, settings: settings) { _ in throw Refused() }
        #expect(await failure(lost)?.code == .unavailable)
        let (begun, begin) = AsyncStream<Void>.makeStream()
        let embedder = RemoteEmbedder(model: model, settings: settings) { _ in
            begin.finish()
            try await Task.sleep(for: .seconds(600))
            return ok("{}")
        }
        let call = Task { try await embedder.embed(["a"], as: .query) }
        for await _ in begun {}
        call.cancel()
        await #expect(throws: CancellationError.self) { try await call.value }
    }
}

@Suite struct EmbeddingRegistryTests {
    private struct Silent: Embedder {
        var model: EmbeddingModel
        func embed(_ texts: [String], as role: EmbeddingRole) async throws -> [[Float]] { [] }
    }

    private let old = EmbeddingModel(name: "use", version: "1", dimensions: 512)
    private let new = EmbeddingModel(name: "use", version: "2", dimensions: 512)

    @Test func aBaseGetsTheModelOfItsVectorsAndNoOther() async throws {
        let registry = try EmbeddingRegistry(
            ["built-in": .known(Silent(model: new)), "remote": .known(Silent(model: old))], standard: "built-in")
        #expect(try registry.embedder(for: old).model == old)
        #expect(try await registry.embedder(named: nil).model == new)
        let other = EmbeddingModel(name: "use", version: "3", dimensions: 512)
        let error = #expect(throws: KnowledgeError.self) { try registry.embedder(for: other) }
        #expect(error?.code == .wrongModel)
        #expect(error?.message.contains("use 3 (512 dimensions)") == true)
    }

    @Test func aBackendIsAskedForTheLengthOfItsVectorsOnlyWhereNoBaseKnowsIt() async throws {
        let registry = try EmbeddingRegistry(
            [
                "remote": .remote(
                    name: "bge", version: "",
                    with: { Silent(model: EmbeddingModel(name: "bge", version: "", dimensions: $0)) },
                    measure: { Silent(model: EmbeddingModel(name: "bge", version: "", dimensions: 1024)) })
            ], standard: "remote")
        #expect(try await registry.embedder(named: nil).model.dimensions == 1024)
        let known = EmbeddingModel(name: "bge", version: "", dimensions: 768)
        #expect(try registry.embedder(for: known).model == known)
    }

    @Test func aNameThatThereIsNotIsSaid() async throws {
        let registry = try EmbeddingRegistry(["built-in": .known(Silent(model: old))], standard: "built-in")
        await #expect(throws: KnowledgeError(.notFound, "There is no embedding e5: it is one of built-in.")) {
            try await registry.embedder(named: "e5")
        }
        #expect(throws: KnowledgeError.self) { try EmbeddingRegistry([:], standard: "built-in") }
    }
}
