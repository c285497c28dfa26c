import Foundation
import Logging
import MartletBase
import MartletExchange
import MartletTelemetry
import MartletWire
import MartletWorkers
import NIOCore

/// Every endpoint and its method.
private let endpoints: [String: MartletWire.Method] = [
    "invoke": .post, "batch": .post, "stream": .post, "stream_log": .post, "stream_events": .post,
    "input_schema": .get, "output_schema": .get, "config_schema": .get, "playground": .get, "token_feedback": .post,
]

/// One chain behind its endpoints: LangServe's HTTP contract.
final class ChainEndpoint<Step: Runnable>: LocalHandler {
    /// What a path asks for.
    private struct Asked {
        let endpoint: String
        /// A configuration in the path.
        let hash: String?
    }

    private let path: String
    let step: Step
    private let schemas: ChainDescription
    private let config: ChainConfig
    private let dispatch: Dispatch
    private let logger: Logger

    init(_ step: Step, path: String, configKeys: Set<String>, dispatch: Dispatch, logger: Logger) {
        self.step = step
        self.path = path
        let config = ChainConfig(keys: configKeys, configurable: step.configurable)
        self.config = config
        schemas = ChainDescription(step, config)
        self.dispatch = dispatch
        self.logger = logger
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        do {
            guard let asked = try asked(request) else {
                // A browser asked for the folder without its slash.
                var response = LocalResponse(status: 307, contentType: "text/plain", body: ByteBuffer())
                response.headers = [("Location", request.path + "/")]
                return response
            }
            do {
                return try await answer(asked, request)
            } catch let error as HTTPError where asked.endpoint.hasPrefix("stream") {
                // LangChain's JavaScript client shows this member alone.
                guard case .string = error.detail else {
                    return error.response(["message": "the request is not valid"])
                }
                return error.response(["message": error.detail])
            }
        } catch {
            if error is CancellationError { throw error }
            if let told = HTTPError(telling: error) { return told.response() }
            log(error)
            return LocalResponse(
                status: 500, contentType: "text/plain; charset=utf-8",
                body: ByteBuffer(string: "Internal Server Error"))
        }
    }

    private func asked(_ request: LocalRequest) throws -> Asked? {
        var words = request.path.dropFirst(path.utf8.count).split(separator: "/").map(String.init)
        var hash: String?
        if words.count > 2, words[0] == "c" {
            hash = words[1].removingPercentEncoding ?? words[1]
            words.removeFirst(2)
        }
        let name = words.first ?? ""
        let isPage = name == "playground" && (words.count == 1 || words == ["playground", "index.html"])
        guard let method = endpoints[name], words.count == 1 || isPage, hash == nil || name != "token_feedback"
        else { throw HTTPError(404, "Not Found") }
        try request.must(be: method)
        if isPage, words.count == 1, !request.path.hasSuffix("/") { return nil }
        return Asked(endpoint: name, hash: hash)
    }

    private func answer(_ asked: Asked, _ request: LocalRequest) async throws -> LocalResponse {
        let hashed = try asked.hash.map { try ChainConfig.of(hash: $0) } ?? .null
        switch asked.endpoint {
        case "playground": return Playground.response
        case "input_schema": return .json(schemas.input.text)
        case "output_schema": return .json(schemas.output.text)
        case "config_schema": return .json(schemas.config.text)
        default: break
        }
        let body = try Self.body(request)
        if asked.endpoint == "token_feedback" {
            guard body["token_or_url"] != nil else {
                throw HTTPError.wrong("missing", ["body", "token_or_url"], "Field required", body)
            }
            throw HTTPError(400, "No LangSmith is connected to this server, and this endpoint writes to it")
        }
        let call = Call(endpoint: asked.endpoint, body: body, hashed: hashed, request: request)
        switch asked.endpoint {
        case "invoke": return try await invoke(call)
        case "batch": return try await batch(call)
        case "stream": return try stream(call)
        case "stream_log": return try streamLog(call)
        default: return try streamEvents(call)
        }
    }

    private static func body(_ request: LocalRequest) throws -> JSON {
        let body = try request.json()
        guard case .object = body else {
            throw HTTPError.wrong("model_type", [], "Input should be a valid dictionary", body)
        }
        return body
    }

    // MARK: What a call says

    /// One request to one endpoint.
    struct Call: Sendable {
        let endpoint: String
        let body: JSON
        let hashed: JSON
        let request: LocalRequest

        /// Throws 422.
        func needed(_ name: String) throws -> JSON {
            guard let value = body[name] else {
                throw HTTPError.wrong("missing", [.string(name)], "Field required", body)
            }
            return value
        }
    }

    func input(_ value: JSON, at place: [JSON] = []) throws -> Step.Input {
        try value.fitting(schemas.input, at: place)
    }

    func run(_ call: Call, _ said: JSON, listener: RunListener? = nil) throws -> Run {
        let agent = call.request.headers.value(.userAgent) ?? ""
        let config = ChainConfig.forced(
            try config.merged([call.hashed, said]), name: path, endpoint: call.endpoint, agent: agent)
        return Run(of: step, config, dispatch: dispatch.serving(call.request), listener: listener)
    }

    func log(_ error: any Error) {
        logger.error("a chain failed", [.route: path, .cause: "\(error)"])
    }
}
