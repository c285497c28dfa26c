import MartletBase
import MartletExchange
import MartletNet
import MartletWire
import MartletWorkers
import NIOCore

/// `/health`, as LitServe's clients know it: `ok` once every API can serve.
final class AppHealthEndpoint: LocalHandler {
    private let pools: [Pool]

    init(pools: [Pool]) {
        self.pools = pools
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let isReady = pools.allSatisfy { $0.isUsable(now: .current) }
        return LocalResponse(
            status: isReady ? 200 : 503, contentType: "text/plain; charset=utf-8",
            body: ByteBuffer(string: isReady ? "ok" : "not ready"))
    }
}

/// `/`, `/info` and `/openapi.json`: what is said of what is served.
final class AppTextEndpoint: LocalHandler {
    private let response: LocalResponse

    /// `/`.
    init(index text: String) {
        response = LocalResponse(
            status: 200, contentType: "text/plain; charset=utf-8", body: ByteBuffer(string: text))
    }

    /// `/info`: as the app states it, but for what the configuration changes.
    ///
    /// - Parameters:
    ///   - app: One of the first app's APIs; nil: all is served by this process.
    ///   - apis: All that is served.
    init(info app: ServedAPI?, _ apis: [APIDescription]) {
        var info = app?.app.settings.info ?? ["model": .null]
        var server = info["server"] ?? [:]
        if let app, let role = app.process.worker {
            let configuration = app.app.configuration
            if configuration.devices != nil || server["devices"] == nil {
                server["devices"] = .array(role.devices.map { .string($0) })
            }
            if configuration.workersPerDevice != nil || server["workers_per_device"] == nil {
                server["workers_per_device"] = .integer(Int64(role.workersPerDevice))
            }
        } else {
            server = ["devices": ["cpu"], "workers_per_device": 1]
        }
        switch server["stream"] {
        case nil: server["stream"] = .object(Self.streams(apis))
        case .object(let stated)?:
            // The app speaks for its own alone.
            let others = Self.streams(apis.filter { $0.platform == .swift })
            server["stream"] = .object(stated.merging(others) { own, _ in own })
        default: break
        }
        info["server"] = server
        response = .json(info.text)
    }

    private static func streams(_ apis: [APIDescription]) -> [String: JSONValue] {
        Dictionary(apis.map { ($0.route, .bool($0.isStream)) }) { $1 }
    }

    /// `/openapi.json`.
    init(document: OpenAPIDocument) {
        response = .json(document.text)
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
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
        try request.must(be: .post)
        guard let key, Secret("Bearer \(key.exposed)").matches(request.headers.value(.authorization) ?? "") else {
            return .detail("The bearer token is not the one that LIT_SHUTDOWN_API_KEY sets", status: 401)
        }
        shutDown()
        return LocalResponse(
            status: 200, contentType: "text/plain; charset=utf-8",
            body: ByteBuffer(string: "Server is initiating graceful shutdown."))
    }
}

extension LocalResponse {
    /// An error in the form that FastAPI's clients read.
    static func detail(_ text: String, status: Int) -> LocalResponse {
        .json(#"{"detail":\#(JSONText.quoted(text))}"#, status: status)
    }
}
