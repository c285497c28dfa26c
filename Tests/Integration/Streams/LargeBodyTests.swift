import NIOCore
import Testing

/// Bodies of many sizes and framings arrive as they were sent.
@Suite(.serialized)
struct Bodies {
    /// Numbered blocks of bytes, so that a piece lost, doubled or moved shows.
    private static func noise(_ count: Int) -> ByteBuffer {
        let block = (0..<4_093).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 9) }
        var buffer = ByteBuffer()
        buffer.reserveCapacity(count + block.count + 8)
        var number = 0
        while buffer.readableBytes < count {
            number += 1
            buffer.writeInteger(number)
            buffer.writeBytes(block)
        }
        return buffer.getSlice(at: 0, length: count) ?? buffer
    }

    @Test(arguments: [4_095, 4_096, 4_097, 65_536, 1_000_000, 50_000_000])
    func downloadsAreByteExact(size: Int) async throws {
        let backend = try await RawBackend.start()
        let body = Self.noise(size)
        backend.play { upstream, _ in
            while let head = try await upstream.takeHead() {
                let isChunked = head.hasPrefix("GET /chunked")
                let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(size)"
                try await upstream.send("HTTP/1.1 200 OK\r\n\(framing)\r\n\r\n")
                if isChunked { try await upstream.send(String(size, radix: 16) + "\r\n") }
                try await upstream.send(body)
                if isChunked { try await upstream.send("\r\n0\r\n\r\n") }
            }
        }
        try await withGateway(before: backend) { gateway in
            for path in ["/length", "/chunked"] {
                let client = try await gateway.peer()
                try await client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                let reply = try await client.receive(.end, within: .seconds(30)).reply()
                #expect(reply.isWhole)
                #expect(reply.body == body)
            }
        }
    }

    /// The kept-alive client needs the answer's last byte as well: nothing may wait for the end of the connection.
    @Test(arguments: [1, 4_096, 20_000, 3_000_000])
    func anAnswerIsCompleteOnAConnectionThatStays(size: Int) async throws {
        let backend = try await RawBackend.start()
        let body = String(repeating: "x", count: size)
        backend.answer { _ in "HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n\(body)" }
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.connect()
            for _ in 0..<2 {
                try await client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(try await client.answer().body.utf8.count == size)
            }
            await client.close()
        }
    }

    @Test(arguments: [true, false])
    func uploadsAreByteExact(isChunked: Bool) async throws {
        let backend = try await RawBackend.start()
        let body = Self.noise(10 << 20)
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            let framing = isChunked ? "Transfer-Encoding: chunked" : "Content-Length: \(body.readableBytes)"
            try await client.send("POST /upload HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
            if isChunked {
                var rest = body
                while let piece = rest.readSlice(length: min(100_003, rest.readableBytes)), piece.readableBytes > 0 {
                    client.begin(sending: ByteBuffer(string: String(piece.readableBytes, radix: 16) + "\r\n"))
                    client.begin(sending: piece)
                    client.begin(sending: ByteBuffer(string: "\r\n"))
                }
                client.begin(sending: ByteBuffer(string: "0\r\n\r\n"))
            } else {
                client.begin(sending: body)
            }
            let upstream = try await backend.next()
            let head = try #require(try await upstream.takeHead()).lowercased()
            #expect(head.contains(isChunked ? "transfer-encoding: chunked" : "content-length: \(body.readableBytes)"))
            if isChunked {
                let heard = try await upstream.receive(.ending("\r\n0\r\n\r\n"), within: .seconds(30))
                var answer = ByteBuffer(string: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
                answer.writeImmutableBuffer(heard.bytes)
                let relayed = try Reply(&answer)
                #expect(relayed.body == body)
            } else {
                #expect(try await upstream.receive(.bytes(body.readableBytes), within: .seconds(30)).bytes == body)
            }
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            #expect(try await client.receive(.text("ok")).reply().status == 200)
            await client.close()
        }
    }

    /// Real clients send `messages` first: the model's name comes after megabytes.
    @Test func aModelIsFoundBehindMegabytesOfMessages() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let words = String(repeating: "lorem \\\"ipsum\\\" {} [] ", count: 200_000)
            let body = #"{"messages":[{"role":"user","content":"\#(words)"}],"stream":false,"model":"m"}"#
            let client = try await gateway.peer()
            client.begin(sending: ByteBuffer(string: Client.request("POST", "/v1/chat/completions", body: body)))
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            #expect(try await upstream.receive(.bytes(body.utf8.count)).text == body)
            try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            #expect(try await client.receive(.text("{}")).reply().status == 200)
            await client.close()
        }
    }

    enum EarlyEnd: CaseIterable, Sendable {
        case tooLarge, noRoute, badHead, longHeader

        var head: String {
            let start = "POST \(self == .noRoute ? "/none" : "/plain/x") HTTP/1.1\r\nHost: a\r\n"
            return switch self {
            case .tooLarge, .noRoute: start + "Content-Length: 5242880\r\n\r\n"
            case .badHead: start + "Bad Name : x\r\nContent-Length: 5242880\r\n\r\n"
            case .longHeader: start + "X: "
            }
        }

        var status: Int {
            switch self {
            case .tooLarge: 413
            case .noRoute: 404
            case .badHead: 400
            case .longHeader: 431
            }
        }
    }

    /// The answer comes while the client still sends: a reset would take it away before the client could read it.
    @Test(arguments: EarlyEnd.allCases)
    func anEarlyRefusalReachesAClientThatStillSends(refusal: EarlyEnd) async throws {
        let backend = try await RawBackend.start()
        let file = "limits: {body: 1MiB}\nroutes: [{path: /plain/, pool: p}]"
        try await withGateway(before: backend, file: file) { gateway in
            let client = try await gateway.peer(sendsToTheEnd: true)
            try await client.setReading(false)
            try await client.send(refusal.head)
            try await client.send(ByteBuffer(repeating: 0x78, count: 5 << 20))
            try await client.setReading(true)
            let heard = try await client.receive(.end)
            #expect(heard.end == .closed)
            #expect(try heard.reply().status == refusal.status)
            #expect(backend.connectionCount == 0)
            await client.close()
        }
    }

    /// The backend answers and does not want the rest: the client gets the answer, then the connection ends.
    @Test func anAnswerBeforeTheUploadIsOverIsPassedOn() async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend) { gateway in
            let client = try await gateway.peer()
            try await client.send("POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5242880\r\n\r\n")
            try await client.send(ByteBuffer(repeating: 0x78, count: 1 << 20))
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            try await upstream.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
            _ = try await client.receive(.text("\r\n\r\nno"))
            try? await client.send(ByteBuffer(repeating: 0x78, count: 4 << 20))
            let heard = try await client.receive(.end)
            let reply = try heard.reply()
            #expect(reply.status == 403 && reply.text == "no" && reply["connection"] == "close")
            #expect(heard.end == .closed)
            #expect(try await upstream.receive(.end).end == .reset)
        }
    }
}
