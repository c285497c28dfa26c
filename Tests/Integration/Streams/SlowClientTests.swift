import NIOCore
import Testing

/// Clients that are slow, on purpose or not.
@Suite(.serialized)
struct SlowClients {
    private static let limits =
        "limits: {header_timeout: 1s, body_grace: 1s, body_rate: 1000, keepalive: 1s, slow_reader: 1s, body: 1MiB}"

    private static func serve(_ body: (MartletProcess, RawBackend) async throws -> Void) async throws {
        let backend = try await RawBackend.start()
        try await withGateway(before: backend, file: limits) { try await body($0, backend) }
    }

    @Test func halfAHeadIsNotWaitedForLong() async throws {
        try await Self.serve { gateway, backend in
            let client = try await gateway.peer()
            let (heard, time) = try await timed {
                try await client.send("GET / HTTP/1.1\r\nHost:")
                return try await client.receive(.end)
            }
            #expect(try heard.reply().status == 408)
            #expect(time < .seconds(2))
            #expect(backend.connectionCount == 0)
        }
    }

    /// The time for a head counts from its first byte: sending a little now and then gains nothing.
    @Test func aHeadThatTricklesIsCut() async throws {
        try await Self.serve { gateway, _ in
            let client = try await gateway.peer()
            let start = ContinuousClock.now
            var isOpen = true
            while isOpen, ContinuousClock.now - start < .seconds(3) {
                try? await client.send("X")
                isOpen = (try? await client.receive(.end, within: .milliseconds(100))) == nil
            }
            #expect(!isOpen)
            #expect(ContinuousClock.now - start < .seconds(2))
        }
    }

    @Test func aConnectionOnWhichNothingComesIsClosedWithoutAWord() async throws {
        try await Self.serve { gateway, backend in
            backend.answer { _ in "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" }
            let fresh = try await gateway.peer()
            let used = try await gateway.peer()
            try await used.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            let silence = try await fresh.receive(.end)
            #expect(silence.end == .closed && silence.bytes.readableBytes == 0)
            let kept = try await used.receive(.end)
            #expect(kept.end == .closed)
            #expect(kept.text.hasSuffix("ok"))
        }
    }

    /// Whether the first bytes came with the head or not, on routes that relay the body and on those that read it.
    @Test(arguments: ["", "{"], ["/x", "/v1/chat/completions"])
    func anUploadThatStallsIsCut(first: String, path: String) async throws {
        try await Self.serve { gateway, _ in
            let client = try await gateway.peer()
            let (heard, time) = try await timed {
                try await client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n" + first)
                return try await client.receive(.end)
            }
            #expect(try heard.reply().status == 408)
            #expect(time < .seconds(3))
            #expect(try await gateway.failures().isEmpty)
        }
    }

    /// A stream that nobody reads: its upstream is slowed to a stop, then client and upstream are cut.
    @Test func aReaderThatStopsSlowsItsUpstreamAndIsCut() async throws {
        try await Self.serve { gateway, backend in
            let client = try await gateway.peer(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            try await client.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
            let upstream = try await backend.next()
            _ = try await upstream.takeHead()
            try await upstream.send(EventStreams.head)
            let long = String(repeating: "z", count: 65_000)
            let event = ByteBuffer(string: EventStreams.chunk("data: \(long)\n\n"))
            let start = ContinuousClock.now
            var sent = 0
            while sent < 512 << 20, (try? await upstream.send(event)) != nil { sent += event.readableBytes }
            let heard = try await upstream.receive(.end)
            #expect(heard.end == .reset, "the upstream is cancelled")
            #expect(sent < 64 << 20, "what the kernel's buffers hold, and no more")
            #expect(ContinuousClock.now - start < .seconds(4))
            #expect(try await gateway.failures().isEmpty)
        }
    }

    /// Slow, but it reads: it is not cut, although the kernel holds far more than it takes in a second.
    @Test func aReaderThatIsOnlySlowIsServedToTheEnd() async throws {
        try await Self.serve { gateway, backend in
            let size = 8 << 20
            backend.play { upstream, _ in
                _ = try await upstream.takeHead()
                try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(size)\r\n\r\n")
                try await upstream.send(ByteBuffer(repeating: 0x61, count: size))
            }
            let client = try await gateway.peer(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            try await client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            for _ in 0..<30 {
                try await Task.sleep(for: .milliseconds(100))
                client.channel.read()
            }
            try await client.setReading(true)
            let reply = try await client.receive(.bytes(size + 50)).reply()
            #expect(reply.isWhole)
            await client.close()
        }
    }
}
