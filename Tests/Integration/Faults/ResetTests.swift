import MartletTools
import Testing

/// Connections torn down by the kernel (`ss -K`) and floods of resets: each ends only its own request, and nothing of
/// it stays.
@Suite(.serialized, .timeLimit(.minutes(1))) struct ResetTests {
    private static let streams = 200

    private static func configuration(_ mocks: [MockServer]) -> String {
        onePool(mocks.targets("max_fails: 0"), more: #"models: {"*": {pool: main}}\#nroutes: [{path: /v1/}]"#)
    }

    /// Two hundred live streams, then `tear`; what became of them.
    private static func tearingDown(
        _ martlet: MartletProcess, _ mock: MockServer, _ tear: () async throws -> Void
    ) async throws -> LoadReport {
        let report = Task {
            try await martlet.load(stream: true) {
                $0.fields = [("x-mock-tokens", "100000"), ("x-mock-interval", "50ms")]
                $0.connections = streams
                $0.count = streams
            }
        }
        try await until("all streams to live") { mock.stats.tokensSent > 3 * streams }
        try await tear()
        return try await report.value
    }

    @Test func clientsTornOffEndTheirWorkUpstream() async throws {
        try await withMartlet(mocks: 1, Self.configuration) { martlet, mocks in
            let report = try await Self.tearingDown(martlet, mocks[0]) {
                try await Self.kill("dport = :\(martlet.publicPort)")
            }
            #expect(report.failures[.truncated] == Self.streams, "\(report.failures)")
            try await until("the backend to be told") { mocks[0].stats.cancelled == Self.streams }
            #expect(try await martlet.metrics().sum("martlet_cancelled_total", ["phase": "streaming"]) == 200)
        }
    }

    @Test func backendsTornOffAreToldInTheStream() async throws {
        try await withMartlet(mocks: 1, Self.configuration) { martlet, mocks in
            let ledger = try await Ledger.open(martlet, mocks)
            let report = try await Self.tearingDown(martlet, mocks[0]) {
                try await Self.kill("dport = :\(mocks[0].port)")
            }
            #expect(report.failures == [.errorEvent: Self.streams])
            let books = try await ledger.close([report])
            #expect(books.balances, "\(books.text)")
        }
    }

    @Test func aFloodOfResetsLeavesNothing() async throws {
        try await withMartlet(mocks: 1, Self.configuration) { martlet, _ in
            let parts = [
                "", "POST /v1/chat/comp", "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{",
                Client.request("POST", "/v1/chat/completions", body: LoadOptions.chatBody(stream: true)),
            ]
            for number in 0..<400 {
                let peer = try await Peer.connect(martlet.publicPort)
                let part = parts[number % parts.count]
                if !part.isEmpty { try await peer.send(part) }
                _ = try await peer.leave(.reset)
            }
            #expect(try await martlet.metrics().sum("martlet_impossible_events_total") == 0)
        }
    }

    private static func kill(_ filter: String) async throws {
        let run = try await CommandRun.tool("ss", ["-K", "-t", "state", "established", filter])
        #expect(run.status == 0, "\(run.output)")
    }
}
