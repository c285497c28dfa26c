import MartletBase
package import MartletExchange
import MartletNet
import MartletWire
import Synchronization

/// `GET /healthz`: whether this process serves and at least one pool has a target that can be picked.
package final class HealthzEndpoint: LocalHandler {
    private let pools: [Pool]

    package init(pools: [Pool]) {
        self.pools = pools
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        let isServing = pools.isEmpty || pools.contains { $0.isUsable(now: .current) }
        return .json(isServing ? #"{"status":"ok"}"# : #"{"status":"fail"}"#, status: isServing ? 200 : 500)
    }
}

/// Whether this process is on its way out.
package final class Readiness: Sendable {
    private let draining = Atomic(false)
    private let drained = Atomic(false)

    package init() {}

    package var isDraining: Bool {
        get { draining.load(ordering: .relaxed) }
        set { draining.store(newValue, ordering: .relaxed) }
    }

    /// No client is left that could be served.
    package var isDrained: Bool {
        get { drained.load(ordering: .relaxed) }
        set { drained.store(newValue, ordering: .relaxed) }
    }
}

/// `GET /readyz`: whether traffic should be sent here: every pool can serve, and the process does not drain.
package final class ReadyzEndpoint: LocalHandler {
    private let pools: [Pool]
    private let readiness: Readiness

    package init(pools: [Pool], readiness: Readiness) {
        self.pools = pools
        self.readiness = readiness
    }

    package func handle(_ request: LocalRequest) async throws -> LocalResponse {
        try request.must(be: .get)
        guard !readiness.isDraining else { return .json(#"{"status":"draining"}"#, status: 503) }
        let missing = pools.filter { !$0.isUsable(now: .current) }.map { JSONText.quoted($0.name) }
        return missing.isEmpty
            ? .json(#"{"status":"ok"}"#)
            : .json(#"{"status":"fail","pools_without_targets":[\#(missing.joined(separator: ","))]}"#, status: 503)
    }
}
