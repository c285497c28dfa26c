import MartletBase
import MartletWire
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import MartletNet

@Suite(.timeLimit(.minutes(1))) struct RedisConnectionTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    private func open(
        _ url: RedisURL, timeout: Duration = .seconds(10), onPush: (@Sendable ([RESPValue]) -> Void)? = nil
    ) async throws -> RedisConnection {
        try await RedisConnection.open(url, on: loop, timeout: timeout, onPush: onPush)
    }

    /// A server that greets as Redis does, and then answers as told.
    private func server(
        tls: TLSServer? = nil, _ answer: @escaping @Sendable ([String]) -> FakeRedis.Answer
    ) async throws -> FakeRedis {
        try await FakeRedis.start(tls: tls) { command in
            command[0] == "HELLO" ? .text(FakeRedis.hello) : answer(command)
        }
    }

    private func failure(of call: () async throws -> some Sendable) async -> MartletError? {
        do {
            _ = try await call()
            return nil
        } catch {
            return error as? MartletError
        }
    }

    // MARK: The first words

    @Test func itSaysWhoItIsAndWhereItWantsToGo() async throws {
        let server = try await server { _ in .text("+OK\r\n") }
        var url = server.url
        (url.username, url.password, url.database) = ("bob", Secret("hunter2"), 3)
        let connection = try await open(url)
        #expect(connection.version == 3)
        #expect(
            server.commands == [
                ["HELLO", "3", "AUTH", "bob", "hunter2", "SETNAME", "martlet"], ["SELECT", "3"],
            ])
        connection.close()
        try await server.stop()
    }

    @Test func anOldServerIsSpokenToAsItCan() async throws {
        let server = try await FakeRedis.start { command in
            command[0] == "HELLO" ? .text("-ERR unknown command 'HELLO'\r\n") : .text("+OK\r\n")
        }
        var url = server.url
        url.password = Secret("hunter2")
        let connection = try await open(url)
        #expect(connection.version == 2)
        #expect(server.commands.dropFirst() == [["AUTH", "hunter2"], ["CLIENT", "SETNAME", "martlet"]])
        connection.close()
        try await server.stop()
    }

    @Test(arguments: [
        ("-WRONGPASS invalid username-password pair or user is disabled.\r\n", true),
        ("-NOAUTH HELLO must be called with the client already authenticated\r\n", true),
        ("-ERR max number of clients reached\r\n", false),
    ])
    func aRefusalIsToldInTheServersWords(reply: String, isDenial: Bool) async throws {
        let server = try await FakeRedis.start { _ in .text(reply) }
        await #expect { try await open(server.url) } throws: { error in
            (error as? RedisError)?.isDenial == isDenial && reply.contains("\(error)")
        }
        try await server.stop()
    }

    @Test func whatIsNoRedisServerIsNoticed() async throws {
        let echo = try await FakeRedis.start { _ in .text("*1\r\n$5\r\nHELLO\r\n") }
        #expect(await failure { try await open(echo.url) }?.code == .upstreamMalformed)
        try await echo.stop()
        let silent = try await FakeRedis.start { _ in .nothing }
        #expect(await failure { try await open(silent.url, timeout: .milliseconds(200)) }?.code == .totalTimeout)
        try await silent.stop()
        #expect(await failure { try await open(silent.url) }?.code == .connectFailed)
    }

    @Test func itSpeaksTLS() async throws {
        let certificates = try Certificates.shared.get()
        let tls = try TLSServer(certificate: certificates.server, key: certificates.serverKey)
        let server = try await server(tls: tls) { _ in .text("+PONG\r\n") }
        var url = server.url
        (url.host, url.isTLS, url.authorities) = ("localhost", true, certificates.authority)
        let connection = try await open(url)
        #expect(try await connection.call("PING") == .simple("PONG"))
        connection.close()
        url.authorities = certificates.stranger
        #expect(await failure { try await open(url) }?.cause.hasPrefix("TLS: ") == true)
        (url.authorities, url.verifiesServer) = (nil, false)
        try await open(url).close()
        try await server.stop()
    }

    // MARK: Commands

    @Test func repliesComeInTheirOrder() async throws {
        let server = try await server { .text("+\($0[1])\r\n") }
        let connection = try await open(server.url)
        try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<500 {
                group.addTask { try await connection.call("ECHO", "\(number)") == .simple("\(number)") }
            }
            for try await isRight in group { #expect(isRight) }
        }
        connection.close()
        try await server.stop()
    }

    @Test func commandsOfOneTurnLeaveInOneWrite() async throws {
        let server = try await server { _ in .text("+OK\r\n") }
        let connection = try await open(server.url)
        let before = server.reads
        let done = loop.makePromise(of: Void.self)
        loop.execute {
            for number in 0..<100 {
                var pipeline = RedisPipeline()
                pipeline.append(["SET", "key", "\(number)"])
                connection.send(pipeline) { result in
                    if number == 99 { done.completeWith(result.map { _ in }) }
                }
            }
        }
        try await done.futureResult.get()
        #expect(server.commands.count == 101)
        // A read may end anywhere, so that there may be a few.
        #expect(server.reads - before <= 5)
        connection.close()
        try await server.stop()
    }

    @Test func errorRepliesAreThrownByOneCommandAndValuesInMany() async throws {
        let server = try await server { $0[0] == "GET" ? .text("$1\r\nx\r\n") : .text("-WRONGTYPE not that\r\n") }
        let connection = try await open(server.url)
        await #expect(throws: RedisError(code: "WRONGTYPE", text: "not that")) { try await connection.call("INCR", "a") }
        let words = [["GET", "a"], ["INCR", "a"]].map { $0.map { ByteBuffer(string: $0) } }
        #expect(try await connection.pipeline(words) == [.bulk("x"), .error("WRONGTYPE not that")])
        #expect(try await connection.pipeline([]) == [])
        connection.close()
        try await server.stop()
    }

    @Test func pushesAreNoReplies() async throws {
        let push = ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n1\r\n"
        let server = try await server { _ in .text(push + "+PONG\r\n" + push) }
        let pushes = Mutex<[[RESPValue]]>([])
        let connection = try await open(server.url) { push in pushes.withLock { $0.append(push) } }
        #expect(try await connection.call("PING") == .simple("PONG"))
        #expect(try await connection.call("PING") == .simple("PONG"))
        #expect(pushes.withLock { $0 }.allSatisfy { $0 == [.bulk("message"), .bulk("c"), .bulk("1")] })
        #expect(pushes.withLock { $0.count } >= 3)
        connection.close()
        try await server.stop()
    }

    @Test func toAnOldServerMessagesAreArrays() async throws {
        let server = try await FakeRedis.start { command in
            switch command[0] {
            case "HELLO": .text("-NOPROTO unsupported protocol version\r\n")
            case "SUBSCRIBE": .text("*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n")
            case "PING": .text("*2\r\n$4\r\npong\r\n$0\r\n\r\n")
            default: .text("+OK\r\n")
            }
        }
        let pushes = Mutex(0)
        let connection = try await open(server.url) { _ in pushes.withLock { $0 += 1 } }
        connection.tell(["SUBSCRIBE", "c"])
        #expect(try await connection.call("PING") == .array([.bulk("pong"), .bulk("")]))
        #expect(pushes.withLock { $0 } == 1)
        connection.close()
        try await server.stop()
    }

    // MARK: The end

    @Test func aConnectionThatDiesFailsAllThatWait() async throws {
        let server = try await server { $0[0] == "QUIT" ? .close : .nothing }
        let connection = try await open(server.url)
        try await withThrowingTaskGroup(of: ErrorCode?.self) { group in
            for _ in 0..<20 { group.addTask { await failure { try await connection.call("GET", "a") }?.code } }
            group.addTask { await failure { try await connection.call("QUIT") }?.code }
            for try await code in group { #expect(code == .upstreamReset) }
        }
        try await connection.closed.get()
        #expect(await failure { try await connection.call("GET", "a") }?.code == .upstreamReset)
        try await server.stop()
    }

    @Test func anOverdueReplyIsTheEnd() async throws {
        let server = try await server { $0[0] == "PING" ? .text("+PONG\r\n") : .nothing }
        let connection = try await open(server.url, timeout: .seconds(2))
        #expect(try await connection.call("PING") == .simple("PONG"))
        #expect(await failure { try await connection.call("GET", "a") }?.code == .totalTimeout)
        try await connection.closed.get()
        try await server.stop()
    }

    @Test func aServerThatBecameAReplicaIsLeft() async throws {
        let server = try await server { _ in .text("-READONLY You can't write against a read only replica.\r\n") }
        let connection = try await open(server.url)
        await #expect { try await connection.call("SET", "a", "1") } throws: { ($0 as? RedisError)?.code == "READONLY" }
        try await connection.closed.get()
        try await server.stop()
    }

    @Test func aReplyToNothingIsTheEnd() async throws {
        let server = try await server { _ in .text("+PONG\r\n+PONG\r\n") }
        let connection = try await open(server.url)
        #expect(try await connection.call("PING") == .simple("PONG"))
        try await connection.closed.get()
        #expect(await failure { try await connection.call("PING") }?.code == .upstreamMalformed)
        try await server.stop()
    }

    @Test func closingFailsWhatWaitsAndIsNotWrongTwice() async throws {
        let server = try await server { _ in .nothing }
        let connection = try await open(server.url)
        let waiting = Task { await failure { try await connection.call("GET", "a") }?.code }
        while server.commands.count < 2 { await Task.yield() }
        connection.close()
        connection.close()
        #expect(await waiting.value == .shuttingDown)
        try await connection.closed.get()
        try await server.stop()
    }

    @Test func whatIsOutstandingIsBounded() {
        let outbox = RedisOutbox(operation: "test", limits: .init(replies: 3, unsentBytes: 100))
        var pipeline = RedisPipeline()
        pipeline.append(["PING"])
        func put(_ replies: Int) -> Bool {
            let awaited = AwaitedReplies(missing: replies, deadline: .distantFuture) { _ in }
            if case .refused = outbox.put(pipeline, awaited) { return false }
            return true
        }
        #expect(put(2) && put(1))
        #expect(!put(1), "too many replies")
        outbox.answered(2)
        #expect(put(1))
        #expect(outbox.take().awaited.count == 3)
        outbox.answered(2)
        for _ in 0..<10 where put(0) {}
        #expect(!put(0), "too many bytes")
        outbox.sent(bytes: 1000)
        #expect(put(0))
    }
}
