import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletTesting
import MartletWire
import NIOCore
import NIOPosix
import Testing

@Suite("HTTP/1 leg")
struct HTTP1LegTests {
    /// Requests to one upstream, on a loop and sockets of the system.
    private final class Caller: Sendable {
        struct Answer: Sendable, Equatable {
            var status: Int
            var text: String
            var size: BodySize?
            var isAborted: Bool
        }

        private struct Parts {
            let context: LoopContext
            let pool: Pool
        }

        private let loop: any EventLoop
        private let parts: NIOLoopBound<Parts>

        /// - Parameter keepAlive: unless stated, no connection expires while the machine is busy with other tests.
        init(
            _ address: SocketAddress, keepAlive: UpstreamKeepAlive = UpstreamKeepAlive(idle: .seconds(600))
        ) async throws {
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            self.loop = loop
            parts = try await loop.submit {
                let context = LoopContext.fake(on: loop)
                context.legs = HTTP1Legs(loop: context)
                var policy = TargetPolicy()
                policy.maxFails = 0
                let pool = try Pool.fake(count: 0, now: .current)
                pool.add(try .fake(1, address: address, keepAlive: keepAlive), policy: policy, now: .current)
                return NIOLoopBound(Parts(context: context, pool: pool), eventLoop: loop)
            }.get()
        }

        func call(_ method: MartletWire.Method = .get) async throws -> Answer {
            let (parts, loop) = (parts, loop)
            return try await loop.flatSubmit {
                let promise = loop.makePromise(of: Answer.self)
                let front = FakeFront()
                front.onHeard = { [weak front] what in
                    guard let front, what == .end || what == .abort else { return }
                    let isAborted = what == .abort
                    promise.succeed(
                        Answer(status: front.status ?? 0, text: front.text, size: front.size, isAborted: isAborted))
                }
                let exchange = Exchange(
                    context: parts.value.context, route: .fake(.pool(parts.value.pool)), front: front,
                    request: .fake(.fake(method)), caller: CallerFacts(), now: parts.value.context.now)
                exchange.start()
                exchange.requestEnd()
                return promise.futureResult
            }.get()
        }

        /// A reload puts another target of the same id in the place of the present one.
        func replace(_ target: Target) async throws {
            try await loop.submit { [parts] in
                parts.value.pool.replace(target, policy: TargetPolicy(), now: .current)
                parts.value.context.legs?.targetReplaced(by: target)
            }.get()
        }

        /// Closes the idle connections, and checks that no deadline is left behind.
        func stop() async throws {
            let deadlines = try await loop.submit { [parts] in
                parts.value.context.legs?.targetRemoved(TargetID(1))
                return parts.value.context.wheel.count
            }.get()
            #expect(deadlines == 0)
        }

        /// Connections to the upstream, in use and idle.
        func connections() async throws -> [Int64] {
            try await loop.submit { [parts] in
                let totals = MeterTotals([parts.value.context.meter.snapshot()])
                return [totals.connections(.upstreamActive), totals.connections(.upstreamIdle)]
            }.get()
        }
    }

    private func ok(_ text: String, _ fields: String = "") -> String {
        "HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\(fields)\r\n\(text)"
    }

    private func answer(to method: MartletWire.Method = .get, _ reply: Upstream.Reply) async throws -> Caller.Answer {
        let upstream = try await Upstream.start { _ in reply }
        let caller = try await Caller(upstream.address)
        let answer = try await caller.call(method)
        try await caller.stop()
        try await upstream.stop()
        return answer
    }

    @Test("a connection is kept and used again")
    func keepAlive() async throws {
        let upstream = try await Upstream.start { _ in .text(ok("hello")) }
        let caller = try await Caller(upstream.address)
        for _ in 0..<3 {
            #expect(try await caller.call().text == "hello")
            #expect(try await caller.connections() == [0, 1])
        }
        try await caller.stop()
        try await upstream.stop()
    }

    @Test("a reload that allows fewer idle connections, or a shorter rest, holds for those that rest", arguments: [
        UpstreamKeepAlive(idle: .seconds(600), connections: 0), UpstreamKeepAlive(idle: .milliseconds(1)),
    ])
    func reloadOfKeepAlive(keepAlive: UpstreamKeepAlive) async throws {
        let upstream = try await Upstream.start { _ in .text(ok("hello")) }
        let caller = try await Caller(upstream.address)
        #expect(try await caller.call().text == "hello")
        #expect(try await caller.connections() == [0, 1])
        try await caller.replace(.fake(1, address: upstream.address, keepAlive: keepAlive))
        while try await caller.connections() != [0, 0] { try await Task.sleep(for: .milliseconds(5)) }
        try await caller.stop()
        try await upstream.stop()
    }

    @Test("a reload keeps the connections, and other header fields hold from the next request on")
    func reload() async throws {
        let upstream = try await Upstream.start { _ in .text(ok("hello")) }
        let caller = try await Caller(upstream.address)
        var requests = upstream.requests.makeAsyncIterator()
        #expect(try await caller.call().text == "hello")
        _ = await requests.next()
        let edits = HeaderEdits(set: [("x-new", "yes")])
        let keepAlive = UpstreamKeepAlive(idle: .seconds(600))
        try await caller.replace(.fake(1, address: upstream.address, edits: edits, keepAlive: keepAlive))
        #expect(try await caller.connections() == [0, 1])
        #expect(try await caller.call().text == "hello")
        #expect(await requests.next()?.contains("x-new: yes\r\n") == true)
        #expect(try await caller.connections() == [0, 1])
        #expect(upstream.accepted.value == 1)
        try await caller.stop()
        try await upstream.stop()
    }

