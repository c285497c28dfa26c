import NIOCore
import Testing

/// An answer that the upstream breaks never ends as if it were whole.
@Suite(.serialized)
struct BrokenAnswers {
    enum Break: CaseIterable, Sendable {
        case reset, close, badChunk, silence
    }

    private static func events(_ client: Peer, _ upstream: Peer, _ sent: String, _ cut: Break) async throws -> Reply {
        try await upstream.send(EventStreams.head + EventStreams.chunk(sent))
        _ = try await client.receive(.text("one\n\n"))
        switch cut {
        case .reset: _ = try await upstream.leave(.reset)
        case .close: _ = try await upstream.leave(.fin)
        case .badChunk: try await upstream.send("ZZ\r\n")
        case .silence: break
        }
        let heard = try await client.receive(.end)
        #expect(heard.end == .closed, "an end in good order: a reset could take the error event with it")
        return try heard.reply()
    }

    private static func code(_ cut: Break) -> String {
        switch cut {
        case .reset, .close: "upstream_truncated"
        case .badChunk: "upstream_malformed"
        case .silence: "idle_timeout"
        }
    }

    /// The client gets the whole events, then an error in the API's shape, then a body that is visibly cut off. Half an
    /// event never reaches it.
    @Test(arguments: Break.allCases, ["data: one\n\n", "data: one\n\ndata: {\"half"])
    func aBrokenModelStreamEndsWithAnErrorOfTheAPI(cut: Break, sent: String) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend, pool: "timeouts: {idle: 1s},") { gateway in
            let client = try await gateway.peer()
            let body = MartletProcess.chatBody(stream: true)
            try await client.send(Client.request("POST", "/v1/chat/completions", body: body))
            let upstream = try await backend.next()
            _ = try await upstream.receive(.text("}"))
            let reply = try await Self.events(client, upstream, sent, cut)
            #expect(!reply.isWhole)
            #expect(reply.chunks.first == "data: one\n\n")
            #expect(reply.chunks.count == 2)
            let error = try #require(reply.chunks.last)
            #expect(error.hasPrefix(#"data: {"error":{"message":""#) && error.hasSuffix("}}\n\n"))
            #expect(error.contains(#""code":"\#(Self.code(cut))""#))
            #expect(try await gateway.failures().count == 1, "the target is to blame")
        }
    }

    @Test(arguments: Break.allCases)
    func aBrokenPlainStreamEndsWithAnErrorEvent(cut: Break) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend, pool: "timeouts: {idle: 1s},") { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            let reply = try await Self.events(client, upstream, "data: one\n\nda", cut)
            #expect(!reply.isWhole)
            #expect(reply.chunks.count == 2)
            let error = try #require(reply.chunks.last)
            #expect(error.hasPrefix(#"event: error\#ndata: {"error":{"code":"\#(Self.code(cut))","#))
        }
    }

    /// OpenAI's clients take a stream without `[DONE]` for a whole one.
    @Test func aModelStreamWithoutItsLastMarkIsTruncated() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            let body = MartletProcess.chatBody(stream: true)
            try await client.send(Client.request("POST", "/v1/chat/completions", body: body))
            let upstream = try await backend.next()
            _ = try await upstream.receive(.text("}"))
            try await upstream.send(EventStreams.head + EventStreams.chunk("data: one\n\n") + EventStreams.end)
            let reply = try await client.receive(.end).reply()
            #expect(!reply.isWhole)
            #expect(reply.chunks.last?.contains(#""code":"upstream_truncated""#) == true)
            #expect(try await gateway.failures() == ["truncated": 1])
        }
    }

    /// An event that outgrew what is held back is half out already: the error stands apart from it.
    @Test func theErrorDoesNotJoinAnEventThatIsHalfOut() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            let half = String(repeating: "x", count: 100 << 10)
            try await upstream.send(EventStreams.head + EventStreams.chunk("data: " + half))
            _ = try await client.receive(.bytes(100 << 10))
            _ = try await upstream.leave(.reset)
            let reply = try await client.receive(.end).reply()
            #expect(!reply.isWhole)
            #expect(reply.text.contains("x\n\nevent: error\ndata: {"))
        }
    }

    enum Framing: CaseIterable, Sendable {
        case length, chunked, untilClose

        var head: String {
            switch self {
            case .length: "Content-Length: 100\r\n"
            case .chunked: "Transfer-Encoding: chunked\r\n"
            case .untilClose: ""
            }
        }
    }

    /// Whatever frames it, an answer that its sender resets is no whole answer.
    @Test(arguments: Framing.allCases, ["1.1", "1.0"])
    func anAnswerThatIsResetIsVisiblyCut(framing: Framing, version: String) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /file HTTP/\(version)\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            let body = framing == .chunked ? EventStreams.chunk("begun") : "begun"
            try await upstream.send("HTTP/1.1 200 OK\r\n\(framing.head)\r\n\(body)")
            _ = try await client.receive(.text("begun"))
            _ = try await upstream.leave(.reset)
            let heard = try await client.receive(.end)
            let reply = try heard.reply()
            #expect(reply.text == "begun")
            // Without any framing only a reset can say so.
            let isFramed = reply.isChunked || reply["content-length"] != nil
            #expect(isFramed ? !reply.isWhole : heard.end == .reset)
            #expect(try await gateway.failures() == ["truncated": 1])
        }
    }

    /// Closing in good order ends a body that nothing else frames.
    @Test(arguments: ["1.1", "1.0"])
    func aBodyThatEndsWithItsConnectionIsWhole(version: String) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /file HTTP/\(version)\r\nHost: a\r\nConnection: close\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            try await upstream.send("HTTP/1.1 200 OK\r\n\r\nthe whole body")
            _ = try await upstream.leave(.fin)
            let heard = try await client.receive(.end)
            let reply = try heard.reply()
            #expect(reply.text == "the whole body")
            #expect(heard.end == .closed)
            #expect(reply.isChunked == (version == "1.1"))
            if version == "1.1" { #expect(reply.isWhole) }
            #expect(try await gateway.failures().isEmpty)
        }
    }
}
