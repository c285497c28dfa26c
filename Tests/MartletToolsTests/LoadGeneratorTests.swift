import MartletBase
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MartletTools

/// Takes a connection, answers nothing, and tells how it ended.
private final class EndProbe: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let ended: (RawClient.End) -> Void
    private var wasReset = false

    init(_ ended: @escaping (RawClient.End) -> Void) {
        self.ended = ended
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if let error = error as? IOError, error.errnoCode == 104 { wasReset = true }
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        ended(wasReset ? .reset : .closed)
    }
}

/// The load generator against the mock: what it must notice, and what it must not.
@Suite struct LoadGeneratorTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func load(
        _ fault: String = "none", stream: Bool = false, change: (inout LoadOptions) -> Void = { _ in }
    ) async throws -> (report: LoadReport, stats: MockStats) {
        var mock = MockOptions()
        mock.behaviour.fault = try #require(MockFault(text: fault))
        mock.behaviour.tokens = 5
        mock.behaviour.interval = .milliseconds(2)
        let server = try await MockServer.start(mock, on: group)
        var options = LoadOptions()
        options.port = server.port
        options.path = "/v1/chat/completions"
        options.connections = 4
        options.count = 20
        options.stream = stream
        options.body = LoadOptions.chatBody(stream: stream)
        options.timeout = .seconds(5)
        change(&options)
        let report = try await LoadGenerator.run(options)
        let stats = server.stats
        await server.stop()
        return (report, stats)
    }

    @Test func everyRequestIsAnswered() async throws {
        let (report, stats) = try await load()
        #expect(report.requests == 20 && report.completed == 20 && report.failed == 0)
        #expect(report.connections == 4)
        #expect(report.latency.count == 20 && report.first.count == 20)
        #expect(report.statuses == [200: 20])
        #expect(report.bodyLength == 1024)
        #expect(stats.requests == 20 && stats.completed == 20)
    }

    @Test func withoutKeepAliveEachRequestHasItsConnection() async throws {
        let (report, stats) = try await load { $0.keepAlive = false }
        #expect(report.completed == 20)
        #expect(stats.connections == 20)
    }

    @Test func severalLoopsShareTheCount() async throws {
        let (report, _) = try await load { $0.threads = 3; $0.count = 100 }
        #expect(report.requests == 100 && report.completed == 100)
        #expect(report.bodyHash != nil)
    }

    @Test func streamsAreCheckedToTheirEnd() async throws {
        let (report, _) = try await load(stream: true)
        #expect(report.completed == 20 && report.failed == 0)
        // Five numbered events and the one with the usage.
        #expect(report.events == 120)
        #expect(report.transit.count == 100)
        #expect(report.gap.count == 100)
    }

    @Test(arguments: [
        ("status:503", LoadFailure.status), ("reset", .reset), ("close", .reset), ("short", .truncated),
        ("close-mid", .truncated), ("reset-mid", .truncated), ("garbage", .malformed),
    ])
    func brokenAnswersAreNamed(fault: String, failure: LoadFailure) async throws {
        let (report, _) = try await load(fault)
        #expect(report.failures == [failure: 20])
        #expect(report.completed == 0)
    }

    @Test(arguments: [
        ("close-mid:2", LoadFailure.truncated), ("reset-mid:2", .truncated), ("half-event:2", .truncated),
        ("no-done", .silent), ("error-event:2", .errorEvent), ("status:429", .status), ("html", .mismatch),
    ])
    func brokenStreamsAreNamed(fault: String, failure: LoadFailure) async throws {
        let (report, _) = try await load(fault, stream: true)
        #expect(report.failures == [failure: 20])
    }

    @Test(arguments: [false, true]) func silenceIsATimeout(stream: Bool) async throws {
        let (report, stats) = try await load("stall:1", stream: stream) { $0.timeout = .milliseconds(500); $0.count = 4 }
        #expect(report.failures == [.timeout: 4])
        #expect(stats.requests <= 4, "nothing is asked twice")
    }

    @Test func nobodyListening() async throws {
        // A port that no server of another test is given.
        let (report, _) = try await load { $0.port = 1; $0.count = 6 }
        #expect(report.failures == [.connect: 6])
        #expect(report.requests == 6)
    }

    @Test func bodyThatDiffersIsNoticed() async throws {
        let (report, _) = try await load { $0.expectedLength = 1023; $0.connections = 1; $0.count = 3 }
        #expect(report.failures == [.mismatch: 3])
        let hash = BodyHash.of(ByteBuffer(string: "something else"))
        let (other, _) = try await load { $0.expectedHash = hash; $0.connections = 1; $0.count = 3 }
        #expect(other.failures == [.mismatch: 3])
    }

    @Test func leaversAreCountedApart() async throws {
        let (report, stats) = try await load(stream: true) {
            $0.leave = 0.5
            $0.leaveWithin = .milliseconds(1)
            $0.count = 100
        }
        #expect(report.left > 10 && report.left < 90)
        #expect(report.left + report.completed == 100)
        #expect(report.failed == 0)
        #expect(stats.requests <= 100)
    }

    @Test func streamsOpenAtTheEndAreUnfinished() async throws {
        let (report, _) = try await load("stall:1", stream: true) {
            $0.count = nil
            $0.duration = .milliseconds(100)
        }
        #expect(report.unfinished == 4)
        #expect(report.failed == 0)
    }

    @Test func fixedRateCountsFromTheScheduledTime() async throws {
        // One connection and answers that take 20 ms, asked for every 5 ms: the queue grows, and must show.
        let (report, _) = try await load {
            $0.connections = 1
            $0.rate = 200
            $0.count = 40
            $0.fields = [("x-mock-latency", "20ms")]
        }
        #expect(report.completed == 40)
        #expect(report.latency.quantile(1) > 400_000_000)
        #expect(report.latency.quantile(0.01) >= 20_000_000)
    }

    @Test func sourceAddressesTakeTurns() async throws {
        let (report, _) = try await load { $0.sources = ["127.0.0.2", "127.0.0.3"] }
        #expect(report.completed == 20)
    }

    @Test func reportIsOneJSONObject() async throws {
        let (report, _) = try await load(stream: true)
        #expect(report.json.hasPrefix("{\"host\":"))
        #expect(report.json.contains("\"failures\":{\"connect\":0,"))
        #expect(report.text.contains("20 of 20 requests"))
    }

    // MARK: Who leaves, and how

    @Test func whoLeavesBeforeTheFirstByteHasSeenNothing() async throws {
        let (report, stats) = try await load(stream: true) {
            $0.leave = 1
            $0.leavePhase = .beforeFirstByte
            $0.leaveWithin = .milliseconds(20)
            $0.fields = [("x-mock-latency", "1s")]
            $0.keepsLedger = true
        }
        #expect(report.left == 20)
        #expect(report.ledger.allSatisfy { $0.outcome == "left" && $0.first == nil && $0.events == 0 })
        #expect(stats.tokensSent == 0)
    }

    @Test func whoseAnswerCameFirstStays() async throws {
        let (report, _) = try await load {
            $0.leave = 1
            $0.leavePhase = .beforeFirstByte
            // Nobody's moment comes, however busy the machine is.
            $0.leaveWithin = .seconds(100_000)
            $0.count = 8
        }
        #expect(report.completed == 8 && report.left == 0)
    }

    @Test func whoLeavesWhileStreamingHasSeenAnEvent() async throws {
        let (report, _) = try await load(stream: true) {
            $0.leave = 1
            $0.leavePhase = .streaming
            $0.leaveWithin = .milliseconds(1)
            $0.fields = [("x-mock-tokens", "1000"), ("x-mock-latency", "20ms")]
            $0.keepsLedger = true
        }
        #expect(report.left == 20)
        #expect(report.ledger.allSatisfy { $0.outcome == "left" && $0.events >= 1 })
        #expect(report.first.count == 20 && report.firstOfCompleted.count == 0)
    }

    @Test(arguments: [false, true]) func leaversEndTheirConnection(withReset: Bool) async throws {
        let ends = Mutex<[RawClient.End: Int]>([:])
        let listener = try await ServerBootstrap(group: group)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        EndProbe { end in ends.withLock { $0[end, default: 0] += 1 } })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let (report, _) = try await load {
            $0.port = port
            $0.leave = 1
            $0.leaveWithin = .milliseconds(5)
            $0.leavesWithReset = withReset
        }
        #expect(report.left == 20)
        while ends.withLock({ $0.values.reduce(0, +) }) < 20 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(ends.withLock { $0 } == [withReset ? .reset : .closed: 20])
        try await listener.close()
    }

    // MARK: What is said of failures

    @Test(arguments: [("reset", BrokenBy.reset), ("close", .closed), ("reset-mid", .reset), ("close-mid", .closed)])
    func howTheServerEndedIsCounted(fault: String, end: BrokenBy) async throws {
        let (report, _) = try await load(fault)
        #expect(report.brokenBy == [end: 20])
    }

    @Test func retryAfterIsCounted() async throws {
        let (report, _) = try await load("status:503:2")
        #expect(report.retryAfter == [503: 20])
        #expect(report.json.contains(#""status_classes":{"2xx":0,"3xx":0,"4xx":0,"5xx":20}"#))
        let (other, _) = try await load("status:503")
        #expect(other.retryAfter == [:])
    }

    @Test func refusedConnectionsAreToldFromTimeouts() async throws {
        let (refused, _) = try await load { $0.port = 1; $0.count = 6 }
        #expect(refused.connectFailures == [.refused: 6])
        // A queue of connections that is full takes none and refuses none.
        let listener = try await ServerBootstrap(group: group).serverChannelOption(.backlog, value: 1)
            .serverChannelOption(.autoRead, value: false).bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let (late, _) = try await load {
            $0.port = port
            $0.connections = 8
            $0.count = 8
            $0.isOnce = true
            $0.timeout = .milliseconds(300)
        }
        #expect((late.connectFailures[.timeout] ?? 0) >= 4)
        #expect(late.failed == 8)
        try await listener.close()
    }

    @Test func eachClientAsksOnce() async throws {
        let (report, stats) = try await load {
            $0.connections = 30
            $0.count = 30
            $0.isOnce = true
            $0.ramp = .milliseconds(100)
        }
        #expect(report.requests == 30 && report.completed == 30 && report.connections == 30)
        #expect(stats.connections == 30)
        let (refused, _) = try await load { $0.port = 1; $0.connections = 5; $0.count = 5; $0.isOnce = true }
        #expect(refused.requests == 5 && refused.failures == [.connect: 5])
    }

    // MARK: Books

    @Test func ledgerAndTheMocksBooksAgree() async throws {
        let server = try await MockServer.start(on: group)
        var options = LoadOptions()
        options.port = server.port
        options.path = "/v1/chat/completions"
        options.connections = 8
        options.threads = 2
        options.count = 60
        options.stream = true
        options.body = LoadOptions.chatBody(stream: true)
        options.fields = [("x-mock-tokens", "5"), ("x-mock-interval", "2ms")]
        options.leave = 0.3
        options.leaveWithin = .milliseconds(10)
        options.idPrefix = "run"
        options.keepsLedger = true
        let report = try await LoadGenerator.run(options)
        while server.stats.active > 0 { try await Task.sleep(for: .milliseconds(5)) }
        #expect(Set(report.ledger.compactMap(\.id)).count == 60, "no id is given twice")
        for entry in report.ledger {
            let id = try #require(entry.id)
            guard entry.outcome == "completed" else { continue }
            let record = try #require(server.record(of: id))
            #expect(record.completed == 1 && record.executions == 1)
            // The event with the usage has no number and is no token.
            #expect(entry.events == record.tokens + 1)
        }
        #expect(report.ledger.filter { $0.outcome == "completed" }.count == report.completed)
        #expect(report.ledger[0].json.hasPrefix("{\"id\":\"run-"))
        #expect(report.series.points.map(\.slot.began).reduce(0, +) == 60)
        #expect(report.series.points.last?.inFlight == 0)
        await server.stop()
    }
}
