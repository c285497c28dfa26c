import MartletTools
import Testing

/// The network loses packets, or is very slow, between clients and gateway and between gateway and backends: every
/// request is accounted for, and no stream ends without its marker or a visible error.
private enum BadNetwork {
    /// - Parameters:
    ///   - share: the part of the requests that may fail visibly.
    ///   - network: makes it bad while the load runs. The books are closed when it is well again.
    static func expectHonesty(
        connections: Int, for duration: Duration, failing share: Double, isLossy: Bool = false,
        in network: (MartletProcess, [MockServer], () async throws -> Void) async throws -> Void
    ) async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets(), more: #"models: {"*": {pool: main}}\#nroutes: [{path: /v1/}]"#)
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            let ledger = try await Ledger.open(martlet, mocks)
            var reports: [LoadReport] = []
            try await network(martlet, mocks) {
                async let streams = load(martlet, stream: true, connections, duration)
                async let unary = load(martlet, stream: false, connections, duration)
                reports = [try await streams, try await unary]
            }
            for report in reports {
                // A failure may be a status, an error in the stream, or a wait in vain: something that its client sees.
                let hidden: [LoadFailure] = [.silent, .gap, .malformed, .mismatch]
                #expect(hidden.allSatisfy { report.failures[$0, default: 0] == 0 }, "\(report.failures)")
                #expect(report.completed > 0)
                #expect(Double(report.failed) <= share * Double(report.requests), "\(report.failures)")
            }
            // A farewell that was lost again and again comes as late again as it has been on its way.
            let books = try await ledger.close(reports, patience: isLossy ? 15 : 5, isLossy: isLossy)
            #expect(books.balances, "\(books.text)")
        }
    }

    private static func load(
        _ martlet: MartletProcess, stream: Bool, _ connections: Int, _ duration: Duration
    ) async throws -> LoadReport {
        try await martlet.load(stream: stream) {
            $0.fields = [("x-mock-tokens", "8"), ("x-mock-latency", "100ms")]
            $0.connections = connections
            $0.duration = duration
        }
    }
}

@Suite(.timeLimit(.minutes(1)), .inOwnNetwork) struct LossTests {
    @Test(arguments: [(0.01, 3, 0.0), (0.1, 4, 0.1), (0.3, 10, 0.3)])
    func everyRequestIsAccountedFor(probability: Double, seconds: Int, failing: Double) async throws {
        try await BadNetwork.expectHonesty(
            connections: 10, for: .seconds(seconds), failing: failing, isLossy: true
        ) { martlet, mocks, load in
            let ports = [martlet.publicPort] + mocks.map(\.port)
            try await OwnNetwork.losing(probability, ports: ports) { try await load() }
        }
    }
}

@Suite(.timeLimit(.minutes(1)), .inOwnNetwork) struct NarrowNetworkTests {
    @Test func everyRequestIsAccountedForAt64KilobitsASecond() async throws {
        try await BadNetwork.expectHonesty(connections: 2, for: .seconds(8), failing: 0) { _, _, load in
            try await OwnNetwork.narrow(64) { try await load() }
        }
    }
}
