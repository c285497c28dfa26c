import MartletBase
import NIOCore
import NIOPosix
import Testing

@testable import MartletTools

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
        ("no-done", .truncated), ("error-event:2", .errorEvent), ("status:429", .status), ("html", .truncated),
    ])
    func brokenStreamsAreNamed(fault: String, failure: LoadFailure) async throws {
        let (report, _) = try await load(fault, stream: true)
        #expect(report.failures == [failure: 20])
    }

    @Test(arguments: [false, true]) func silenceIsATimeout(stream: Bool) async throws {
        let (report, stats) = try await load("stall:1", stream: stream) { $0.timeout = .milliseconds(50); $0.count = 4 }
        #expect(report.failures == [.timeout: 4])
        #expect(stats.requests == 4)
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
        #expect(report.json.hasPrefix("{\"seconds\":"))
        #expect(report.json.contains("\"failures\":{\"connect\":0,"))
        #expect(report.text.contains("20 of 20 requests"))
    }
}
