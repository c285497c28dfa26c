import MartletTools
import Testing

/// The network loses packets or is very slow, between clients and gateway and between gateway and backends: every
/// request is accounted for, and no stream ends without its marker or a visible error.
@Suite(.serialized, .timeLimit(.minutes(3)), .inOwnNetwork) struct LossTests {
    private static func configuration(_ mocks: [MockServer]) -> String {
        onePool(mocks.targets(), more: #"models: {"*": {pool: main}}\#nroutes: [{path: /v1/}]"#)
    }

    private static func load(
        _ martlet: MartletProcess, stream: Bool, connections: Int, count: Int
    ) async throws -> LoadReport {
        var options = LoadOptions()
        options.port = martlet.publicPort
        options.path = "/v1/chat/completions"
        options.stream = stream
        options.body = LoadOptions.chatBody(stream: stream)
        options.connections = connections
        options.count = count
        options.timeout = .seconds(60)
        return try await LoadGenerator.run(options)
    }

    /// Half the load are streams. The books are closed when the network is well again.
    private static func expectHonesty(
        connections: Int, count: Int, failures: Int, in network: (MartletProcess, [MockServer], () async throws -> Void)
            async throws -> Void
    ) async throws {
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            let ledger = try await Ledger.open(martlet, mocks)
            var reports: [LoadReport] = []
            try await network(martlet, mocks) {
                async let streams = load(martlet, stream: true, connections: connections, count: count)
                async let unary = load(martlet, stream: false, connections: connections, count: count)
                reports = [try await streams, try await unary]
            }
            for report in reports {
                // A failure may be a status or an error in the stream: something that its client can see.
                let silent: [LoadFailure] = [.truncated, .gap, .malformed, .mismatch, .timeout]
                #expect(silent.allSatisfy { report.failures[$0, default: 0] == 0 }, "\(report.failures)")
                #expect(report.failed <= failures, "\(report.failures) \(report.statuses)")
            }
            let books = try await ledger.close(reports)
            #expect(books.balances, "\(books.text)")
        }
    }

    @Test(arguments: [(0.01, 0), (0.1, 4), (0.3, 20)])
    func everyRequestIsAccountedForWhilePacketsAreLost(probability: Double, failures: Int) async throws {
        try await Self.expectHonesty(connections: 20, count: 40, failures: failures) { martlet, mocks, load in
            let ports = [martlet.publicPort] + mocks.map(\.port)
            try await OwnNetwork.losing(probability, ports: ports) { try await load() }
        }
    }

    @Test func everyRequestIsAccountedForAt64KilobitsASecond() async throws {
        try await Self.expectHonesty(connections: 3, count: 3, failures: 0) { _, _, load in
            try await OwnNetwork.narrow(64) { try await load() }
        }
    }
}
