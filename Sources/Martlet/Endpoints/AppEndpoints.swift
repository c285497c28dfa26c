import MartletBase
import MartletExchange
import MartletNet
import MartletWire
import MartletWorkers
import NIOCore

/// `/health` of an app, as LitServe's clients know it: `ok` once every one of its APIs can serve.
final class AppHealthEndpoint: LocalHandler {
    private let pools: [Pool]

    init(pools: [Pool]) {
        self.pools = pools
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustRead()
        let isReady = pools.allSatisfy { $0.isUsable(now: .current) }
        return LocalResponse(
            status: isReady ? 200 : 503, contentType: "text/plain; charset=utf-8",
            body: ByteBuffer(string: isReady ? "ok" : "not ready"))
    }
}

/// `/` and `/info` of an app: what it says of itself, and on what it runs.
final class AppTextEndpoint: LocalHandler {
    private let response: LocalResponse

    /// `/`.
    init(index text: String) {
        response = LocalResponse(
            status: 200, contentType: "text/plain; charset=utf-8", body: ByteBuffer(string: text))
    }

    /// `/info`: as the app states it, but for what the configuration changes.
    init(info served: [ServedAPI]) {
        var info = served.first?.app.settings.info ?? ["model": .null]
        var server = info["server"] ?? [:]
        if let api = served.first, let role = api.process.worker {
            let configuration = api.app.configuration
            if configuration.devices != nil || server["devices"] == nil {
                server["devices"] = .array(role.devices.map { .string($0) })
            }
            if configuration.workersPerDevice != nil || server["workers_per_device"] == nil {
                server["workers_per_device"] = .integer(Int64(role.workersPerDevice))
            }
        }
        if server["stream"] == nil {
            server["stream"] = .object(Dictionary(served.map { ($0.path, .bool($0.api.isStream)) }) { $1 })
        }
        info["server"] = server
        response = .json(info.text)
    }

    /// `/openapi.json`.
    init(document: OpenAPIDocument) {
        response = .json(document.text)
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustRead()
        return response
    }
}

/// Ends the server, as LitServe's clients ask for it: with the key that `LIT_SHUTDOWN_API_KEY` sets, as a bearer token.
final class AppShutdownEndpoint: LocalHandler {
    private let key: Secret?
    private let shutDown: @Sendable () -> Void

    /// - Parameter key: nil: nobody may.
    init(key: Secret?, shutDown: @escaping @Sendable () -> Void) {
        self.key = key
        self.shutDown = shutDown
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        guard request.method == .post else { throw MartletError(.methodNotAllowed, cause: "use POST") }
        guard let key, Secret("Bearer \(key.exposed)").matches(request.headers.value(.authorization) ?? "") else {
            return .detail("The bearer token is not the one that LIT_SHUTDOWN_API_KEY sets", status: 401)
        }
        shutDown()
        return LocalResponse(
            status: 200, contentType: "text/plain; charset=utf-8",
            body: ByteBuffer(string: "Server is initiating graceful shutdown."))
    }
}

/// Asks for the key that `LIT_SERVER_API_KEY` sets. The APIs ask for it in their workers, unless they have an
/// `authorize` of their own.
final class Keyed: LocalHandler {
    private let handler: any LocalHandler
    private let key: Secret

    init(_ handler: any LocalHandler, key: Secret) {
        self.handler = handler
        self.key = key
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        guard key.matches(request.headers.value(named: "x-api-key") ?? "") else {
            return .detail("The X-API-Key header does not hold the server's key", status: 401)
        }
        return try await handler.handle(request)
    }
}

extension LocalResponse {
    /// An error in the form that FastAPI's clients read.
    static func detail(_ text: String, status: Int) -> LocalResponse {
        .json(#"{"detail":\#(JSONText.quoted(text))}"#, status: status)
    }
}
