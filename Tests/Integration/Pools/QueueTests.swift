import MartletTools
import Testing

/// What happens while every target is at its limit.
@Suite(.serialized, .timeLimit(.minutes(1))) struct QueueTests {
    private static func one(_ mocks: [MockServer], _ settings: String) -> String {
        onePool(mocks.targets("max_inflight: 1"), settings)
    }

    /// A request that holds the only place.
    private func hold(_ martlet: MartletProcess) async throws -> Client {
        let client = try await martlet.connect()
        try await client.send(Client.request("GET", "/hold", headers: ["x-mock-fault: hang"]))
        try await until("the place to be taken") { try await martlet.status().pool("main")?.inFlight == 1 }
        return client
    }

    /// A request that waits; it is in the queue when this returns.
    private func wait(_ martlet: MartletProcess, place: Int, headers: [String] = []) async throws -> Client {
        let client = try await martlet.connect()
        try await client.send(Client.request("GET", "/wait-for-a-place", headers: headers))
        try await until("request \(place) to wait") { try await martlet.status().pool("main")?.queuedCount == place }
        return client
    }

    @Test func MaxInflightQueuesTheRest() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets("max_inflight: 2")) }) { martlet, mocks in
            mocks[0].behaviour.latency = .milliseconds(300)
            var clients: [Client] = []
            for _ in 0..<5 {
                let client = try await martlet.connect()
                try await client.send(Client.request("GET", "/x"))
                clients.append(client)
            }
            var busiest = 0
            try await until("three requests to wait while two are served") {
                busiest = max(busiest, mocks[0].stats.active)
                guard let pool = try await martlet.status().pool("main") else { return false }
                return pool.queuedCount == 3 && pool.inFlight == 2
            }
            #expect(busiest <= 2)
            for client in clients {
                try await client.answer().expect(200)
                await client.close()
            }
            #expect(try await martlet.metrics().sum("martlet_queue_wait_seconds_count", ["pool": "main"]) == 3)
        }
    }

    @Test func FullQueueRefusesAtOnce() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "queue: {length: 1}") }) { martlet, _ in
            let holder = try await hold(martlet)
            let waiter = try await wait(martlet, place: 1)
            let (answer, time) = try await timed { try await martlet.get() }
            answer.expect(503, "queue_full")
            #expect(answer.header("retry-after").flatMap { Int($0) } ?? 0 >= 1)
            #expect(time < .seconds(1))
            #expect(try await martlet.metrics().sum("martlet_errors_total", ["code": "queue_full"]) == 1)
            await holder.close()
            try await waiter.answer().expect(200)
            await waiter.close()
        }
    }

    @Test func FullQueueGivesItsYoungestUpForAHigherClass() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "queue: {length: 1}") }) { martlet, _ in
            let holder = try await hold(martlet)
            let lower = try await wait(martlet, place: 1, headers: ["x-request-priority: batch"])
            let urgent = try await martlet.connect()
            try await urgent.send(Client.request("GET", "/urgent"))
            let refused = try await lower.answer()
            refused.expect(503, "queue_full")
            #expect(refused.header("x-should-retry") == "false")
            #expect(refused.header("retry-after").flatMap { Int($0) } ?? 0 >= 1)
            await holder.close()
            try await urgent.answer().expect(200)
            for client in [lower, urgent] { await client.close() }
        }
    }

    @Test func QueueTimeoutIs503() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "timeouts: {queue: 300ms}") }) { martlet, _ in
            let holder = try await hold(martlet)
            let (answer, time) = try await timed { try await martlet.get() }
            answer.expect(503, "queue_timeout")
            #expect(time >= .milliseconds(290) && time < .seconds(2), "\(time)")
            #expect(try await martlet.metrics().sum("martlet_errors_total", ["code": "queue_timeout"]) == 1)
            await holder.close()
        }
    }

    @Test func PriorityClassesAreServedInOrder() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "queue: {length: 10}") }) { martlet, mocks in
            let holder = try await hold(martlet)
            var clients: [Client] = []
            let classes = ["background", "batch", "interactive"]
            for (number, name) in classes.enumerated() {
                clients.append(
                    try await wait(
                        martlet, place: number + 1,
                        headers: ["x-request-priority: \(name)", "x-mock-id: \(name)", "x-mock-latency: 20ms"]))
            }
            #expect(try await martlet.status().pool("main")?.queued == ["interactive": 1, "batch": 1, "background": 1])
            await holder.close()
            for client in clients {
                try await client.answer().expect(200)
                await client.close()
            }
            let arrivals = classes.compactMap { mocks[0].record(of: $0) }
                .sorted { $0.receivedMicroseconds < $1.receivedMicroseconds }
            #expect(arrivals.map(\.id) == ["interactive", "batch", "background"])
        }
    }

    @Test func WorkThatCannotStartInTimeIsRefusedAtOnce() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "queue: {length: 100}") }) { martlet, _ in
            // Three requests of 300 ms teach the queue how fast it moves.
            let lessons = try await held(martlet, count: 3, headers: ["x-mock-latency: 300ms"])
            for client in lessons {
                try await client.answer().expect(200)
                await client.close()
            }
            let waiting = try await held(martlet, count: 4, headers: ["x-mock-latency: 300ms"])
            let (answer, time) = try await timed { try await martlet.get(headers: ["x-request-timeout: 400ms"]) }
            answer.expect(503, "no_capacity")
            #expect(time < .milliseconds(300), "refused at once, not when its time was over: \(time)")
            for client in waiting { await client.close() }
        }
    }

    /// So many requests, in flight or waiting when this returns.
    private func held(_ martlet: MartletProcess, count: Int, headers: [String]) async throws -> [Client] {
        var clients: [Client] = []
        for _ in 0..<count {
            let client = try await martlet.connect()
            try await client.send(Client.request("GET", "/x", headers: headers))
            clients.append(client)
        }
        try await until("every request to be in flight or to wait") {
            guard let pool = try await martlet.status().pool("main") else { return false }
            return pool.inFlight + pool.queuedCount == count
        }
        return clients
    }

    @Test func ClientThatLeavesTheQueueGivesItsPlaceBack() async throws {
        try await withMartlet(mocks: 1, { Self.one($0, "queue: {length: 1}") }) { martlet, mocks in
            let holder = try await hold(martlet)
            let waiter = try await wait(martlet, place: 1)
            await waiter.close()
            try await until("the queue to be empty") { try await martlet.status().pool("main")?.queuedCount == 0 }
            let next = try await wait(martlet, place: 1)
            await holder.close()
            try await next.answer().expect(200)
            await next.close()
            #expect(mocks[0].echoes == 2, "the one that left was never sent")
            #expect(try await martlet.metrics().sum("martlet_cancelled_total", ["phase": "queued"]) == 1)
        }
    }

    @Test func DeadlineOfTheCallerEndsTheRequest() async throws {
        try await withMartlet(mocks: 1, { onePool($0.targets()) }) { martlet, mocks in
            let (answer, time) = try await timed {
                try await martlet.get(headers: ["x-request-timeout: 300ms", "x-mock-fault: hang", "x-mock-id: late"])
            }
            answer.expect(504, "deadline_exceeded")
            #expect(time >= .milliseconds(290) && time < .seconds(2), "\(time)")
            #expect(try await mocks[0].wait(for: "late", state: .cancelled) != nil)
            #expect(try await martlet.status().target(mocks[0].port)?.state == "up", "no fault of the target")
        }
    }
}