    @Test("a connection that was made under other rules of TLS is not used on")
    func otherTLS() throws {
        func target(_ tls: TLSClient?) throws -> Target {
            let address = try SocketAddress(ipAddress: "192.0.2.1", port: 443)
            return Target(
                id: TargetID(1), url: "", place: .address(address), origin: Origin(scheme: .https, host: "a", port: 443),
                tls: tls, authority: nil, edits: HeaderEdits(), version: "")
        }
        let strict = try target(TLSClient())
        #expect(try strict.isReachedLike(target(TLSClient())))
        #expect(try !strict.isReachedLike(target(TLSClient(verify: false))))
        #expect(try !strict.isReachedLike(target(TLSClient(serverName: "b"))))
        #expect(try !strict.isReachedLike(target(nil)))
        #expect(try !target(nil).isReachedLike(strict))
    }

    @Test("a connection for which there is no room closes, and is counted nowhere")
    func noRoom() async throws {
        let upstream = try await Upstream.start { _ in .text(ok("hello")) }
        let caller = try await Caller(upstream.address, keepAlive: UpstreamKeepAlive(connections: 0))
        for _ in 0..<3 {
            #expect(try await caller.call().text == "hello")
            #expect(try await caller.connections() == [0, 0])
        }
        try await caller.stop()
        try await upstream.stop()
    }

    @Test("an upstream that says it closes is not kept")
    func connectionClose() async throws {
        let upstream = try await Upstream.start { _ in .text(ok("hello", "Connection: close\r\n")) }
        let caller = try await Caller(upstream.address)
        #expect(try await caller.call().text == "hello")
        #expect(try await caller.connections() == [0, 0])
        try await caller.stop()
        try await upstream.stop()
    }

    @Test("an idle connection closes before the time that its upstream states", .timeLimit(.minutes(1)))
    func statedTime() async throws {
        // The first answer states nothing, so the connection's deadline is far away when the second one is nearer.
        let counter = Shared(0)
        let upstream = try await Upstream.start { _ in
            counter.value += 1
            return .text(ok("hello", counter.value == 1 ? "" : "Keep-Alive: timeout=2\r\n"))
        }
        let caller = try await Caller(upstream.address, keepAlive: UpstreamKeepAlive(idle: .seconds(50)))
        _ = try await caller.call()
        #expect(try await caller.call().text == "hello")
        let start = ContinuousClock.now
        for await _ in upstream.endings { break }
        // A second as a rule; without the statement it would be 50.
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(try await caller.connections() == [0, 0])
        try await caller.stop()
        try await upstream.stop()
    }

    @Test("an upstream that closes idle connections without a word fails nobody")
    func stale() async throws {
        let upstream = try await Upstream.start { _ in .last(ok("hello")) }
        let caller = try await Caller(upstream.address)
        for _ in 0..<20 {
            let answer = try await caller.call(.post)
            #expect(answer.status == 200)
            #expect(answer.text == "hello")
        }
        try await caller.stop()
        try await upstream.stop()
    }

    @Test("HEAD and an empty answer keep their length")
    func lengths() async throws {
        let head = try await answer(to: .head, .text("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
        #expect(head.size == .exactly(5))
        #expect(head.text.isEmpty)
        #expect(try await answer(.text(ok(""))).size == .exactly(0))
    }

    @Test("a body may end with its connection")
    func untilClose() async throws {
        let whole = try await answer(.last("HTTP/1.1 200 OK\r\n\r\nhello"))
        #expect(whole == Caller.Answer(status: 200, text: "hello", size: .unknown, isAborted: false))
    }

    @Test("a chunked body is unwrapped")
    func chunked() async throws {
        let whole = try await answer(
            .text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: 1\r\n\r\n"))
        #expect(whole == Caller.Answer(status: 200, text: "hello", size: .unknown, isAborted: false))
    }

    @Test("a short body is never passed off as a whole one", arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n",
    ])
    func truncated(text: String) async throws {
        let broken = try await answer(.last(text))
        #expect(broken.text == "short")
        #expect(broken.isAborted)
    }

    @Test("what is not HTTP is a 502", arguments: [
        ("hello\r\n\r\n", ErrorCode.upstreamMalformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", .upstreamMalformed),
        ("HTTP/1.1 2", .upstreamReset), ("", .upstreamReset),
    ])
    func malformed(text: String, code: ErrorCode) async throws {
        let refused = try await answer(to: .post, .last(text))
        #expect(refused.status == 502)
        #expect(refused.text.contains(code.text))
    }

    @Test("nobody listens: 502, connect_failed")
    func refusedConnection() async throws {
        let upstream = try await Upstream.start { _ in .last("") }
        try await upstream.stop()
        let caller = try await Caller(upstream.address)
        let refused = try await caller.call()
        #expect(refused.status == 502)
        #expect(refused.text.contains(ErrorCode.connectFailed.text))
        #expect(try await caller.connections() == [0, 0])
        try await caller.stop()
    }
}
