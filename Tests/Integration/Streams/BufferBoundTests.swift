import NIOCore
import Testing

/// `limits.buffered`: many clients that read nothing must not take the memory of those who do.
@Suite(.serialized, .timeLimit(.minutes(1)))
struct BufferBoundTests {
    private static let bound = 1 << 20
    private static let crowd = 40
    private static let large = 16 << 20

    /// `/flood` streams for ever, `/large` has a length, everything else is answered at once.
    private static func play(_ backend: RawBackend) {
        let event = ByteBuffer(string: EventStreams.chunk("data: " + String(repeating: "z", count: 65_000) + "\n\n"))
        backend.play { upstream, _ in
            while let head = try await upstream.takeHead() {
                if head.hasPrefix("GET /flood ") {
                    try await upstream.send(EventStreams.head)
                    while true { try await upstream.send(event) }
                } else if head.hasPrefix("GET /large ") {
                    try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: \(large)\r\n\r\n")
                    try await upstream.send(ByteBuffer(repeating: 0x61, count: large))
                } else {
                    try await upstream.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
                    return
                }
            }
        }
    }

    @Test func SlowReadersAreCalledOffAndThoseWhoReadAreServed() async throws {
        let backend = try await RawBackend.start()
        Self.play(backend)
        try await withGateway(before: backend, file: "limits: {buffered: \(Self.bound)}") { gateway in
            let crowd = try await Self.crowd(before: gateway)
            try await until("the bound to be reached") { try await gateway.status().buffered.bytes >= Self.bound }
            try await until("a body that would be held to be refused") {
                try await gateway.chat().errorCode == "overloaded"
            }
            let reader = try await gateway.peer()
            try await reader.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            // Far slower than its upstream, but it reads.
            let steady = try await gateway.peer(receiveBuffer: 64 << 10)
            try await steady.setReading(false)
            try await steady.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
            var most = 0
            try await until("every slow reader to be called off", within: .seconds(30)) {
                steady.channel.read()
                most = max(most, try await gateway.status().buffered.bytes)
                return try await gateway.metrics().sum("martlet_requests_total", ["outcome": "truncated"])
                    == Double(Self.crowd)
            }
            // Beyond it a connection holds what it takes to notice: the mark of its channel, and one read.
            #expect(most < Self.bound + Self.crowd * ((64 + 256) << 10))
            #expect(try await reader.receive(.bytes(Self.large)).reply().isWhole)
            try await steady.setReading(true)
            #expect(try await steady.receive(.bytes(Self.large)).reply().isWhole)
            await steady.close()
            for client in crowd {
                // Where the reset came already, there is nothing left to read from.
                try? await client.setReading(true)
                let heard = try await client.receive(.end)
                #expect((try? heard.reply().isWhole) != true)
                await client.close()
            }
            await reader.close()
            try await until("all to be given back") { try await gateway.status().buffered.bytes == 0 }
            #expect(try await gateway.metrics().sum("martlet_buffered_bytes") == 0)
            #expect(try await gateway.failures().isEmpty, "the target is not to blame")
            try await gateway.chat().expect(200)
        }
    }

    /// Clients that ask for the flood and read nothing of it.
    private static func crowd(before gateway: MartletProcess) async throws -> [Peer] {
        var clients: [Peer] = []
        for _ in 0..<crowd {
            let client = try await gateway.peer(receiveBuffer: 64 << 10)
            try await client.setReading(false)
            try await client.send("GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
            clients.append(client)
        }
        return clients
    }
}
