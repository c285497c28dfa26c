import MartletTools
import Testing

/// What clients, gateway and backends say of the same requests agrees to the last one, and the tool that compares them
/// notices when it does not.
@Suite(.serialized, .timeLimit(.minutes(1))) struct LedgerTests {
    private static func load(
        _ martlet: MartletProcess, _ count: Int, stream: Bool = false, _ change: (inout LoadOptions) -> Void = { _ in }
    ) async throws -> LoadReport {
        try await martlet.load(stream: stream) {
            $0.connections = 20
            $0.count = count
            change(&$0)
        }
    }

    private static func configuration(_ mocks: [MockServer]) -> String {
        onePool(mocks.targets(), more: #"models: {"*": {pool: main}}\#nroutes: [{path: /v1/}]"#)
    }

    @Test func everyRequestOfAMixedLoadIsAccountedFor() async throws {
        try await withMartlet(mocks: 2, Self.configuration) { martlet, mocks in
            let ledger = try await Ledger.open(martlet, mocks)
            let unary = try await Self.load(martlet, 300)
            let streams = try await Self.load(martlet, 200, stream: true) {
                $0.leave = 0.3
                $0.leaveWithin = .milliseconds(100)
            }
            #expect(streams.left > 0)
            #expect(unary.failed + streams.failed == 0)
            let books = try await ledger.close([unary, streams])
            #expect(books.balances, "\(books.text)")
        }
    }

    @Test func visibleFailuresBalanceToo() async throws {
        try await withMartlet(mocks: 2, Self.configuration) { martlet, mocks in
            let ledger = try await Ledger.open(martlet, mocks)
            var reports: [LoadReport] = []
            for fault in [MockFault.status(503, retryAfter: nil), .resetMid(3), .noDone, .garbage, .short] {
                mocks[0].behaviour.fault = fault
                for isStream in [false, true] {
                    reports.append(try await Self.load(martlet, 40, stream: isStream))
                }
            }
            mocks[0].behaviour.fault = .none
            let books = try await ledger.close(reports)
            #expect(books.balances, "\(books.text)")
        }
    }

    /// Where the route is no model's, a stream without its marker is relayed as it is: Martlet, the backend and the
    /// framing all say that it is whole, and only the client can know better.
    @Test func aStreamThatEndsWithoutAWordIsFound() async throws {
        let plain = "routes: [{path: /, pool: main}]"
        try await withMartlet(mocks: 1, { onePool($0.targets(), more: plain) }) { martlet, mocks in
            func ask(
                _ fault: MockFault, patience: Double = 5
            ) async throws -> (failures: [LoadFailure: Int], text: String, balances: Bool) {
                let ledger = try await Ledger.open(martlet, mocks)
                mocks[0].behaviour.fault = fault
                let report = try await Self.load(martlet, 40, stream: true)
                mocks[0].behaviour.fault = .none
                let books = try await ledger.close([report], patience: patience)
                return (report.failures, books.text, books.balances)
            }
            let broken = try await ask(.closeMid(2))
            #expect(broken.failures == [.truncated: 40])
            #expect(broken.balances, "what breaks visibly balances: \(broken.text)")
            let silent = try await ask(.noDone, patience: 1)
            #expect(silent.failures == [.silent: 40])
            #expect(!silent.balances)
            #expect(silent.text.split(separator: "\n").filter { $0.hasPrefix("✗") }
                == ["✗ streams that ended without marker or error | 0: 40 | 0"], "\(silent.text)")
        }
    }

    /// A tenant is who has a route of its own: what one lost cannot be made good by what another has too many.
    @Test func theBooksAreKeptForEachTenant() async throws {
        let routes = #"models: {"*": {pool: main}}\#nroutes: [{path: /v1/, host: a.test}, {path: /v1/, host: b.test}]"#
        try await withMartlet(mocks: 1, { onePool($0.targets(), more: routes) }) { martlet, mocks in
            let ledger = try await Ledger.open(martlet, mocks)
            var reports: [LoadReport] = []
            for (host, count) in [("a.test", 60), ("b.test", 40)] {
                reports.append(try await Self.load(martlet, count) { $0.fields.append((name: "Host", value: host)) })
            }
            let books = try await ledger.close(reports)
            #expect(books.balances, "\(books.text)")
            #expect(books.text.contains("asked by clients at a.test/v1/ | ended there: 60 | 60"), "\(books.text)")
            reports[0].requests += 1
            reports[1].requests -= 1
            let wrong = try await ledger.close(reports, patience: 1)
            #expect(wrong.text.contains("✗ asked by clients at a.test/v1/ | ended there: 61 | 60"), "\(wrong.text)")
        }
    }

    @Test func aRequestThatNobodyAnsweredForIsFound() async throws {
        try await withMartlet(mocks: 1, Self.configuration) { martlet, mocks in
            let ledger = try await Ledger.open(martlet, mocks)
            var report = try await Self.load(martlet, 50)
            report.requests += 1
            let books = try await ledger.close([report], patience: 1)
            #expect(!books.balances)
            #expect(books.text.contains("✗ asked by clients"))
        }
    }
}
