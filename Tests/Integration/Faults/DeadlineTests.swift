import MartletTools
import Testing

/// Timeouts come on time, whatever the network does meanwhile: not early, and not more than 50 ms late.
@Suite(.serialized, .timeLimit(.minutes(2))) struct DeadlineTests {
    private static let tolerance = Duration.milliseconds(50)
    /// A busy machine delays this process as well. A deadline that is late by design is late every time.
    private static let tries = 6

    /// - Parameter work: how long the gateway took to give up.
    private func expectPunctual(_ limit: Duration, _ work: () async throws -> Duration) async throws {
        var best = Duration.seconds(60)
        for _ in 0..<Self.tries {
            let time = try await work()
            #expect(time >= limit - .milliseconds(5), "early: \(time) of \(limit)")
            best = min(best, time)
            if best <= limit + Self.tolerance { break }
        }
        #expect(best <= limit + Self.tolerance, "late: \(best) of \(limit)")
    }

    private static var jitter: Faults { Network.jitter.faults }

    enum Network: CaseIterable {
        case jitter, slices
        /// The request gets as far as the network, and nothing comes back.
        case halfOpen, silent

        var faults: Faults {
            var faults = Faults()
            switch self {
            case .jitter:
                faults.toTarget.jitter = .milliseconds(20)
                faults.toClient.jitter = .milliseconds(20)
            case .slices:
                faults.toTarget.slice = 1
                faults.toTarget.delay = .milliseconds(5)
            case .halfOpen: faults.isHalfOpen = true
            case .silent: faults.swallowsConnections = true
            }
            return faults
        }
    }

    @Test(arguments: Network.allCases) func firstByte(network: Network) async throws {
        try await withMocks(1) { mocks in
            try await withFaults(before: mocks[0].port, "timeouts: {first_byte: 400ms}") { place in
                place.back.faults = network.faults
                try await expectPunctual(.milliseconds(400)) {
                    let (answer, time) = try await timed {
                        try await place.ask("GET", "/x", headers: ["x-mock-fault: hang"])
                    }
                    answer.expect(504, "first_byte_timeout")
                    return time
                }
            }
        }
    }

    /// Nobody takes the connection: the answer of the kernel that it is there never comes.
    @Test func connect() async throws {
        let unreachable = try await Unreachable.start()
        let lines = ["timeouts: {connect: 300ms}", "retry: {attempts: 1}"]
        try await withMartlet(onePool(["{url: \(unreachable.url), max_fails: 0}"], settings: lines)) { martlet in
            try await expectPunctual(.milliseconds(300)) {
                let (answer, time) = try await timed { try await martlet.get() }
                answer.expect(502, "connect_timeout")
                return time
            }
        }
        await unreachable.stop()
    }

    @Test func total() async throws {
        try await withMocks(1) { mocks in
            try await withFaults(before: mocks[0].port, "timeouts: {total: 600ms}") { place in
                place.back.faults = Self.jitter
                try await expectPunctual(.milliseconds(600)) {
                    let (answer, time) = try await timed {
                        try await place.stream(headers: ["x-mock-tokens: 10000"])
                    }
                    #expect(answer.events.last?.contains(#""code":"total_timeout""#) == true)
                    return time
                }
            }
        }
    }

    /// The silence begins with the last event, which jitter may delay by 20 ms after it was sent.
    @Test func idle() async throws {
        try await withMocks(1) { mocks in
            try await withFaults(before: mocks[0].port, "timeouts: {idle: 500ms}") { place in
                place.back.faults.toClient.delay = .milliseconds(20)
                try await expectPunctual(.milliseconds(520)) {
                    let (answer, time) = try await timed {
                        try await place.stream(headers: ["x-mock-fault: stall:1"])
                    }
                    #expect(answer.events.last?.contains(#""code":"idle_timeout""#) == true)
                    return time
                }
            }
        }
    }
}
