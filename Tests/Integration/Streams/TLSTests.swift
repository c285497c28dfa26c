import NIOCore
import NIOSSL
import Testing

/// TLS on both sides: the same answers, the same promises.
@Suite(.serialized)
struct EncryptedConnections {
    /// A gateway that speaks TLS to its clients and to its target.
    private static func serve(
        _ target: String = "", _ body: (MartletProcess, RawBackend, NIOSSLContext) async throws -> Void
    ) async throws {
        let own = try Certificate.ours.get()
        let backend = try await RawBackend.start(tls: own.server)
        let file = """
            listen: [{address: "127.0.0.1:0", tls: {certificate: "\(own.certificateFile)", key: "\(own.keyFile)"}}]
            """
        let tls = target.isEmpty ? "tls: {ca: \"\(own.certificateFile)\"}" : target
        try await withGateway(before: backend, scheme: "https", target: tls, file: file) {
            try await body($0, backend, own.client)
        }
    }

    @Test func requestsAndStreamsPass() async throws {
        try await Self.serve { gateway, backend, trust in
            let client = try await gateway.peer(tls: trust)
            try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            let head = try #require(try await upstream.takeHead())
            #expect(head.contains("X-Forwarded-Proto: https"))
            try await upstream.send(EventStreams.head + EventStreams.chunk("data: 1\n\n"))
            _ = try await client.receive(.text("data: 1\n\n"))
            try await upstream.send(EventStreams.chunk("data: 2\n\n") + EventStreams.end)
            let reply = try await client.receive(.text(EventStreams.end)).reply()
            #expect(reply.text == "data: 1\n\ndata: 2\n\n")
            await client.close()
        }
    }

    @Test func largeBodiesPassBothWays() async throws {
        try await Self.serve { gateway, backend, trust in
            let body = ByteBuffer(repeating: 0x61, count: 3_000_000)
            let client = try await gateway.peer(tls: trust)
            try await client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.readableBytes)\r\n\r\n")
            client.begin(sending: body)
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            #expect(try await upstream.receive(.bytes(body.readableBytes)).bytes == body)
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(body.readableBytes)\r\n\r\n")
            try await upstream.send(body)
            #expect(try await client.receive(.bytes(body.readableBytes + 60)).reply().body == body)
            await client.close()
        }
    }

    /// Without TLS's farewell, as killed clients and phones do it.
    @Test(arguments: Leaving.allCases)
    func aClientThatIsGoneEndsItsWork(way: Leaving) async throws {
        try await Self.serve { gateway, backend, trust in
            for round in 1...5 {
                let client = try await gateway.peer(tls: trust)
                try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
                let upstream = try await backend.next()
                _ = try await upstream.takeHead()
                try await upstream.send(EventStreams.head + EventStreams.chunk("data: 1\n\n"))
                _ = try await client.receive(.text("data: 1\n\n"))
                let left = try await client.leave(way)
                let heard = try await upstream.receive(.end)
                let taken = try #require(heard.endedAt) - left
                WorstCase.shared.saw(taken, "streaming through TLS")
                #expect(taken < ClientLeaves.limit)
                #expect(heard.end == .reset)
                let gone = try await gateway.metrics().sum("martlet_cancelled_total", ["phase": "streaming"])
                #expect(gone == Double(round))
            }
            #expect(try await gateway.failures().isEmpty)
        }
    }

    @Test func aTargetWithACertificateOfAStrangerIsRefused() async throws {
        let stranger = try Certificate.stranger.get()
        try await Self.serve("tls: {ca: \"\(stranger.certificateFile)\"}") { gateway, _, trust in
            let client = try await gateway.peer(tls: trust)
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let reply = try await client.receive(.text("}}")).reply()
            #expect(reply.status == 502)
            #expect(reply.text.contains(#""code":"connect_failed""#))
            #expect(try await gateway.failures()["tls", default: 0] > 0)
            await client.close()
        }
    }

    /// The name that is checked is the URL's host, unless the configuration names another.
    @Test(arguments: [("", 502), ("server_name: model.internal", 200)])
    func theNameInTheCertificateCounts(name: String, status: Int) async throws {
        let named = try Certificate.named.get()
        let backend = try await RawBackend.start(tls: named.server)
        backend.answer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
        let target = "tls: {ca: \"\(named.certificateFile)\", \(name)}"
        try await withGateway(before: backend, scheme: "https", target: target) { gateway in
            let answer = try await gateway.ask("GET", "/")
            #expect(answer.status == status)
        }
    }

    /// In the clear at the start of the handshake, so that a server of many names can choose.
    @Test func theNameIsAskedFor() async throws {
        let backend = try await RawBackend.start()
        let target = "tls: {verify: false, server_name: model.internal}"
        try await withGateway(before: backend, scheme: "https", target: target) { gateway in
            let client = try await gateway.peer()
            try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            #expect(try await upstream.receive(.text("model.internal")).end == .open)
            await client.close()
        }
    }

    /// A body that nothing else frames ends with TLS's farewell; without it, it may have been cut.
    @Test(arguments: [true, false])
    func aBodyWithoutTheFarewellOfTLSIsCut(saysFarewell: Bool) async throws {
        try await Self.serve { gateway, backend, trust in
            let client = try await gateway.peer(tls: trust)
            try await client.send("GET /file HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            try await upstream.send("HTTP/1.1 200 OK\r\n\r\nall or not")
            _ = try await client.receive(.text("all or not"))
            if saysFarewell { await upstream.close() } else { _ = try await upstream.leave(.fin) }
            let reply = try await client.receive(.end).reply()
            #expect(reply.isWhole == saysFarewell)
        }
    }
}
