import MartletBase
import MartletExchange
import MartletNet
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

/// `/info` of an app: what it serves, and on how many workers.
final class AppInfoEndpoint: LocalHandler {
    private let text: String

    init(_ served: [ServedAPI]) {
        let spec = served.first?.spec
        let devices = (spec?.worker?.devices ?? []).map { JSONText.quoted($0) }.joined(separator: ",")
        let streams = served.map { "\(JSONText.quoted($0.api.path)):\($0.api.isStream)" }.joined(separator: ",")
        text = """
            {"model":null,"server":{"devices":[\(devices)],"workers_per_device":\(spec?.worker?.workersPerDevice ?? 1),\
            "stream":{\(streams)}}}
            """
    }

    func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustRead()
        return .json(text)
    }
}
