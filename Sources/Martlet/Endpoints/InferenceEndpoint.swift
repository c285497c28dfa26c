import Foundation
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletTelemetry
import MartletWire
import NIOCore

/// `/v2`: the Open Inference Protocol, version 2, for every model that workers or this process serve: tensors become
/// the JSON that the model reads, and its JSON becomes tensors.
final class InferenceEndpoint: LocalHandler {
    /// Where it is served.
    static let path = "/v2"

    private static let headerLength = "Inference-Header-Content-Length"

    private let models: [ServedModel]
    private let caller: InnerCaller

    init(_ models: [ServedModel], caller: InnerCaller) {
        self.models = models
        self.caller = caller
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        do {
            return try await answer(request)
        } catch let error as MartletError {
            var response = Self.fault(
                error.cause.isEmpty ? error.code.sentence : error.cause, status: error.code.status)
            response.headers = error.headers
            return response
        }
    }

    private func answer(_ request: LocalRequest) async throws -> LocalResponse {
        let parts = request.path.dropFirst(Self.path.count).split(separator: "/").map(String.init)
        switch parts.first {
        case nil:
            try request.must(be: .get)
            return .json(serverMetadata.text)
        case "health" where parts == ["health", "live"]:
            try request.must(be: .get)
            return .json(#"{"live":true}"#)
        case "health" where parts == ["health", "ready"]:
            try request.must(be: .get)
            return Self.readiness(models.allSatisfy(\.isReady))
        case "repository" where parts == ["repository", "index"]:
            try request.must(be: .post)
            return .json(index(request).text)
        case "models" where parts.count > 1:
            return try await answer(request, ModelPath(parts.dropFirst()))
        default:
            throw MartletError(.notFound)
        }
    }

    private func answer(_ request: LocalRequest, _ path: ModelPath) async throws -> LocalResponse {
        guard let model = models.first(where: { $0.name == path.model })
            ?? models.first(where: { $0.aliases.contains(path.model) })
        else {
            throw MartletError(.modelNotFound, cause: "there is no model '\(path.model.prefix(200))'")
        }
        if let version = path.version, version != model.version {
            let cause = "there is no version '\(version.prefix(200))' of model '\(path.model)'"
            throw MartletError(.modelNotFound, cause: cause)
        }
        switch path.verb {
        case .metadata:
            try request.must(be: .get)
            return .json(InferenceMetadata(model).text)
        case .ready:
            try request.must(be: .get)
            return Self.readiness(model.isReady)
        case .infer:
            try request.must(be: .post)
            return try await infer(request, model, named: path.model)
        }
    }

    // MARK: Inference

    private func infer(
        _ request: LocalRequest, _ model: ServedModel, named name: String
    ) async throws -> LocalResponse {
        if let coding = request.headers.value(.contentEncoding), coding.lowercased() != "identity" {
            return Self.fault("bodies are taken as they are, not as \(coding.prefix(50))", status: 415)
        }
        let question = try Self.question(request)
        let body: ByteBuffer
        do throws(WireError) {
            body = try question.object(plain: model.plainInputs, limit: model.route.bodyLimit)
        } catch {
            throw MartletError(error)
        }
        let reply = try await caller.ask(model.route, request.asking(model, body))
        guard reply.status < 300 else { return Self.refusal(reply) }
        let answer = InferenceAnswer(reply.body)
        guard !Task.isCancelled else { throw MartletError(.deadlineExceeded) }
        if let missing = answer.missing(question) {
            throw MartletError(.badRequest, cause: "model '\(name)' has no output '\(missing.prefix(200))'")
        }
        do throws(WireError) {
            return Self.written(try answer.written(to: question, model: name, version: model.version))
        } catch {
            throw MartletError(error)
        }
    }

    private static func question(_ request: LocalRequest) throws(MartletError) -> InferenceRequest {
        var length: Int?
        if let text = request.headers.value(named: headerLength) {
            guard let stated = Int(text), stated > 0 else {
                throw MartletError(.badRequest, cause: "\(headerLength) is no length")
            }
            length = stated
        }
        do throws(WireError) {
            return try InferenceRequest(body: request.body, headerLength: length)
        } catch {
            throw MartletError(error)
        }
    }

    private static func written(_ answer: (header: ByteBuffer, tensors: ByteBuffer)) -> LocalResponse {
        guard answer.tensors.readableBytes > 0 else {
            return LocalResponse(status: 200, contentType: "application/json", body: answer.header)
        }
        var body = answer.header
        body.writeImmutableBuffer(answer.tensors)
        var response = LocalResponse(status: 200, contentType: "application/octet-stream", body: body)
        response.headers.append((headerLength, String(answer.header.readableBytes)))
        return response
    }

    /// What the model, or Martlet in front of it, said instead of an answer: in this protocol's form.
    private static func refusal(_ reply: LocalResponse) -> LocalResponse {
        var response = fault(ErrorText.message(in: reply), status: reply.status < 400 ? 502 : reply.status)
        response.headers += reply.headers
        return response
    }

    // MARK: What is there

    private var serverMetadata: JSONValue {
        [
            "name": "martlet", "version": .string(BuildInfo.current.version),
            "extensions": ["binary_tensor_data", "model_repository(index)"],
        ]
    }

    private func index(_ request: LocalRequest) -> JSONValue {
        // Longer ones say nothing of use, and would be taken apart as a whole.
        let asked = request.body.readableBytes > 4096
            ? nil : try? JSON.parse(request.body.readableBytesView)
        let listed = asked?["ready"] == true ? models.filter(\.isReady) : models
        return .array(
            listed.map { model in
                [
                    "name": .string(model.name), "version": .string(model.version),
                    "state": model.isReady ? "READY" : "UNAVAILABLE",
                    "reason": model.isReady ? "" : "no worker is ready",
                ]
            })
    }

    /// The protocol wants a 4xx where something is not ready.
    private static func readiness(_ isReady: Bool) -> LocalResponse {
        .json(#"{"ready":\#(isReady)}"#, status: isReady ? 200 : 400)
    }

    private static func fault(_ message: String, status: Int) -> LocalResponse {
        .json(#"{"error":\#(JSONText.quoted(message))}"#, status: status)
    }
}

/// What follows `/v2/models/`: a name, maybe with slashes in it, maybe a version, and what is wanted.
private struct ModelPath {
    enum Verb: String {
        case metadata, ready, infer
    }

    let model: String
    let version: String?
    let verb: Verb

    init(_ parts: some Collection<String>) {
        var parts = parts.map { $0.removingPercentEncoding ?? $0 }
        var verb = Verb.metadata
        if parts.count > 1, let last = parts.last.flatMap(Verb.init(rawValue:)), last != .metadata {
            verb = last
            parts.removeLast()
        }
        var version: String?
        if parts.count > 2, parts[parts.count - 2] == "versions" {
            version = parts.removeLast()
            parts.removeLast()
        }
        model = parts.joined(separator: "/")
        (self.version, self.verb) = (version, verb)
    }
}
