import Foundation
import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import MartletTelemetry
import MartletWire
import NIOCore

/// What Ollama's clients ask, answered by the models of this server: each request becomes one to the model API and goes
/// through the dispatcher, with the fields that its client sent.
final class OllamaEndpoint: LocalHandler {
    /// Where it answers.
    static let paths = ["chat", "generate", "embed", "embeddings", "tags", "show", "ps", "version"]
        .map { "/api/\($0)" }

    /// Values in one request: each takes many times its bytes when a body is taken apart.
    private static let mostValues = 200_000

    private let models: OllamaModels
    private let lists: OllamaLists
    private let caller: InnerCaller
    private let routes: RoutesInForce

    /// - Parameter routes: Where the model API is.
    init(_ models: OllamaModels, _ lists: OllamaLists, caller: InnerCaller, routes: RoutesInForce) {
        (self.models, self.lists, self.caller, self.routes) = (models, lists, caller, routes)
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        do {
            return try await answer(request)
        } catch {
            return OllamaRefusal(error).response
        }
    }

    private func answer(_ request: LocalRequest) async throws -> LocalResponse {
        let reads = ["/api/tags", "/api/ps", "/api/version"].contains(request.path)
        try request.must(be: reads ? .get : .post)
        switch request.path {
        case "/api/tags": return .json(lists.tags(await models.listed()).text)
        case "/api/ps": return .json(lists.running(models.ready()).text)
        case "/api/version": return .json(#"{"version":"\#(OllamaLists.version)"}"#)
        case "/api/show":
            _ = try await called(try OllamaQuestion.model(of: try Self.body(request)))
            return .json(lists.shown().text)
        case "/api/embed": return try await embed(try OllamaEmbedding(embed: try Self.body(request)), request)
        case "/api/embeddings": return try await embed(try OllamaEmbedding(embeddings: try Self.body(request)), request)
        case "/api/generate": return try await complete(try OllamaQuestion(generate: try Self.body(request)), request)
        default: return try await complete(try OllamaQuestion(chat: try Self.body(request)), request)
        }
    }

    private static func body(_ request: LocalRequest) throws(OllamaRefusal) -> JSON {
        guard request.body.readableBytes > 0 else { throw OllamaRefusal(400, "missing request body") }
        guard JSONSize.values(in: request.body.readableBytesView) <= mostValues else {
            throw OllamaRefusal(413, "a request has at most \(mostValues) values")
        }
        guard let body = try? JSON.parse(request.body.readableBytesView) else {
            throw OllamaRefusal(400, "the body is not JSON")
        }
        return body
    }

    private func called(_ name: String) async throws(OllamaRefusal) -> String {
        guard let model = await models.called(name) else { throw .unknown(name) }
        return model
    }

    // MARK: Words

    private func complete(_ question: OllamaQuestion, _ request: LocalRequest) async throws -> LocalResponse {
        let asked = Instant.current
        let model = try await called(question.model)
        guard !question.isEmpty else { return .json(OllamaAnswer.empty(question).text) }
        let begun = try await begin(question.path, question.members, model, request)
        let answer = OllamaAnswer(question, asked: asked, begun: .current)
        guard question.streams else {
            let whole = try await begun.read { model in
                var whole = OllamaWhole()
                try await Self.read(model, answer) { whole.add($0) }
                return whole
            }
            return .json(whole.answer.text)
        }
        return LocalResponse(contentType: "application/x-ndjson") { writer in
            try await begun.read { try await Self.write($0, answer, to: writer) }
        }
    }

    /// What goes wrong once the answer has begun is a line of it.
    private static func write(_ begun: InnerAnswer, _ answer: OllamaAnswer, to writer: LocalWriter) async throws {
        do {
            try await read(begun, answer) { try await writer.write(ByteBuffer(string: $0.text + "\n")) }
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            try await writer.write(ByteBuffer(string: OllamaRefusal(error).text + "\n"))
        }
    }

    private static func read(
        _ begun: InnerAnswer, _ answer: OllamaAnswer, line: (JSON) async throws -> Void
    ) async throws {
        var answer = answer
        if begun.headers.value(.contentType)?.hasPrefix("text/event-stream") == true {
            for try await event in ModelEvents(begun.body) {
                for one in try answer.take(event, now: .current) { try await line(one) }
            }
        } else {
            // A model that does not stream.
            for one in try answer.take(try await ChatModel.whole(begun.body), now: .current) { try await line(one) }
        }
        for one in try answer.finish(now: .current) { try await line(one) }
    }

    // MARK: Vectors

    private func embed(_ question: OllamaEmbedding, _ request: LocalRequest) async throws -> LocalResponse {
        let asked = Instant.current
        let model = try await called(question.model)
        var list = EmbeddingList(data: [])
        if !question.isEmpty {
            let begun = try await begin(OllamaEmbedding.path, question.members, model, request)
            let bytes = try await begun.read { try await ChatModel.bytes($0.body) }
            guard let read = try? JSONDecoder().decode(EmbeddingList.self, from: Data(bytes.readableBytesView)) else {
                throw OllamaRefusal(502, "the answer is no list of vectors")
            }
            list = read
        }
        return .json(try question.told(list, took: .current - asked))
    }

    // MARK: The model API

    /// Asks the model API; its refusals are thrown.
    private func begin(
        _ path: String, _ members: Fields, _ model: String, _ request: LocalRequest
    ) async throws -> BegunAnswer {
        guard let (route, _) = routes.route(to: path) else { throw OllamaRefusal.unknown(model) }
        var body = members
        body["model"] = .string(model)
        let inner = request.asking(at: path, ByteBuffer(string: JSON.object(body).text))
        let begun = try await caller.begin(route, inner)
        guard (200..<300).contains(begun.answer.status) else {
            throw try await begun.read { await OllamaRefusal($0) }
        }
        return begun
    }
}
