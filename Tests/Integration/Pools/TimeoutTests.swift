import MartletTools
import Testing

/// The five timeouts, each with a code and a metric label of its own; the one of the queue is in `QueueTests`.
@Suite(.serialized, .timeLimit(.minutes(1))) struct TimeoutTests {
    private static func one(_ mocks: [MockServer], _ timeouts: String) -> String {
        onePool(mocks.targets("max_fails: 0"), "timeouts: {\(timeouts)}", "retry: {on: \"off\"}")
    }

    @Test func ConnectTimeoutIs502() async throws {
        let silent = try await Unreachable.start()
        try await withMartlet(onePool(["{url: \(silent.url)}"], "timeouts: {connect: 300ms}")) { martlet in
            let (answer, time) = try await timed { try await martlet.get() }
            answer.expect(502, "connect_timeout")
            #expect(time >= .milliseconds(290) && time < .seconds(3), "\(time)")
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_failures_total", ["class": "connect_timeout"]) >= 1)
            #expect(metrics.sum("martlet_errors_total", ["code": "connect_timeout"]) == 1)
        }
        await silent.stop()
    }

    @Test func ConnectTimeoutMovesOnToAnotherTarget() async throws {
        let silent = try await Unreachable.start()
        let configuration = { (mocks: [MockServer]) in
            onePool(
                ["{url: \(silent.url), max_fails: 0}", mocks[0].target()], "timeouts: {connect: 200ms}",
                "balance: round_robin")
        }
        try await withMartlet(mocks: 1, configuration) { martlet, mocks in
            for _ in 0..<4 { try await martlet.post().expect(200) }
            #expect(mocks[0].echoes == 4)
            #expect(try await martlet.metrics().sum("martlet_retries_total", ["class": "connect_timeout"]) >= 1)
        }
        await silent.stop()
    }

    @Test func FirstByteTimeoutIs504() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "first_byte: 300ms") }) { martlet, mocks in
            let (answer, time) = try await timed {
                try await martlet.get(headers: ["x-mock-fault: hang", "x-mock-id: silent"])
            }
            answer.expect(504, "first_byte_timeout")
            #expect(time >= .milliseconds(290) && time < .seconds(2), "\(time)")
            #expect(try await mocks[0].wait(for: "silent", state: .cancelled) != nil, "the work is called off")
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_failures_total", ["class": "first_byte_timeout"]) == 1)
            #expect(metrics.sum("martlet_errors_total", ["code": "first_byte_timeout"]) == 1)
        }
    }

    @Test func IdleTimeoutOfAStreamSaysSoInBand() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "idle: 300ms") }) { martlet, mocks in
            let answer = try await martlet.chat(stream: true, headers: ["x-mock-fault: stall:3", "x-mock-id: stalled"])
            #expect(answer.status == 200)
            #expect(!answer.isComplete, "a broken stream must not look whole")
            #expect(answer.events.count == 4)
            #expect(answer.events.last?.contains(#""code":"idle_timeout""#) == true)
            #expect(!answer.events.contains("[DONE]"))
            #expect(try await mocks[0].wait(for: "stalled", state: .cancelled) != nil)
            let metrics = try await martlet.metrics()
            #expect(metrics.sum("martlet_failures_total", ["class": "stall"]) == 1)
            #expect(metrics.sum("martlet_errors_total", ["code": "idle_timeout"]) == 1)
            #expect(metrics.sum("martlet_requests_total", ["outcome": "timed_out"]) == 1)
        }
    }

    @Test func IdleTimeoutOfABodyAbortsIt() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "idle: 300ms") }) { martlet, _ in
            let answer = try await martlet.get("/body", headers: ["x-mock-fault: stall:1"])
            #expect(answer.status == 200)
            #expect(!answer.isComplete)
        }
    }

    @Test func SlowStreamIsNotIdle() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "idle: 500ms, first_byte: 500ms") }) { martlet, _ in
            let answer = try await martlet.chat(
                stream: true, headers: ["x-mock-tokens: 10", "x-mock-interval: 100ms"])
            #expect(answer.isComplete)
            #expect(answer.events.last == "[DONE]")
        }
    }

    @Test func TotalTimeoutBeforeTheHeadIs504() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "total: 300ms") }) { martlet, mocks in
            let answer = try await martlet.get(headers: ["x-mock-fault: hang", "x-mock-id: endless"])
            answer.expect(504, "total_timeout")
            #expect(try await mocks[0].wait(for: "endless", state: .cancelled) != nil)
            #expect(try await martlet.metrics().sum("martlet_errors_total", ["code": "total_timeout"]) == 1)
        }
    }

    @Test func TotalTimeoutAfterTheHeadSaysSoInBand() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "total: 400ms") }) { martlet, _ in
            let answer = try await martlet.chat(
                stream: true, headers: ["x-mock-tokens: 1000", "x-mock-interval: 50ms"])
            #expect(answer.status == 200)
            #expect(!answer.isComplete)
            #expect(answer.events.count > 2)
            #expect(answer.events.last?.contains(#""code":"total_timeout""#) == true)
        }
    }

    @Test func RouteHasTimeoutsOfItsOwn() async throws {
        let routes = """
            routes:
              - {path: /, pool: main}
              - {path: /quick/, pool: main, timeouts: {first_byte: 200ms}}
            """
        let configuration = { (mocks: [MockServer]) in
            onePool(mocks.targets("max_fails: 0"), "retry: {on: \"off\"}", more: routes)
        }
        try await withMartlet(mocks: 1, configuration) { martlet, _ in
            let late = ["x-mock-latency: 600ms"]
            try await martlet.get("/quick/x", headers: late).expect(504, "first_byte_timeout")
            try await martlet.get("/slow/x", headers: late).expect(200)
        }
    }
}
