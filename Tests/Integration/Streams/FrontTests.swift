import NIOCore
import Testing

/// The corners of HTTP/1.1 where proxies go wrong.
@Suite(.serialized)
struct HTTPCorners {
    private static func answering(_ answer: @escaping @Sendable (String) -> String) async throws -> RawBackend {
        let backend = try await RawBackend.start()
        backend.answer(answer)
        return backend
    }

    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    @Test func aClientThatWaitsIsToldToGoOn() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n")
            let first = try await client.receive(.text("\r\n\r\n"))
            #expect(first.text == "HTTP/1.1 100 Continue\r\n\r\n")
            try await client.send("hello")
            let upstream = try await backend.next()
            let head = try #require(try await upstream.takeHead()).lowercased()
            #expect(!head.contains("expect"), "the client was answered here")
            #expect(try await upstream.receive(.bytes(5)).text == "hello")
            try await upstream.send(Self.ok)
            #expect(try await client.receive(.text("ok")).text.hasSuffix("ok"))
            await client.close()
        }
    }

    @Test func aClientThatWaitsIsRefusedBeforeItSends() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend, file: "limits: {body: 1KiB}") { gateway in
            let client = try await gateway.peer()
            try await client.send("POST /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5000\r\n\r\n")
            #expect(try await client.receive(.text("}}")).reply().status == 413)
            await client.close()
            #expect(backend.connectionCount == 0)
        }
    }

    /// Answers without a body, one after the other on one connection: each ends where it should, or the next is lost.
    @Test func answersWithoutABodyEndAtTheirHead() async throws {
        let backend = try await Self.answering { head in
            switch head.split(separator: " ")[1] {
            case "/head": "HTTP/1.1 200 OK\r\nContent-Length: 123\r\n\r\n"
            case "/204": "HTTP/1.1 204 No Content\r\n\r\n"
            case "/304": "HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\nETag: \"a\"\r\n\r\n"
            case "/empty": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
            default: Self.ok
            }
        }
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            for request in ["HEAD /head", "GET /204", "GET /304", "GET /empty", "GET /last"] {
                try await client.send("\(request) HTTP/1.1\r\nHost: a\r\n\r\n")
            }
            var bytes = try await client.receive(.text("ok")).bytes
            let head = try Reply(&bytes, to: "HEAD")
            #expect(head.status == 200 && head["content-length"] == "123")
            let noContent = try Reply(&bytes)
            #expect(noContent.status == 204 && noContent["content-length"] == nil && !noContent.isChunked)
            let notModified = try Reply(&bytes)
            #expect(notModified.status == 304 && notModified["etag"] == "\"a\"")
            #expect(notModified["content-length"] == "77")
            let empty = try Reply(&bytes)
            #expect(empty.isWhole && empty["content-length"] == "0")
            let last = try Reply(&bytes)
            #expect(last.text == "ok")
            await client.close()
        }
    }

    @Test func informationalAnswersPassAhead() async throws {
        let backend = try await Self.answering { _ in
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n" + Self.ok
        }
        try await withGateway(before: backend) { gateway in
            let replies = try Reply.all(
                try await gateway.exchange("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").bytes)
            #expect(replies.map(\.status).filter { $0 != 100 } == [103, 200])
            #expect(replies.first { $0.status == 103 }?["link"] == "</a.css>")
            let old = try Reply.all(try await gateway.exchange("GET / HTTP/1.0\r\n\r\n").bytes)
            #expect(old.map(\.status) == [200], "HTTP/1.0 knows no 1xx")
        }
    }

    @Test func http10KeepsAConnectionWhenItAsks() async throws {
        let backend = try await Self.answering { _ in Self.ok }
        try await withGateway(before: backend) { gateway in
            let heard = try await gateway.exchange(
                "GET /1 HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\nGET /2 HTTP/1.0\r\nHost: a\r\n\r\n")
            let replies = try Reply.all(heard.bytes)
            #expect(replies.map { $0["connection"] } == ["keep-alive", "close"])
            #expect(replies.allSatisfy { $0.text == "ok" })
        }
    }

    @Test func pipelinedRequestsAreAnsweredInOrder() async throws {
        let backend = try await Self.answering { head in
            let path = head.split(separator: " ")[1]
            return "HTTP/1.1 200 OK\r\nContent-Length: \(path.utf8.count)\r\n\r\n\(path)"
        }
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send((0..<10).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\n\r\n" }.joined())
            let replies = try Reply.all(try await client.receive(.text("/9")).bytes)
            #expect(replies.map(\.text) == (0..<10).map { "/\($0)" })
            await client.close()
        }
    }

    /// While a request is answered, only so much of what follows it is taken into memory; all of it is answered.
    @Test func pipelinedRequestsWaitWithTheClient() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            let padding = String(repeating: "x", count: 15_000)
            let count = 150
            try await client.send("GET /0 HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            client.begin(
                sending: ByteBuffer(
                    string: (1..<count).map { "GET /\($0) HTTP/1.1\r\nHost: a\r\nX-P: \(padding)\r\n\r\n" }.joined()))
            try await until("requests to wait") { try await gateway.status().buffered.bytes >= 64 << 10 }
            // Two megabytes are on their way: what is held are the bound and what a turn of the loop reads.
            for _ in 0..<20 { #expect(try await gateway.status().buffered.bytes <= 1 << 20) }
            try await upstream.send(Self.ok)
            for _ in 1..<count {
                _ = try await upstream.takeHead()
                try await upstream.send(Self.ok)
            }
            try await until("all to be answered") {
                try await client.receive(.bytes(1)).text.ranges(of: "\r\n\r\nok").count == count
            }
            #expect(try await gateway.status().buffered.bytes == 0)
            await client.close()
        }
    }

    @Test func anUpgradeIsNotPassedOn() async throws {
        let backend = try await RawBackend.start()
        backend.play { upstream, _ in
            let head = try await upstream.takeHead()?.lowercased() ?? ""
            try await upstream.send(
                head.contains("upgrade") || head.contains("http2-settings") || head.contains("x-hop")
                    ? "HTTP/1.1 101 Switching Protocols\r\n\r\n" : Self.ok)
        }
        try await withGateway(before: backend) { gateway in
            let reply = try await gateway.exchange(
                "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nHTTP2-Settings: AAA\r\nX-Hop: 1\r\n"
                    + "Connection: Upgrade, HTTP2-Settings, X-Hop, close\r\n\r\n").reply()
            #expect(reply.status == 200)
        }
    }

    /// Nobody asked for it, so a backend that switches protocols is broken.
    @Test func anUnaskedSwitchOfProtocolsIsABadAnswer() async throws {
        let backend = try await Self.answering { _ in "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n" }
        try await withGateway(before: backend) { gateway in
            let answer = try await gateway.ask("GET", "/")
            #expect(answer.errorCode == "upstream_malformed")
        }
    }

    /// Trailers are not forwarded, and the connection stays in step.
    @Test func trailersDoNotDisturbTheNextAnswer() async throws {
        let backend = try await Self.answering { head in
            head.hasPrefix("GET /trailers")
                ? "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n" : Self.ok
        }
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /trailers HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let replies = try Reply.all(try await client.receive(.text("ok")).bytes)
            #expect(replies.map(\.text) == ["abc", "ok"])
            #expect(backend.connectionCount == 1)
            await client.close()
        }
    }
}
