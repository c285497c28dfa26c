import NIOCore
import Testing

/// Backends that answer wrongly, and connections to them that died.
@Suite(.serialized)
struct BadUpstreams {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    static let garbage: [String] = [
        "\u{0}\u{1}\u{2}garbage\r\n\r\n", "\r\n\r\n\r\n", "HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n",
        "HTTP/1.1 99999 X\r\n\r\n",
        "HTTP/1.1 -1 X\r\n\r\n", "HTTP/9.9 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "<html>hello</html>\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n", "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX: " + String(repeating: "y", count: 1 << 20) + "\r\n\r\n",
    ]

    @Test(arguments: garbage)
    func garbageIsA502(answer: String) async throws {
        let backend = try await RawBackend.start()
        backend.answer { _ in answer }
        try await withGateway(before: backend, pool: "retry: {on: off},") { gateway in
            let answer = try await gateway.ask("GET", "/")
            #expect(answer.status == 502)
            #expect(answer.errorCode == "upstream_malformed")
            #expect(try await gateway.failures() == ["malformed": 1])
        }
    }

    @Test func bytesBeyondTheLengthReachNobody() async throws {
        let backend = try await RawBackend.start()
        backend.answer { _ in Self.ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil" }
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send(
                "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let replies = try Reply.all(try await client.receive(.end).bytes)
            #expect(replies.map(\.text) == ["ok", "ok"])
            #expect(backend.connectionCount == 2, "a connection that said too much is not used again")
        }
    }

    /// An answer that nobody asked for must not become the answer to the next request.
    @Test func anIdleConnectionThatSpeaksIsClosed() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\n")
            let first = try await backend.next()
            _ = try await first.takeHead()
            try await first.send(Self.ok)
            _ = try await client.receive(.text("ok"))
            try await first.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
            #expect(try await first.receive(.end).end == .reset)
            try await client.send("GET /2 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let second = try await backend.next()
            _ = try await second.takeHead()
            try await second.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\ngood")
            #expect(try Reply.all(try await client.receive(.end).bytes).map(\.text) == ["ok", "good"])
        }
    }

    /// The backend closes idle connections just as requests come for them, several at once, as when it restarts: each
    /// request is sent again on a fresh connection, whatever its method, and no client notices.
    @Test(arguments: Leaving.allCases, ["GET", "POST"])
    func aRequestOnAStaleConnectionIsSentAgain(death: Leaving, method: String) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let clients = [try await gateway.peer(), try await gateway.peer(), try await gateway.peer()]
            var upstreams: [Peer] = []
            for client in clients {
                try await client.send("GET /warm HTTP/1.1\r\nHost: a\r\n\r\n")
                upstreams.append(try await backend.next())
            }
            for upstream in upstreams {
                _ = try await upstream.takeHead()
                try await upstream.send(Self.ok)
            }
            for client in clients { _ = try await client.receive(.text("ok")) }
            backend.answer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nfresh" }
            let client = clients[0]
            try await client.forget(10_000)
            try await client.send(Client.request(method, "/x", body: method == "GET" ? nil : "hi"))
            // Each that is given a request dies of it.
            for upstream in upstreams {
                Task {
                    _ = try await upstream.takeHead()
                    _ = try await upstream.leave(death)
                }
            }
            #expect(try await client.receive(.text("fresh")).reply().status == 200)
            #expect(try await gateway.failures().isEmpty, "an old connection says nothing about its target")
            for client in clients { await client.close() }
        }
    }
}
