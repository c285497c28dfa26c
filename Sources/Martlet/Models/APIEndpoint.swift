import Logging
import MartletBase
import MartletExchange
import MartletTelemetry
import MartletWire
import NIOCore

/// One model behind its path: JSON in, JSON out.
final class APIEndpoint<Served: Model>: LocalHandler {
    private let group: ModelGroup<Served>
    private let schema: JSON
    private let failures: ModelFailures

    init(_ group: ModelGroup<Served>, path: String, logger: Logger) {
        self.group = group
        schema = Schema.of(Served.Input.self)
        failures = ModelFailures(path: path, logger: logger)
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try await failures.told {
            let input: Served.Input = try request.input(schema)
            let output = try await group.compute(
                input, bytes: request.body.readableBytes, priority: request.priority, deadline: request.deadline)
            return .json(try JSON.text(of: output))
        }
    }
}

/// A model that streams behind its path: text as it is, other pieces as lines of JSON.
final class StreamEndpoint<Served: StreamingModel>: LocalHandler {
    private let model: Served
    private let schema: JSON
    private let threads: ModelThreads
    private let dispatch: Dispatch
    private let failures: ModelFailures

    init(_ model: Served, path: String, threads: ModelThreads, dispatch: Dispatch, logger: Logger) {
        self.model = model
        self.threads = threads
        self.dispatch = dispatch
        schema = Schema.of(Served.Input.self)
        failures = ModelFailures(path: path, logger: logger)
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try await failures.told {
            let input: Served.Input = try request.input(schema)
            let isText = Served.Output.self == String.self
            return LocalResponse(contentType: isText ? "text/plain; charset=utf-8" : "application/x-ndjson") { writer in
                try await self.failures.noted { try await self.stream(input, request, writer) }
            }
        }
    }

    private func stream(_ input: Served.Input, _ request: LocalRequest, _ writer: LocalWriter) async throws {
        let run = Run(asking: dispatch.serving(request))
        let model = model
        try await withTaskExecutorPreference(threads) {
            try await Run.$current.withValue(run) {
                try await model.stream(input) { piece in
                    let text = try (piece as? String) ?? JSON.text(of: piece) + "\n"
                    try await writer.write(ByteBuffer(string: text))
                }
            }
        }
    }
}

/// What becomes of a model's errors: the log has them whole, the client what concerns it.
struct ModelFailures: Sendable {
    let path: String
    let logger: Logger

    func told(_ body: () async throws -> LocalResponse) async throws -> LocalResponse {
        do {
            return try await noted(body)
        } catch {
            guard let told = HTTPError(telling: error) else { throw MartletError(.workerFailed) }
            return told.response()
        }
    }

    func noted<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch {
            if !(error is CancellationError), HTTPError(telling: error) == nil {
                logger.error("a model failed", [.route: path, .cause: "\(error)"])
            }
            throw error
        }
    }
}

extension LocalRequest {
    /// The body as a model's input. Throws 405 and 422.
    fileprivate func input<Input: Decodable>(_ schema: JSON) throws -> Input {
        try must(be: .post)
        return try json().fitting(schema)
    }
}
