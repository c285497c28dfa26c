import MartletTools
import Testing

/// What takes a target out, and what brings it back.
@Suite(.serialized, .timeLimit(.minutes(1))) struct HealthTests {
    /// Two targets that take turns; nothing is retried.
    private static func pair(_ mocks: [MockServer], keys: String = "", _ settings: String...) -> String {
        onePool(mocks.targets(keys), settings: ["balance: round_robin", "retry: {on: \"off\"}"] + settings)
    }

    private func reason(_ martlet: MartletProcess, _ mock: MockServer) async throws -> String? {
        try await martlet.status().target(mock.port)?.reason
    }

    // MARK: Passive

    @Test func ServerErrorsCountAsFailures() async throws {
        try await withMartlet(mocks: 2, { Self.pair($0, keys: "max_fails: 2, fail_timeout: 30s") }) { martlet, mocks in
            mocks[0].behaviour.fault = .status(500, retryAfter: nil)
            var statuses: [Int] = []
            for _ in 0..<10 { statuses.append(try await martlet.get().status) }
            #expect(statuses.filter { $0 == 500 }.count == 2)
            #expect(statuses.suffix(6).allSatisfy { $0 == 200 })
            #expect(try await reason(martlet, mocks[0]) == "max_fails")
            #expect(try await martlet.status().target(mocks[0].port)?.failures == ["status_5xx": 2])
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_failures_total", ["class": "status_5xx"]) == 2)
            #expect(metrics.sum("martlet_target_up", ["target": mocks[0].url]) == 0)
            #expect(metrics.sum("martlet_target_up", ["target": mocks[1].url]) == 1)
        }
    }

    @Test func ClientErrorsAreNoFailures() async throws {
        try await withMartlet(mocks: 2, { Self.pair($0, keys: "max_fails: 1") }) { martlet, mocks in
            for mock in mocks { mock.behaviour.fault = .status(404, retryAfter: nil) }
            for _ in 0..<6 { try await martlet.get().expect(404) }
            for mock in mocks {
                #expect(try await martlet.status().target(mock.port)?.state == "up")
                #expect(try await martlet.status().target(mock.port)?.failures == [:])
            }
        }
    }

    @Test func TooManyRequestsRestsTheTargetForItsRetryAfter() async throws {
        try await withMartlet(mocks: 2, { Self.pair($0, keys: "max_fails: 1") }) { martlet, mocks in
            mocks[0].behaviour.fault = .status(429, retryAfter: 2)
            var answers: [Answer] = []
            for _ in 0..<8 { answers.append(try await martlet.get()) }
            let refused = answers.filter { $0.status == 429 }
            #expect(refused.count == 1, "after the first, the other target serves")
            #expect(refused.first?.header("retry-after") == "2", "the client is told as well")
            let target = try await martlet.status().target(mocks[0].port)
            #expect(target?.reason == "rate_limited")
            #expect(target?.failures == ["status_429": 1])
            #expect((target?.secondsUntilNextTry ?? 0) <= 2)
            mocks[0].behaviour.fault = .none
            let served = mocks[0].echoes
            let (_, time) = try await timed {
                try await until("the target to serve again") {
                    try await martlet.get().expect(200)
                    return mocks[0].echoes > served
                }
            }
            #expect(time < .seconds(3) && time > .seconds(1), "\(time)")
        }
    }

    @Test func BrokenStreamsCountAsTruncated() async throws {
        try await withMartlet(mocks: 2, { Self.pair($0, keys: "max_fails: 1, fail_timeout: 30s") }) { martlet, mocks in
            let answer = try await martlet.chat(stream: true, headers: ["x-mock-fault: close-mid:2"]).expect(200)
            #expect(!answer.isComplete)
            #expect(answer.events.last?.contains(#""code":"upstream_truncated""#) == true)
            let bad = try #require(mocks.first { $0.chats == 1 })
            #expect(try await reason(martlet, bad) == "max_fails")
            #expect(try await martlet.status().target(bad.port)?.failures == ["truncated": 1])
        }
    }

    @Test func GarbageCountsAsMalformed() async throws {
        try await withMartlet(mocks: 2, { Self.pair($0, keys: "max_fails: 1, fail_timeout: 30s") }) { martlet, mocks in
            try await martlet.get(headers: ["x-mock-fault: garbage"]).expect(502, "upstream_malformed")
            let bad = try #require(mocks.first { $0.echoes == 1 })
            #expect(try await martlet.status().target(bad.port)?.failures == ["malformed": 1])
        }
    }

    @Test func ClientThatLeavesIsNoFailure() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets("max_fails: 1")) }) { martlet, mocks in
            for number in 0..<3 {
                let client = try await martlet.connect()
                try await client.send(
                    Client.request("GET", "/x", headers: ["x-mock-fault: hang", "x-mock-id: left\(number)"]))
                #expect(try await mocks[0].wait(for: "left\(number)", state: .waiting) != nil)
                try await client.reset()
                #expect(try await mocks[0].wait(for: "left\(number)", state: .cancelled) != nil)
            }
            let target = try await martlet.status().target(mocks[0].port)
            #expect(target?.state == "up")
            #expect(target?.failures == [:])
            #expect(try await martlet.metrics().sum("martlet_cancelled_total", ["phase": "waiting"]) == 3)
        }
    }

    // MARK: Breaker

    @Test func BreakerOpensAndLetsOneProbeThrough() async throws {
        let configuration = { (mocks: [MockServer]) in
            Self.pair(
                mocks, keys: "max_fails: 0", "breaker: {failures: 50%, window: 10s, minimum: 4, open: 1s}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            mocks[0].behaviour.fault = .status(500, retryAfter: nil)
            var statuses: [Int] = []
            for _ in 0..<20 { statuses.append(try await martlet.get().status) }
            #expect(statuses.filter { $0 == 500 }.count == 4)
            #expect(try await reason(martlet, mocks[0]) == "breaker_open")
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_breaker_state", ["target": mocks[0].url, "state": "open"]) == 1)

            try await until("the breaker to be half open") {
                try await martlet.status().target(mocks[0].port)?.breaker == "half_open"
            }
            mocks[0].behaviour.fault = .none
            for mock in mocks { mock.behaviour.latency = .milliseconds(300) }
            let served = mocks[0].echoes
            var clients: [Client] = []
            for _ in 0..<6 {
                let client = try await martlet.connect()
                try await client.send(Client.request("GET", "/x"))
                clients.append(client)
            }
            for client in clients {
                try await client.answer().expect(200)
                await client.close()
            }
            #expect(mocks[0].echoes == served + 1, "one probe, the rest elsewhere")
            #expect(try await martlet.status().target(mocks[0].port)?.breaker == "shut")
        }
    }

    @Test func ProbeThatFailsOpensTheBreakerAgain() async throws {
        let configuration = { (mocks: [MockServer]) in
            Self.pair(
                mocks, keys: "max_fails: 0", "breaker: {failures: 50%, window: 10s, minimum: 2, open: 1s}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            mocks[0].behaviour.fault = .status(500, retryAfter: nil)
            for _ in 0..<6 { _ = try await martlet.get() }
            try await until("the breaker to be half open") {
                try await martlet.status().target(mocks[0].port)?.breaker == "half_open"
            }
            let served = mocks[0].echoes
            for _ in 0..<6 { _ = try await martlet.get() }
            #expect(mocks[0].echoes == served + 1)
            #expect(try await martlet.status().target(mocks[0].port)?.breaker == "open")
        }
    }

    // MARK: Active checks

    @Test func FailingHealthPathTakesATargetOutAndBack() async throws {
        let configuration = { (mocks: [MockServer]) in Self.pair(mocks, "health: {interval: 1s, unhealthy: 1}") }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            mocks[0].behaviour.health = 503
            try await until("the check to fail") { try await reason(martlet, mocks[0]) == "health_check" }
            let served = mocks[0].echoes
            for _ in 0..<4 { try await martlet.get().expect(200) }
            #expect(mocks[0].echoes == served)
            #expect(martlet.log().contains("target is out"))
            mocks[0].behaviour.health = 200
            try await until("the target to be back", within: .seconds(2)) {
                try await reason(martlet, mocks[0]) == nil
            }
        }
    }

    @Test func ExpectedStatusIsWhatPasses() async throws {
        let configuration = { (mocks: [MockServer]) in
            Self.pair(mocks, "health: {interval: 1s, unhealthy: 1, expect: 418}")
        }
        let teapots = { (mocks: [MockServer]) in
            for mock in mocks { mock.behaviour.health = 418 }
            return configuration(mocks)
        }
        try await withMartlet(mocks: 2, teapots) { martlet, mocks in
            mocks[0].behaviour.health = 200
            try await until("200 to fail the check") { try await reason(martlet, mocks[0]) == "health_check" }
            #expect(try await reason(martlet, mocks[1]) == nil)
        }
    }

    @Test func ConnectingIsEnoughForTCPChecksAndNothingIsAskedWhenTheyAreOff() async throws {
        let configuration = { (mocks: [MockServer]) in
            let targets = "targets: [\(mocks[0].url), \(mocks[1].url)], keepalive: {idle: 200ms}"
            return """
                pools:
                  http: {\(targets), health: {interval: 1s, unhealthy: 1}}
                  tcp: {\(targets), health: {type: tcp, interval: 1s, unhealthy: 1}}
                  none: {\(targets), health: {type: "off"}}
                routes:
                  - {path: /http/, pool: http}
                  - {path: /tcp/, pool: tcp}
                  - {path: /none/, pool: none}
                """
        }
        func reasons(_ martlet: MartletProcess, _ port: Int) async throws -> [String: String] {
            let status = try await martlet.status()
            return Dictionary(uniqueKeysWithValues: status.pools.map { pool in
                (pool.name, pool.targets.first { $0.url.hasSuffix(":\(port)") }?.reason ?? "")
            })
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            mocks[0].behaviour.health = 500
            try await until("the path to fail") { try await reasons(martlet, mocks[0].port)["http"] == "health_check" }
            #expect(try await reasons(martlet, mocks[0].port) == ["http": "health_check", "tcp": "", "none": ""])
            await mocks[1].stop()
            try await until("the connection to fail") {
                try await reasons(martlet, mocks[1].port)["tcp"] == "health_check"
            }
            #expect(try await reasons(martlet, mocks[1].port)["none"] == "")
        }
    }

    @Test func PathThatNobodyHasIsReportedAndTreatedAsTCP() async throws {
        let configuration = { (mocks: [MockServer]) in
            for mock in mocks { mock.behaviour.health = 404 }
            return Self.pair(mocks, "health: {interval: 1s, unhealthy: 1}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            try await until("the report") { martlet.log().contains("404 on every target") }
            try await until("both to be up") {
                let targets = try await martlet.status().pool("main")?.targets ?? []
                return targets.allSatisfy { $0.state == "up" }
            }
            await mocks[0].stop()
            try await until("connecting to be checked") { try await reason(martlet, mocks[0]) == "health_check" }
        }
    }

    @Test func PathThatOneTargetLacksTakesThatOneOut() async throws {
        let configuration = { (mocks: [MockServer]) in
            mocks[0].behaviour.health = 404
            return Self.pair(mocks, "health: {interval: 1s, unhealthy: 1}")
        }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            try await until("the check to fail") { try await reason(martlet, mocks[0]) == "health_check" }
            #expect(try await reason(martlet, mocks[1]) == nil)
            #expect(!martlet.log().contains("404 on every target"))
        }
    }

    @Test func ChecksTakeATargetOutBeforeAnyRequestFails() async throws {
        let configuration = { (mocks: [MockServer]) in Self.pair(mocks, "health: {interval: 1s, unhealthy: 1}") }
        try await withMartlet(mocks: 2, configuration) { martlet, mocks in
            await mocks[0].stop()
            try await until("the check to fail") { try await reason(martlet, mocks[0]) == "health_check" }
            for _ in 0..<6 { try await martlet.get().expect(200) }
            #expect(try await martlet.metrics().sum("martlet_failures_total") == 0)
        }
    }
}
