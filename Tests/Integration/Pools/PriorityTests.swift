import MartletTools
import Testing

/// Routes of different classes in front of targets that cannot take all.
@Suite(.serialized, .timeLimit(.minutes(1))) struct PriorityTests {
    private static func configuration(_ mocks: [MockServer], places: Int, queue: Int) -> String {
        onePool(
            mocks.targets("max_inflight: \(places)"), "queue: {length: \(queue)}",
            more: """
                routes:
                  - {path: /, pool: main}
                  - {path: /nightly/, pool: main, priority: batch, strip: true}
                """)
    }

    @Test func TheRouteOfAHigherClassTakesThePlacesOfTheOther() async throws {
        try await withMartlet(mocks: 1, { Self.configuration($0, places: 1, queue: 2) }) { martlet, mocks in
            func send(_ path: String, _ headers: [String] = []) async throws -> Client {
                let client = try await martlet.connect()
                try await client.send(Client.request("GET", path, headers: headers))
                return client
            }
            func until(waiting count: Int) async throws {
                try await Integration.until("\(count) to wait") {
                    try await martlet.status().pool("main")?.queuedCount == count
                }
            }
            let holder = try await send("/hold", ["x-mock-fault: hang"])
            try await Integration.until("the place to be taken") {
                try await martlet.status().pool("main")?.inFlight == 1
            }
            let first = try await send("/nightly/first", ["x-mock-id: first"])
            try await until(waiting: 1)
            // What its caller says cannot raise it.
            let second = try await send("/nightly/second", ["x-request-priority: interactive"])
            try await until(waiting: 2)
            #expect(try await martlet.status().pool("main")?.queued["batch"] == 2)
            let urgent = try await send("/urgent", ["x-mock-id: urgent"])
            let refused = try await second.answer()
            refused.expect(503, "queue_full")
            #expect(refused.header("retry-after").flatMap { Int($0) } ?? 0 >= 1)
            #expect(refused.header("x-should-retry") == "false")
            await holder.close()
            for client in [urgent, first] { try await client.answer().expect(200) }
            let arrivals = ["urgent", "first"].compactMap { mocks[0].record(of: $0)?.receivedMicroseconds }
            #expect(arrivals.count == 2 && arrivals[0] < arrivals[1], "the one that came later was sent first")
            for client in [first, second, urgent] { await client.close() }
        }
    }

    @Test func UnderLoadTheLowerClassIsShedAndTheHigherOneIsNot() async throws {
        try await withMartlet(mocks: 1, { Self.configuration($0, places: 2, queue: 4) }) { martlet, _ in
            let nightly = Task { try await Self.load(martlet, "/nightly", rate: 120) }
            let asked = try await Self.load(martlet, "", rate: 5)
            let shed = try await nightly.value
            #expect(asked.failed == 0, "\(asked.failures) \(asked.statuses)")
            #expect(asked.completed >= 10)
            let refusals = shed.statuses[503] ?? 0
            #expect(refusals > 30, "forty a second at most can be served: \(shed.statuses)")
            #expect(shed.retryAfter[503] == refusals)
            #expect(shed.failed == refusals, "\(shed.failures)")
            #expect(shed.completed > 0, "it is not starved")
        }
    }

    private static func load(_ martlet: MartletProcess, _ prefix: String, rate: Double) async throws -> LoadReport {
        try await martlet.load {
            $0.path = prefix + $0.path
            $0.rate = rate
            $0.connections = 30
            $0.duration = .seconds(3)
            $0.fields = [("x-mock-latency", "50ms")]
        }
    }
}
