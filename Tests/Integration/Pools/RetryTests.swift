import MartletTools
import Testing

/// What is tried again, and what never is.
@Suite(.serialized, .timeLimit(.minutes(1))) struct RetryTests {
    /// A target where nobody listens, before the mock; both get every second request.
    private static func refusing(_ port: Int, _ mocks: [MockServer]) -> String {
        onePool(["{url: \"http://127.0.0.1:\(port)\", max_fails: 0}", mocks[0].target()], "balance: round_robin")
    }

    @Test func RefusedConnectionIsRetriedElsewhere() async throws {
        let port = try await Refusing.port()
        try await withMartlet(mocks: 1, { Self.refusing(port, $0) }) { martlet, mocks in
            for _ in 0..<6 { try await martlet.post().expect(200) }
            for _ in 0..<6 { try await martlet.get().expect(200) }
            #expect(mocks[0].echoes == 12)
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_retries_total", ["pool": "main", "class": "connect"]) >= 4)
            #expect(metrics.sum("martlet_requests_total", ["outcome": "completed"]) == 12)
        }
    }

    @Test func RefusedConnectionSendsTheWholeBodyElsewhere() async throws {
        let port = try await Refusing.port()
        let body = String(repeating: "0123456789abcdef", count: 4096)
        try await withMartlet(mocks: 1, { Self.refusing(port, $0) }) { martlet, _ in
            for _ in 0..<4 {
                let answer = try await martlet.post(body: body).expect(200)
                #expect(answer.json["body_length"] as? Int == body.utf8.count)
            }
        }
    }

    @Test func EveryTargetRefusesIs502() async throws {
        let port = try await Refusing.port()
        try await withMartlet(onePool(["{url: \"http://127.0.0.1:\(port)\"}"])) { martlet in
            for _ in 0..<3 { try await martlet.get().expect(502) }
            try await martlet.get().expect(502, "connect_failed")
        }
    }

    @Test func PostIsNotRepeatedOncePlainRouteSentIt() async throws {
        try await withMartlet(mocks: 2, { onePool($0.targets("max_fails: 0")) }) { martlet, mocks in
            for mock in mocks { mock.behaviour.fault = .reset }
            try await martlet.post().expect(502, "upstream_reset")
            #expect(mocks.map(\.echoes).reduce(0, +) == 1)
            #expect(try await martlet.metrics().sum("martlet_retries_total") == 0)
        }
    }

    @Test func GetIsRepeatedElsewhereOnce() async throws {
        try await withMartlet(mocks: 3, { onePool($0.targets("max_fails: 0")) }) { martlet, mocks in
            for mock in mocks { mock.behaviour.fault = .reset }
            try await martlet.get().expect(502, "upstream_reset")
            #expect(mocks.map(\.echoes).sorted() == [0, 1, 1], "two attempts, each at another target")
        }
    }

    @Test func RouteMaySayThatPostIsRepeated() async throws {
        let routes = """
            routes:
              - {path: /, pool: main, retry: {on: error timeout non_idempotent}}
            """
        try await withMartlet(mocks: 2, { onePool($0.targets("max_fails: 0"), more: routes) }) { martlet, mocks in
            mocks[0].behaviour.fault = .reset
            for _ in 0..<4 { try await martlet.post().expect(200) }
            #expect(mocks[0].echoes >= 1)
        }
    }

    @Test func ModelRouteRetriesWhenTargetTimesOutBeforeFirstByte() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets(), "timeouts: {first_byte: 300ms}", "balance: round_robin")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            mocks[0].behaviour.fault = .hang
            for _ in 0..<2 { try await martlet.chat().expect(200) }
            #expect(mocks[0].chats == 1)
            #expect(mocks[1].chats == 2)
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_retries_total", ["class": "first_byte_timeout"]) == 1)
        }
    }

    @Test func PlainPostThatTimedOutIsNotRepeated() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets("max_fails: 0"), "timeouts: {first_byte: 300ms}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            for mock in mocks { mock.behaviour.fault = .hang }
            try await martlet.post().expect(504, "first_byte_timeout")
            #expect(mocks.map(\.echoes).reduce(0, +) == 1)
        }
    }

    @Test func ModelRequestLeavesATargetThatItsChecksLost() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets(), "health: {interval: 1s, timeout: 300ms, unhealthy: 1}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            let client = try await martlet.connect()
            let body = MartletProcess.chatBody()
            // Slow to answer, and then dead to its checks: nothing but the checks can tell.
            for mock in mocks { mock.behaviour.latency = .seconds(20) }
            try await client.send(Client.request("POST", "/v1/chat/completions", body: body))
            try await until("the request to be at a target") { mocks.contains { $0.chats == 1 } }
            let first = try #require(mocks.first { $0.chats == 1 })
            for mock in mocks { mock.behaviour.latency = .zero }
            first.behaviour.fault = .hang
            try await client.answer().expect(200)
            await client.close()
            #expect(mocks.map(\.chats) == [1, 1])
            #expect(try await martlet.metrics().sum("martlet_retries_total", ["class": "ejected"]) == 1)
        }
    }

    @Test func StatusIsRetriedWhereTheConfigurationSaysSo() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets("max_fails: 0"), "retry: {on: error timeout http_503}", "balance: round_robin")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            mocks[0].behaviour.fault = .status(503, retryAfter: nil)
            for _ in 0..<4 { try await martlet.get().expect(200) }
            #expect(mocks[0].echoes == 2)
            mocks[0].behaviour.fault = .status(500, retryAfter: nil)
            var statuses: [Int] = []
            for _ in 0..<2 { statuses.append(try await martlet.get().status) }
            #expect(statuses.sorted() == [200, 500], "500 is not on the list")
        }
    }

    @Test func OneAttemptMeansOne() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets("max_fails: 0"), "retry: {attempts: 1}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            for mock in mocks { mock.behaviour.fault = .reset }
            try await martlet.get().expect(502)
            #expect(mocks.map(\.echoes).reduce(0, +) == 1)
        }
    }

    @Test func SpentRetryBudgetTellsTheClientNotToRetry() async throws {
        let configuration = { (mocks: [MockServer]) in
            onePool([mocks[0].target("max_fails: 0"), mocks[1].target("max_fails: 0")], "balance: round_robin")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            // Three requests that fail at the first target and hang at the second hold the three retries there are.
            mocks[0].behaviour.fault = .reset
            mocks[1].behaviour.fault = .hang
            var clients: [Client] = []
            while try await martlet.status().pool("main")?.retriesInProgress != 3 {
                let before = mocks[1].stats.active
                let client = try await martlet.connect()
                clients.append(client)
                try await client.send(Client.request("GET", "/x"))
                try await until("the request to hang") { mocks[1].stats.active == before + 1 }
            }
            var answer: Answer?
            while answer == nil {
                let client = try await martlet.connect()
                clients.append(client)
                try await client.send(Client.request("GET", "/x"))
                answer = try? await client.answer(within: .milliseconds(500))
            }
            answer?.expect(502, "upstream_reset")
            #expect(answer?.header("x-should-retry") == "false")
            for client in clients { await client.close() }
        }
    }

    @Test func ErrorWithBudgetLeftDoesNotForbidARetry() async throws {
        try await withMartlet(mocks: 2, { onePool($0.targets("max_fails: 0")) }) { martlet, mocks in
            for mock in mocks { mock.behaviour.fault = .reset }
            let answer = try await martlet.get().expect(502)
            #expect(answer.header("x-should-retry") == nil)
        }
    }

    @Test func NothingIsRetriedAfterBytesReachedTheClient() async throws {
        try await withMartlet(mocks: 2, { onePool($0.targets("max_fails: 0")) }) { martlet, mocks in
            let answer = try await martlet.chat(stream: true, headers: ["x-mock-fault: reset-mid:2"])
            answer.expect(200)
            #expect(!answer.isComplete)
            #expect(mocks.map(\.chats).reduce(0, +) == 1)
        }
    }
}
