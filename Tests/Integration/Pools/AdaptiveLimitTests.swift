import MartletTools
import Testing

/// `limit: adaptive` before a server of eight slots that is asked for twice what it can do.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AdaptiveLimitTests {
    @Test func TheServerDoesAsMuchAsEverAndNobodyWaitsLongForTheFirstByte() async throws {
        // Side by side: both wait for servers that sleep, and what else the machine does meets both.
        async let one = Self.serve("limit: adaptive", "queue: {length: 8}")
        async let other = Self.serve("limit: fixed")
        let (found, unlimited) = try await (one, other)
        #expect(unlimited.stats.mostWaiting > 8, "the line is in the server: \(unlimited.stats.mostWaiting)")
        #expect(found.stats.mostWaiting < unlimited.stats.mostWaiting / 2, "\(found.stats.mostWaiting)")
        #expect(found.stats.mostBusy == 8, "every slot is found")
        let shed = found.report.statuses[503] ?? 0
        #expect(shed > 0)
        #expect(found.report.failed == shed, "\(found.report.failures)")
        #expect(found.report.retryAfter[503] == shed)
        #expect(
            Double(found.report.completed) > 0.7 * Double(unlimited.report.completed),
            "\(found.report.completed) answers, \(unlimited.report.completed) without a limit")
        let first = found.report.firstOfCompleted.quantile(0.9)
        let slow = unlimited.report.firstOfCompleted.quantile(0.9)
        #expect(Double(first) < 0.5 * Double(slow), "\(first / 1_000_000) ms, \(slow / 1_000_000) ms without a limit")
    }

    private static func serve(_ settings: String...) async throws -> (report: LoadReport, stats: MockStats) {
        var options = MockOptions()
        options.slots = 8
        options.behaviour.latency = .milliseconds(50)
        options.behaviour.tokens = 20
        options.behaviour.interval = .milliseconds(10)
        var result: (LoadReport, MockStats)?
        try await withMocks(1, options) { mocks in
            try await withMartlet(onePool(mocks.targets(), settings: settings)) { martlet in
                let report = try await martlet.load(stream: true) {
                    // A slot takes a quarter of a second: 32 a second at most.
                    $0.rate = 64
                    $0.connections = 250
                    $0.duration = .seconds(4)
                }
                result = (report, mocks[0].stats)
            }
        }
        return try #require(result)
    }
}
