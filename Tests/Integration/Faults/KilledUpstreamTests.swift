import MartletTools
import Testing

/// Backends die (SIGKILL) and come back, thirty times, while clients stream and ask: nobody who has not had a byte yet
/// notices, and whoever has is told.
@Suite(.serialized, .timeLimit(.minutes(1))) struct KilledUpstreamTests {
    private static let kills = 30

    @Test func noStreamEndsWithoutAWordAndNoRequestIsLost() async throws {
        try await withMockProcesses(6) { mocks in
            let targets = mocks.map { "{url: \($0.url)}" }
            let pool = onePool(
                // So many die at a time that a second try may meet one more, and those who try again are a crowd.
                targets, "health: {interval: 1s, timeout: 1s}", "retry: {attempts: 4, budget: 100%}",
                more: #"models: {"*": {pool: main}}\#nroutes: [{path: /v1/}]"#)
            try await withMartlet(pool) { martlet in
                let ledger = try await Ledger.open(martlet)
                let streams = Task { try await Self.load(martlet, isStream: true) }
                let unary = Task { try await Self.load(martlet, isStream: false) }
                for kill in 0..<Self.kills {
                    let victim = mocks[kill % mocks.count]
                    victim.kill()
                    try await Task.sleep(for: .milliseconds(150))
                    try await victim.restart()
                    try await Task.sleep(for: .milliseconds(150))
                }
                let (streamed, asked) = (try await streams.value, try await unary.value)
                let told = streamed.failures[.errorEvent, default: 0]
                #expect(told > 0, "some streams were cut")
                #expect(streamed.failed == told, "\(streamed.failures)")
                #expect(asked.failed == 0, "\(asked.failures) \(asked.statuses)")
                #expect(asked.completed > 100)
                let books = try await ledger.close([streamed, asked])
                #expect(books.balances, "\(books.text)")
            }
        }
    }

    /// Over a little more than the time of the kills.
    private static func load(_ martlet: MartletProcess, isStream: Bool) async throws -> LoadReport {
        try await martlet.load(stream: isStream) {
            $0.connections = 20
            $0.duration = .seconds(Double(kills) * 0.35)
            guard !isStream else { return }
            $0.rate = 50
            $0.fields = [("x-mock-latency", "50ms")]
        }
    }
}
