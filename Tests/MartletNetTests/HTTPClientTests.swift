import MartletBase
import MartletWire
import NIOCore
import NIOPosix
import Testing

@testable import MartletNet

/// One client with its resolver, for the length of a test.
func withClient<Answer>(
    lookup: @escaping NameResolver.Lookup = NameLookup.system, _ body: (HTTPClient) async throws -> Answer
) async throws -> Answer {
    let resolver = NameResolver(lookup: lookup)
    let client = HTTPClient(group: .singletonMultiThreadedEventLoopGroup, resolver: resolver)
    do {
        let answer = try await body(client)
        resolver.shutdown()
        return answer
    } catch {
        resolver.shutdown()
        throw error
    }
}

extension ScriptedServer {
    func url(_ path: String = "/", host: String = "127.0.0.1", scheme: Origin.Scheme = .http) -> HTTPURL {
        HTTPURL(origin: Origin(scheme: scheme, host: host, port: port), path: path)
    }
}

@Suite(.timeLimit(.minutes(1))) struct HTTPClientTests {
    @Test(arguments: [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more",
    ])
    func readsARepliesEndFromItsFraming(text: String) async throws {
        // The server leaves the connection open: only the framing tells where the reply ends.
        let server = try await ScriptedServer.start(.answer(text))
        let reply = try await withClient { try await $0.request(.get, server.url()) }
        #expect(reply.status == 200)
        #expect(String(decoding: reply.body, as: UTF8.self) == "hello")
        await server.firstClose()
        #expect(try openConnections(to: server.port) == 0)
        try await server.stop()
    }

    @Test func readsABodyThatEndsWithTheConnection() async throws {
        let server = try await ScriptedServer.start(.answerAndClose("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\n\r\nlater"))
        let reply = try await withClient { try await $0.request(.get, server.url()) }
        #expect(reply.status == 503)
        #expect(reply.headers.value(.retryAfter) == "7")
        #expect(String(decoding: reply.body, as: UTF8.self) == "later")
        try await server.stop()
    }

    @Test func expectsNoBodyAfterHEAD() async throws {
        let server = try await ScriptedServer.start(.answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"))
        let reply = try await withClient { try await $0.request(.head, server.url()) }
        #expect(reply.status == 200 && reply.body.isEmpty)
        try await server.stop()
    }

    @Test func neverFollowsARedirect() async throws {
        let target = try await ScriptedServer.start(.silence)
        let answer = "HTTP/1.1 302 Found\r\nLocation: \(target.url())\r\nContent-Length: 0\r\n\r\n"
        let server = try await ScriptedServer.start(.answer(answer))
        let reply = try await withClient { try await $0.request(.get, server.url()) }
        #expect(reply.status == 302)
        #expect(reply.headers.value(.location) == target.url().description)
        try await target.stop()
        #expect(await target.first { $0 } == nil)
        try await server.stop()
    }

    @Test func sendsWhatItWasAskedTo() async throws {
        let server = try await ScriptedServer.start(.echo)
        let reply = try await withClient {
            try await $0.request(
                .post, server.url("/v1/x?y=z"),
                headers: [("Authorization", "Bearer k"), ("Content-Length", "99"), ("Connection", "keep-alive")],
                body: Array("{}".utf8))
        }
        #expect(
            String(decoding: reply.body, as: UTF8.self) == """
                POST /v1/x?y=z HTTP/1.1\r
                Authorization: Bearer k\r
                Host: 127.0.0.1:\(server.port)\r
                User-Agent: martlet\r
                Accept: */*\r
                Connection: close\r
                Content-Length: 2\r
                \r
                {}
                """)
        try await server.stop()
    }

    @Test(arguments: [("X-A\r\nX-B", "1"), ("X-A", "1\r\nX-B: 2"), ("", "1"), ("X A", "1")])
    func refusesHeadersThatWouldSplitTheRequest(name: String, value: String) async throws {
        let url = try HTTPURL("http://127.0.0.1:9")
        await #expect { try await withClient { try await $0.request(.get, url, headers: [(name, value)]) } } throws: {
            ($0 as? MartletError)?.code == .badRequest
        }
    }

    @Test(arguments: [
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", ErrorCode.upstreamTruncated),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", .upstreamTruncated),
        ("HTTP/1.1 200", .upstreamTruncated),
        ("", .upstreamReset),
        ("SSH-2.0-OpenSSH_9.2\r\n", .upstreamMalformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", .upstreamMalformed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n" + String(repeating: "a", count: 2000), .upstreamMalformed),
    ])
    func saysHowAReplyFailed(text: String, code: ErrorCode) async throws {
        let server = try await ScriptedServer.start(.answerAndClose(text))
        await #expect {
            try await withClient { try await $0.request(.get, server.url("/health"), maxBody: 1024) }
        } throws: { error in
            guard let error = error as? MartletError else { return false }
            return error.code == code && error.operation == "GET \(server.url("/health"))"
        }
        try await server.stop()
    }

    @Test func aResetBeforeTheReplyIsAReset() async throws {
        let server = try await ScriptedServer.start(.reset)
        await #expect { try await withClient { try await $0.request(.get, server.url()) } } throws: {
            ($0 as? MartletError)?.code == .upstreamReset
        }
        try await server.stop()
    }

    @Test(arguments: [ScriptedServer.Script.silence, .answer("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")])
    func timeIsUpForAReplyThatDoesNotEnd(script: ScriptedServer.Script) async throws {
        let server = try await ScriptedServer.start(script)
        await #expect {
            try await withClient { try await $0.request(.get, server.url(), timeout: .seconds(2)) }
        } throws: {
            ($0 as? MartletError)?.code == .totalTimeout
        }
        await server.firstClose()
        #expect(try openConnections(to: server.port) == 0)
        try await server.stop()
    }

    @Test func cancellationClosesTheConnection() async throws {
        let server = try await ScriptedServer.start(.silence)
        let waiting = Task { try await withClient { try await $0.request(.get, server.url(), timeout: .seconds(50)) } }
        _ = await server.firstRequest()
        #expect(try openConnections(to: server.port) == 1)
        waiting.cancel()
        await #expect(throws: CancellationError.self) { try await waiting.value }
        await server.firstClose()
        #expect(try openConnections(to: server.port) == 0)
        try await server.stop()
    }

    @Test func aCancelledTaskNeverConnects() async throws {
        let server = try await ScriptedServer.start(.silence)
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await withClient { try await $0.request(.get, server.url()) }
        }
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        try await server.stop()
        #expect(await server.first { $0 } == nil)
    }

    @Test func saysWhoRefused() async throws {
        let server = try await ScriptedServer.start(.silence)
        try await server.stop()
        await #expect { try await withClient { try await $0.request(.get, server.url()) } } throws: { error in
            guard let error = error as? MartletError else { return false }
            return error.code == .connectFailed && error.cause == "127.0.0.1:\(server.port): Connection refused"
        }
    }

    @Test func triesTheNextAddressOfAName() async throws {
        let second = try SocketAddress(ipAddress: "127.0.0.2", port: 0)
        let server = try await ScriptedServer.start(.echo, on: second)
        let reply = try await withClient { _ in
            try ["127.77.0.1", "127.0.0.2"].map { try SocketAddress(ipAddress: $0, port: 0) }
        } _: {
            try await $0.request(.get, server.url(host: "two-addresses"))
        }
        #expect(String(decoding: reply.body, as: UTF8.self).contains("Host: two-addresses:\(server.port)\r\n"))
        try await server.stop()
    }

    @Test func asksOneAddressInTheNameOfItsHost() async throws {
        let server = try await ScriptedServer.start(.echo)
        let reply = try await withClient { _ in [] } _: {
            try await $0.request(.get, HTTPURL("http://vllm:8000/health"), at: server.address)
        }
        #expect(String(decoding: reply.body, as: UTF8.self).contains("Host: vllm:8000\r\n"))
        try await server.stop()
    }

    @Test func speaksOverAUnixSocket() async throws {
        let path = "/tmp/martlet-client-\(UInt32.random(in: 0 ... .max)).sock"
        let server = try await ScriptedServer.start(.echo, on: SocketAddress(unixDomainSocketPath: path))
        let reply = try await withClient {
            try await $0.request(.get, HTTPURL("http://localhost/status"), at: server.address)
        }
        #expect(String(decoding: reply.body, as: UTF8.self).hasPrefix("GET /status HTTP/1.1\r\nHost: localhost\r\n"))
        try await server.stop()
    }
}

@Suite(.timeLimit(.minutes(1))) struct TCPCheckTests {
    @Test func knowsAnOpenPortFromAClosedOne() async throws {
        let server = try await ScriptedServer.start(.silence)
        let (open, closed) = try await withClient { client in
            let open = await client.connects(to: server.address, timeout: .seconds(5))
            await server.firstClose()
            try await server.stop()
            return (open, await client.connects(to: server.address, timeout: .seconds(5)))
        }
        #expect(open)
        #expect(!closed)
        #expect(try openConnections(to: server.port) == 0)
    }

    @Test func givesUpOnAnAddressThatDoesNotAnswer() async throws {
        // The kernel drops the handshakes of a listener whose queue is full.
        let full = try await FullListener()
        let connects = try await withClient { await $0.connects(to: full.address, timeout: .milliseconds(500)) }
        #expect(!connects)
        try await full.close()
    }

    @Test func isNoAnswerWhenCancelled() async throws {
        let full = try await FullListener()
        let check = Task { try await withClient { await $0.connects(to: full.address, timeout: .seconds(50)) } }
        check.cancel()
        #expect(try await check.value == false)
        try await full.close()
    }
}
