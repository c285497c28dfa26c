import NIOCore
import Synchronization
import Testing

/// When the client leaves, the work for it ends at once, wherever its request stands: the upstream connection is reset
/// within 50 ms, all that the request held is given back, and nobody takes the target for a bad one.
@Suite(.serialized)
struct ClientLeaves {
    static let ways = Leaving.allCases
    static let limit = TimeAmount.milliseconds(50)

    /// A chat request, streamed or not.
    private static func chat(isStreamed: Bool) -> String {
        let body = #"{"messages":[{"role":"user","content":"hello"}],"model":"m","stream":\#(isStreamed)}"#
        return "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// The upstream sees the reset in time, the books are right and the target is not to blame.
    private static func expectCancelled(
        _ upstream: Peer, left: NIODeadline, in phase: String, _ gateway: MartletProcess, count: Int = 1
    ) async throws {
        let heard = try await upstream.receive(.end)
        #expect(heard.end == .reset, "a reset leaves nothing in TIME_WAIT")
        let taken = try #require(heard.endedAt) - left
        WorstCase.shared.saw(taken, phase)
        #expect(taken < limit)
        try await expectBlameless(gateway, phase: phase, count: count)
    }

    private static func expectBlameless(_ gateway: MartletProcess, phase: String, count: Int = 1) async throws {
        try await until("the books to be closed") { try await gateway.status().isIdle }
        let status = try await gateway.status()
        let target = try #require(status.pools.first?.targets.first)
        #expect(target.failures.isEmpty)
        #expect(target.state == "up")
        #expect(try await gateway.metrics().sum("martlet_cancelled_total", ["phase": phase]) == Double(count))
    }

    @Test(arguments: ways, [true, false])
    func whileTheFirstByteIsAwaited(way: Leaving, isStreamed: Bool) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            for round in 1...5 {
                let client = try await gateway.peer()
                try await client.send(Self.chat(isStreamed: isStreamed))
                let upstream = try await backend.next()
                _ = try await upstream.receive(.text("}"))
                let left = try await client.leave(way)
                try await Self.expectCancelled(upstream, left: left, in: "waiting", gateway, count: round)
            }
        }
    }

    @Test(arguments: ways, [true, false])
    func whileTheAnswerStreams(way: Leaving, isStreamed: Bool) async throws {
        let backend = try await RawBackend.start()
        let begun =
            isStreamed
            ? "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\nb\r\ndata: one\n\n\r\n"
            : "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{\"half\": one"
        try await withGateway(before: backend) { gateway in
            for round in 1...5 {
                let client = try await gateway.peer()
                try await client.send(Self.chat(isStreamed: isStreamed))
                let upstream = try await backend.next()
                _ = try await upstream.receive(.text("}"))
                try await upstream.send("HTTP/1.1 200 OK\r\n" + begun)
                _ = try await client.receive(.text("one"))
                let left = try await client.leave(way)
                try await Self.expectCancelled(upstream, left: left, in: "streaming", gateway, count: round)
            }
        }
    }

    /// The target takes the connection and says nothing to the TLS handshake: it is not connected yet.
    @Test(arguments: ways, [true, false])
    func whileItsTargetIsConnectedTo(way: Leaving, isStreamed: Bool) async throws {
        let backend = try await RawBackend.start()
        let pool = "timeouts: {connect: 30s},"
        try await withGateway(before: backend, scheme: "https", pool: pool, target: "tls: {verify: false}") { gateway in
            for round in 1...5 {
                let client = try await gateway.peer()
                try await client.send(Self.chat(isStreamed: isStreamed))
                let upstream = try await backend.next()
                _ = try await upstream.receive(.bytes(100))
                let left = try await client.leave(way)
                try await Self.expectCancelled(upstream, left: left, in: "connecting", gateway, count: round)
            }
        }
    }

    @Test(arguments: ways, [true, false])
    func whileItQueues(way: Leaving, isStreamed: Bool) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend, target: "max_inflight: 1") { gateway in
            let first = try await gateway.peer()
            try await first.send(Self.chat(isStreamed: false))
            let upstream = try await backend.next()
            _ = try await upstream.receive(.text("}"))
            var times: [TimeAmount] = []
            for _ in 1...5 {
                let second = try await gateway.peer()
                try await second.send(Self.chat(isStreamed: isStreamed))
                try await until("a request to queue") { try await gateway.status().pools[0].queuedCount == 1 }
                let left = try await second.leave(way)
                try await until("the queue to be empty") { try await gateway.status().pools[0].queuedCount == 0 }
                times.append(.now() - left)
            }
            try Self.expectQuick(times, "queued")
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            #expect(try await first.receive(.text("ok")).reply().status == 200)
            await first.close()
            try await Self.expectBlameless(gateway, phase: "queued", count: 5)
            #expect(try await gateway.status().pools[0].targets[0].picks == 1, "who left the queue is never served")
            #expect(backend.connectionCount == 1)
        }
    }

    /// Every attempt fails; the pauses between them grow, so that after five failures the next is far off.
    @Test(arguments: ways, [true, false])
    func whileItBacksOff(way: Leaving, isStreamed: Bool) async throws {
        let backend = try await RawBackend.start()
        let retry = "retry: {attempts: 20, on: error non_idempotent},"
        try await withGateway(before: backend, pool: retry) { gateway in
            var times: [TimeAmount] = []
            for round in 1...2 {
                let client = try await gateway.peer()
                try await client.send(Self.chat(isStreamed: isStreamed))
                for _ in 1...5 {
                    let upstream = try await backend.next()
                    _ = try await upstream.receive(.text("}"))
                    _ = try await upstream.leave(.reset)
                }
                try await until("five failures") { try await gateway.failures() == ["reset": 5 * round] }
                let left = try await client.leave(way)
                try await until("the books to be closed") { try await gateway.status().isIdle }
                times.append(.now() - left)
            }
            try Self.expectQuick(times, "backing off")
            #expect(try await gateway.metrics().sum("martlet_cancelled_total", ["phase": "backing_off"]) == 2)
            #expect(try await gateway.failures() == ["reset": 10], "the client's leaving is no failure")
            #expect(backend.connectionCount == 10)
        }
    }

    /// The answer cannot have begun: half of the request is still to come.
    @Test(arguments: ways)
    func whileItUploads(way: Leaving) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
            try await client.send(ByteBuffer(repeating: 0x78, count: 50_000))
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            _ = try await upstream.receive(.bytes(50_000))
            let left = try await client.leave(way)
            try await Self.expectCancelled(upstream, left: left, in: "waiting", gateway)
        }
    }

    /// A model's request is routed by its body: without the whole of it no target is bothered.
    @Test(arguments: ways)
    func beforeItsModelIsKnown(way: Leaving) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{\"messages\":[")
            _ = try await client.leave(way)
            try await until("the books to be closed") { try await gateway.status().isIdle }
            #expect(backend.connectionCount == 0)
            #expect(try await gateway.status().pools[0].targets[0].picks == 0)
        }
    }

    /// The kernel of the target does not even take the connection.
    @Test(arguments: ways)
    func whileItsTargetDoesNotAccept(way: Leaving) async throws {
        let full = try await Unreachable.start()
        let setup = Setup(url: full.url, pool: "timeouts: {connect: 30s},")
        try await withMartlet(setup.text) { gateway in
            var times: [TimeAmount] = []
            for _ in 1...5 {
                let client = try await gateway.peer()
                try await client.send(Self.chat(isStreamed: true))
                try await until("a target to be picked") { try await gateway.status().connections.upstreamActive == 1 }
                let left = try await client.leave(way)
                try await until("the connection to be given up") { try await gateway.status().isIdle }
                times.append(.now() - left)
            }
            try Self.expectQuick(times, "connecting, not accepted")
            try await Self.expectBlameless(gateway, phase: "connecting", count: 5)
        }
        await full.stop()
    }

    /// Where only the console shows the effect, the time it takes to ask is in every figure: the quickest counts.
    private static func expectQuick(_ times: [TimeAmount], _ phase: String) throws {
        let quickest = try #require(times.min())
        WorstCase.shared.saw(quickest, phase)
        #expect(quickest < limit)
    }
}

/// The longest time from a client's leaving to its effect, printed so that a change for the worse is seen.
final class WorstCase: Sendable {
    static let shared = WorstCase()
    private let worst = Mutex<[String: TimeAmount]>([:])

    func saw(_ taken: TimeAmount, _ phase: String) {
        let worst = worst.withLock { worst -> TimeAmount? in
            guard taken > worst[phase] ?? .zero else { return nil }
            worst[phase] = taken
            return taken
        }
        if let worst { print("client left while \(phase): effect after \(Double(worst.nanoseconds) / 1e6) ms") }
    }
}

extension Status {
    /// No request is anywhere; idle upstream connections may be.
    fileprivate var isIdle: Bool {
        connections.client == 1 && connections.upstreamActive == 0
            && pools.allSatisfy { $0.inFlight == 0 && $0.queuedCount == 0 && $0.retriesInProgress == 0 }
    }
}
