import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MartletTools

/// A mock with so many slots: the rest waits in line, and who leaves gives up the slot or the place.
@Suite struct MockSlotsTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    private func ask(_ id: String, _ fields: String = "") -> String {
        let body = #"{"stream":true}"#
        return "POST /v1/chat/completions HTTP/1.1\r\nhost: m\r\nx-mock-id: \(id)\r\n\(fields)"
            + "content-length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    private func withServer(slots: Int, _ body: (MockServer) async throws -> Void) async throws {
        var options = MockOptions()
        options.slots = slots
        let server = try await MockServer.start(options, on: group)
        try await body(server)
        await server.stop()
    }

    private func client(_ server: MockServer, _ id: String, _ fields: String = "") async throws -> RawClient {
        let client = try await RawClient.connect(server.port, on: group)
        try await client.send(ask(id, fields))
        _ = try await server.wait(for: id, state: .waiting)
        return client
    }

    /// A request is in the books a moment before it is in line.
    private func waiting(_ count: Int, at server: MockServer) async throws {
        let end = ContinuousClock.now + .seconds(10)
        while server.stats.waiting != count {
            try #require(ContinuousClock.now < end, "\(server.stats.waiting) wait, not \(count)")
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    @Test func whoComesWhenSlotsAreTakenWaitsInOrder() async throws {
        try await withServer(slots: 1) { server in
            let first = try await client(server, "first", "x-mock-fault: stall:1\r\n")
            _ = try await server.wait(for: "first", state: .streaming)
            let second = try await client(server, "second", "x-mock-fault: stall:1\r\n")
            let third = try await client(server, "third", "x-mock-tokens: 1\r\n")
            try await waiting(2, at: server)
            #expect(server.stats.busy == 1)
            #expect(server.record(of: "second")?.executions == 0)
            await first.close()
            _ = try #require(try await server.wait(for: "second", state: .streaming))
            #expect(server.record(of: "third")?.state == .waiting, "the third is behind the second")
            await second.close()
            _ = try #require(try await server.wait(for: "third", state: .completed))
            while server.stats.busy > 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(server.stats.mostBusy == 1 && server.stats.mostWaiting == 2)
            await third.close()
        }
    }

    @Test func whoLeavesTheLineIsNeverWorkedFor() async throws {
        try await withServer(slots: 1) { server in
            let first = try await client(server, "first", "x-mock-fault: stall:1\r\n")
            let second = try await client(server, "second")
            let third = try await client(server, "third", "x-mock-tokens: 1\r\n")
            try await waiting(2, at: server)
            await second.close()
            _ = try #require(try await server.wait(for: "second", state: .cancelled))
            try await waiting(1, at: server)
            await first.close()
            _ = try #require(try await server.wait(for: "third", state: .completed))
            #expect(server.record(of: "second")?.executions == 0)
            #expect(server.record(of: "third")?.executions == 1)
            // Given back a moment after the books are closed.
            while server.stats.busy > 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(server.stats.waiting == 0)
            await third.close()
        }
    }

    @Test func checksOfHealthNeedNoSlot() async throws {
        try await withServer(slots: 1) { server in
            let busy = try await client(server, "busy", "x-mock-fault: hang\r\n")
            let other = try await RawClient.connect(server.port, on: group)
            try await other.send("GET /health HTTP/1.1\r\n\r\n")
            #expect(try await other.receive { $0.hasSuffix("}") }.text.hasPrefix("HTTP/1.1 200"))
            await busy.close()
            await other.close()
        }
    }

    /// Whoever comes and goes in whatever order: never more busy than slots, and all are free at the end.
    @Test func slotsAreNeitherLostNorDoubled() async throws {
        try await withServer(slots: 4) { server in
            var options = LoadOptions()
            options.port = server.port
            options.path = "/v1/chat/completions"
            options.connections = 40
            options.count = 400
            options.stream = true
            options.body = LoadOptions.chatBody(stream: true)
            options.fields = [("x-mock-tokens", "3"), ("x-mock-interval", "1ms")]
            options.leave = 0.4
            options.leaveWithin = .milliseconds(20)
            options.threads = 2
            let report = try await LoadGenerator.run(options)
            #expect(report.completed + report.left == 400)
            while server.stats.active > 0 { try await Task.sleep(for: .milliseconds(5)) }
            while server.stats.busy > 0 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(server.stats.mostBusy == 4)
            #expect(server.stats.waiting == 0)
        }
    }

    @Test func deafServerGoesOnForWhoLeft() async throws {
        try await withServer(slots: 1) { server in
            // Long enough for a client that leaves late on a busy machine.
            let fields = "x-mock-fault: deaf\r\nx-mock-tokens: 60\r\nx-mock-interval: 40ms\r\n"
            let left = try await client(server, "left", fields)
            _ = try await server.wait(for: "left", state: .streaming)
            await left.close()
            let next = try await client(server, "next", "x-mock-tokens: 1\r\n")
            let served = try #require(try await server.wait(for: "next", state: .completed))
            let record = try #require(server.record(of: "left"))
            #expect(record.state == .cancelled)
            #expect(record.tokens == 60)
            let (began, ended) = (try #require(served.beganMicroseconds), try #require(record.endedMicroseconds))
            #expect(began >= ended, "the slot is held to the end")
            #expect(server.stats.tokensWasted > 0)
            #expect(server.stats.tokensWasted + server.stats.tokensSent == 61)
            await next.close()
        }
    }
}
