import NIOCore
import Testing

/// Event streams pass event by event, whole and unchanged.
@Suite(.serialized)
struct EventStreams {
    static let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"

    static func chunk(_ text: String) -> String {
        String(text.utf8.count, radix: 16) + "\r\n" + text + "\r\n"
    }

    static let end = "0\r\n\r\n"

    @Test func anEventArrivesBeforeTheNextOneIsSent() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.receive(.text("\r\n\r\n"))
            try await upstream.send(Self.head)
            for number in 1...3 {
                try await upstream.send(Self.chunk("data: \(number)\n\n"))
                _ = try await client.receive(.text("data: \(number)\n\n"))
            }
            try await upstream.send(Self.end)
            let reply = try await client.receive(.text(Self.end)).reply()
            #expect(reply.text == "data: 1\n\ndata: 2\n\ndata: 3\n\n")
            #expect(reply.isWhole)
            #expect(reply["x-accel-buffering"] == "no", "proxies in front are told not to gather events")
            await client.close()
        }
    }

    /// Wherever the network cuts it, a stream comes out in whole events, with no byte changed.
    @Test func eventsAreWholeWhereverTheNetworkCutsThem() async throws {
        let stream =
            "data: one\n\nevent: x\r\ndata: two\r\ndata: three\r\n\r\n"
            + ": note\n\ndata: fünf\rid: 7\r\rdata: last\n\n"
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /0 HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            let bytes = ByteBuffer(string: stream)
            for cut in 1..<bytes.readableBytes {
                _ = try await upstream.takeHead()
                let first = try #require(bytes.getSlice(at: 0, length: cut))
                let second = try #require(bytes.getSlice(at: cut, length: bytes.readableBytes - cut))
                try await upstream.send(Self.head)
                for part in [first, second] {
                    try await upstream.send(String(part.readableBytes, radix: 16) + "\r\n")
                    try await upstream.send(part)
                    try await upstream.send("\r\n")
                }
                try await upstream.send(Self.end)
                let heard = try await client.receive(.text(Self.end))
                let reply = try heard.reply()
                #expect(reply.text == stream, "cut at \(cut)")
                #expect(reply.chunks.allSatisfy { Self.endsAnEvent($0) }, "cut at \(cut): \(reply.chunks)")
                try await client.forget(heard.bytes.readableBytes)
                if cut + 1 < bytes.readableBytes { try await client.send("GET /\(cut) HTTP/1.1\r\nHost: a\r\n\r\n") }
            }
            await client.close()
        }
    }

    private static func endsAnEvent(_ text: String) -> Bool {
        // A lone CR ends a line too, so that the LF after it may come later.
        ["\n\n", "\r\r", "\r\n\r", "\r\n\r\n"].contains { text.utf8.reversed().starts(with: $0.utf8.reversed()) }
    }

    /// An event larger than what is held back goes out as it comes.
    @Test func aVeryLongEventIsNotHeldUntilItsEnd() async throws {
        let half = String(repeating: "x", count: 100 << 10)
        let backend = try await RawBackend.start()
        try await withGateway(before: backend, file: "streaming: {heartbeat: 1s}") { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            try await upstream.send(Self.head + Self.chunk("data: " + half))
            _ = try await client.receive(.bytes(64 << 10))
            // Longer than the heartbeat: a comment here would end up inside the event.
            try await Task.sleep(for: .milliseconds(1300))
            try await upstream.send(Self.chunk(half + "\n\n") + Self.end)
            let reply = try await client.receive(.text("\r\n" + Self.end)).reply()
            #expect(reply.text == "data: " + half + half + "\n\n")
            #expect(reply.isWhole)
            await client.close()
        }
    }

    @Test func aSilentStreamCarriesCommentsAndNeverInsideAnEvent() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend, file: "streaming: {heartbeat: 1s}") { gateway in
            let client = try await gateway.peer()
            try await client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            try await upstream.send(Self.head + Self.chunk("data: one\n\ndata: t"))
            let heard = try await client.receive(.text(Self.chunk(":\n\n")))
            #expect(heard.text.hasSuffix(Self.chunk("data: one\n\n") + Self.chunk(":\n\n")))
            try await upstream.send(Self.chunk("wo\n\n") + Self.end)
            let reply = try await client.receive(.text(Self.end)).reply()
            #expect(reply.chunks == ["data: one\n\n", ":\n\n", "data: two\n\n"])
            await client.close()
        }
    }

    /// Its events cannot be seen, so it is relayed as it is: no comment, no change.
    @Test func aCompressedStreamPassesUntouched() async throws {
        var noise = ByteBuffer()
        noise.writeBytes((0..<100_000).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7) })
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { [noise] gateway in
            let client = try await gateway.peer()
            try await client.send("GET /events HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n")
            let upstream = try await backend.next()
            let head = try #require(try await upstream.takeHead())
            #expect(head.lowercased().contains("accept-encoding: gzip"), "a plain route leaves the coding to its ends")
            try await upstream.send(
                "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Encoding: gzip\r\n"
                    + "Content-Length: \(noise.readableBytes)\r\n\r\n")
            try await upstream.send(noise)
            let heard = try await client.receive(.bytes(noise.readableBytes + 100))
            #expect(try heard.reply().body == noise)
            await client.close()
        }
    }

    @Test func modelRoutesAskForUncompressedAnswers() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            let body = MartletProcess.chatBody(stream: true)
            try await client.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)")
            let upstream = try await backend.next()
            let head = try #require(try await upstream.takeHead()).lowercased()
            #expect(!head.contains("gzip"))
            #expect(head.contains("accept-encoding: identity"))
            await client.close()
        }
    }

    @Test func tokensAreCountedFromStreamsAndWholeAnswers() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let usage = #""usage":{"prompt_tokens":7,"completion_tokens":11,"total_tokens":18}"#
            let whole = #"{"id":"1","choices":[],\#(usage)}"#
            backend.play { upstream, _ in
                while let head = try await upstream.takeHead() {
                    let isStreamed = head.contains("x-streamed")
                    let length = MartletProcess.chatBody(stream: isStreamed).utf8.count
                    _ = try await upstream.receive(.bytes(length))
                    try await upstream.forget(length)
                    let events = Self.chunk("data: {\"choices\":[]}\n\n") + Self.chunk("data: \(whole)\n\n")
                    try await upstream.send(
                        isStreamed
                            ? Self.head + events + Self.chunk("data: [DONE]\n\n") + Self.end
                            : "HTTP/1.1 200 OK\r\nContent-Length: \(whole.utf8.count)\r\n\r\n\(whole)")
                }
            }
            let unary = try await gateway.chat()
            #expect(unary.body == whole)
            #expect(try await gateway.chat(stream: true, headers: ["x-streamed: yes"]).isComplete)
            let metrics = try await gateway.metrics()
            #expect(metrics.sum("martlet_tokens_total", ["type": "input"]) == 14)
            #expect(metrics.sum("martlet_tokens_total", ["type": "output"]) == 22)
        }
    }
}
