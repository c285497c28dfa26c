import MartletBase
package import MartletExchange
import MartletNet

/// `GET /healthz`: whether this process serves and at least one pool has a target that can be picked.
package final class HealthzEndpoint: LocalHandler {
    private let pools: [Pool]

    package init(pools: [Pool]) {
        self.pools = pools
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustRead()
        let isServing = pools.isEmpty || pools.contains { $0.isUsable(now: .current) }
        return .json(isServing ? #"{"status":"ok"}"# : #"{"status":"fail"}"#, status: isServing ? 200 : 500)
    }
}

/// `GET /readyz`: whether traffic should be sent here: every pool can serve.
package final class ReadyzEndpoint: LocalHandler {
    private let pools: [Pool]

    package init(pools: [Pool]) {
        self.pools = pools
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.mustRead()
        let missing = pools.filter { !$0.isUsable(now: .current) }.map { JSONText.quoted($0.name) }
        return missing.isEmpty
            ? .json(#"{"status":"ok"}"#)
            : .json(#"{"status":"fail","pools_without_targets":[\#(missing.joined(separator: ","))]}"#, status: 503)
    }
}
