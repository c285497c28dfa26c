import NIOCore
import Testing

/// Requests that could be read in two ways, or that mean harm: refused, the connection closed, the backend not
/// bothered.
@Suite(.serialized)
struct HostileRequests {
    struct Hostile: CustomTestStringConvertible, Sendable {
        let name: String
        let request: String
        let statuses: Set<Int>

        init(_ name: String, _ request: String, _ statuses: Int...) {
            self.name = name
            self.request = request
            self.statuses = Set(statuses)
        }

        var testDescription: String { name }
    }

    private static let post = "POST /x HTTP/1.1\r\nHost: a\r\n"
    private static let oldPost = "POST /x HTTP/1.0\r\nHost: a\r\n"
    private static let get = "GET /x HTTP/1.1\r\nHost: a\r\n"
    private static let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

    static let requests: [Hostile] = [
        Hostile("length and chunked", post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        Hostile("two lengths", post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde", 400),
        Hostile("the same length twice", post + "Content-Length: 4\r\nContent-Length: 4\r\n\r\nabcd", 400),
        Hostile("a list of lengths", post + "Content-Length: 4, 4\r\n\r\nabcd", 400),
        Hostile("a signed length", post + "Content-Length: +4\r\n\r\nabcd", 400),
        Hostile("a hexadecimal length", post + "Content-Length: 0x4\r\n\r\nabcd", 400),
        Hostile("an empty length", post + "Content-Length:\r\n\r\n", 400),
        Hostile("a length beyond 64 bits", post + "Content-Length: 18446744073709551616\r\n\r\n", 400, 413),
        Hostile("a length of 2^63 - 1", post + "Content-Length: 9223372036854775807\r\n\r\n", 413),
        Hostile("an unknown coding", post + "Transfer-Encoding: gzip\r\n\r\n", 400, 501),
        Hostile("a coding before chunked", post + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400, 501),
        Hostile("an empty coding", post + "Transfer-Encoding: ,chunked\r\n\r\n0\r\n\r\n", 400, 501),
        Hostile("chunked twice", post + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400, 501),
        Hostile("chunked in HTTP/1.0", oldPost + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, 501),
        Hostile("a folded line", "GET /x HTTP/1.1\r\nHost: a\r\nX: 1\r\n 2\r\n\r\n", 400),
        Hostile("a space before the colon", "GET /x HTTP/1.1\r\nHost: a\r\nX : 1\r\n\r\n", 400),
        Hostile("an underscore in a name", "GET /x HTTP/1.1\r\nHost: a\r\nContent_Length: 1\r\n\r\n", 400),
        Hostile("no Host", "GET /x HTTP/1.1\r\n\r\n", 400),
        Hostile("two Hosts", "GET /x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        Hostile("a list of Hosts", "GET /x HTTP/1.1\r\nHost: a b, c\r\n\r\n", 400),
        Hostile("a target that is not the Host's", "GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        Hostile("NUL in a value", "GET /x HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", 400),
        Hostile("NUL in the target", "GET /x\u{0} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        Hostile("a bare CR", "GET /x HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        Hostile("a bare LF", "GET /x HTTP/1.1\nHost: a\n\n", 400),
        Hostile("HTTP/0.9", "GET /x\r\n\r\n", 400, 505),
        Hostile("HTTP/2.0", "GET /x HTTP/2.0\r\nHost: a\r\n\r\n", 400, 505),
        Hostile("HTTP/2's preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, 405, 505),
        Hostile("a TLS hello", "\u{16}\u{3}\u{1}\u{2}\u{0}\u{1}\u{0}\u{1}\r\n\r\n", 400),
        Hostile("TRACE", "TRACE /x HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        Hostile("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", 405, 400),
        Hostile("an encoded slash", "GET /v1/..%2f..%2fadmin HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        Hostile("an unknown expectation", post + "Expect: y\r\nContent-Length: 1\r\n\r\n", 417),
        Hostile("too many fields", get + String(repeating: "X: 1\r\n", count: 200) + "\r\n", 431),
        Hostile("a field of 20 KB", get + "X: " + String(repeating: "y", count: 20_000) + "\r\n\r\n", 431),
        Hostile(
            "a target of 1 MB", "GET /" + String(repeating: "y", count: 1 << 20) + " HTTP/1.1\r\nHost: a\r\n\r\n", 414),
    ]

    @Test(arguments: requests)
    func areRefusedWithTheConnectionClosed(hostile: Hostile) async throws {
        let backend = try await RawBackend.start()
        backend.answer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer(sendsToTheEnd: true)
            try await client.send(hostile.request + Self.smuggled)
            let heard = try await client.receive(.end)
            let replies = try Reply.all(heard.bytes)
            #expect(replies.count == 1, "nothing after it on this connection is served")
            #expect(replies.first.map { hostile.statuses.contains($0.status) } == true, "\(heard.text.prefix(80))")
            #expect(replies.first?["connection"] == "close")
            #expect(backend.connectionCount == 0)
            await client.close()
        }
    }

    /// The head was fine, so the backend was reached; but what follows never becomes a request of its own.
    @Test(arguments: [
        "zz\r\n", "-1\r\n", "0x1\r\n", "ffffffffffffffffff\r\n", "1;\u{0}\r\n", "1\nA", "1\r\nAB\r\n", "3 \r\nabc\r\n",
    ])
    func aBadChunkEndsTheConnection(chunk: String) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer(sendsToTheEnd: true)
            try await client.send(Self.post + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.receive(.text("abc"))
            try await client.send(chunk + "0\r\n\r\n" + Self.smuggled)
            let heard = try await client.receive(.end)
            #expect(try Reply.all(heard.bytes).map(\.status) == [400])
            let sent = try await upstream.receive(.end)
            #expect(!sent.text.contains("smuggled"))
            #expect(!sent.text.hasSuffix("0\r\n\r\n"), "the backend does not take it for a whole request")
            #expect(sent.end == .reset)
            #expect(try await gateway.failures().isEmpty, "the target is not to blame")
            await client.close()
        }
    }

    /// A body where none belongs must not be read as the next request.
    /// It is read away, however long: closing with it unread would reset the connection, and the answer with it.
    @Test func theBodyOfAGetDoesNotDestroyTheAnswer() async throws {
        let backend = try await RawBackend.start()
        backend.answer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
        try await withGateway(before: backend) { gateway in
            for _ in 0..<10 {
                let client = try await gateway.peer(sendsToTheEnd: true)
                client.begin(sending: ByteBuffer(string: "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\n"))
                client.begin(sending: ByteBuffer(repeating: 0x78, count: 2_000_000))
                let heard = try await client.receive(.end)
                #expect(heard.end == .closed)
                #expect(try heard.reply().text == "ok")
                await client.close()
            }
        }
    }

    @Test func theBodyOfAGetIsNotTheNextRequest() async throws {
        let backend = try await RawBackend.start()
        backend.answer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer(sendsToTheEnd: true)
            try await client.send(
                "GET /x HTTP/1.1\r\nHost: a\r\nContent-Length: \(Self.smuggled.utf8.count)\r\n\r\n" + Self.smuggled)
            try? await client.send("GET /y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let replies = try Reply.all(try await client.receive(.end).bytes)
            #expect((1...2).contains(replies.count))
            let seen = try await gateway.status().pools[0].targets[0].picks
            #expect(seen == replies.count(where: { $0.status == 200 }))
            await client.close()
        }
    }
}
