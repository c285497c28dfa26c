import MartletWire
import NIOCore

/// A message on its way from one broker to another.
struct CopiedMessage: Sendable {
    let bytes: ByteBuffer
    let tag: String
    let priority: Int
    private let envelope: CeleryEnvelope

    /// nil: it is no message.
    init?(_ bytes: ByteBuffer) {
        guard case .envelope(let envelope) = CeleryEnvelope.read(Array(buffer: bytes)) else { return nil }
        self.init(bytes, envelope)
    }

    private init(_ bytes: ByteBuffer, _ envelope: CeleryEnvelope) {
        self.bytes = bytes
        self.envelope = envelope
        tag = envelope.deliveryTag
        priority = envelope.priority
    }

    /// Marked as one that was delivered before.
    func redelivered() -> CopiedMessage {
        CopiedMessage(ByteBuffer(bytes: envelope.redelivered(Array(buffer: bytes))), envelope)
    }

    /// In pieces of so many bytes; one message may be longer.
    static func batches(_ messages: [CopiedMessage], bytes limit: Int) -> [[CopiedMessage]] {
        var batches: [[CopiedMessage]] = []
        var bytes = limit
        for message in messages {
            if batches.isEmpty || bytes + message.bytes.readableBytes > limit {
                batches.append([])
                bytes = 0
            }
            batches[batches.count - 1].append(message)
            bytes += message.bytes.readableBytes
        }
        return batches
    }
}

/// A key that is copied as it is.
struct CopiedKey: Sendable {
    static let types: Set<String> = ["string", "list", "set", "hash", "zset"]

    /// What makes it, all or nothing; nil: it is gone.
    let words: [[ByteBuffer]]?

    init(_ key: ByteBuffer, _ type: String, of server: CopyServer) async throws {
        let life = try await server.ask(command("PTTL") + [key]).wholeNumber ?? -2
        guard life != -2, let making = try await Self.making(key, type, server), !making.isEmpty else {
            words = nil
            return
        }
        let ending = life > 0 ? [command("PEXPIRE") + [key] + command("\(life)")] : []
        words = [command("MULTI")] + making + ending + [command("EXEC")]
    }

    private static func making(
        _ key: ByteBuffer, _ type: String, _ server: CopyServer
    ) async throws -> [[ByteBuffer]]? {
        switch type {
        case "string":
            return try await server.ask(command("GET") + [key]).bytes.map { [command("SET") + [key, $0]] }
        case "list":
            let elements = try await server.ask(command("LRANGE") + [key] + command("0", "-1")).elements
            return elements.compactMap(\.bytes).pages(of: 500).map { command("RPUSH") + [key] + $0 }
        case "set":
            let members = try await server.ask(command("SMEMBERS") + [key]).elements
            return members.compactMap(\.bytes).pages(of: 500).map { command("SADD") + [key] + $0 }
        case "hash":
            return try await server.fields(of: key).pages(of: 500).map { page in
                command("HSET") + [key] + page.flatMap { [$0.name, $0.value] }
            }
        case "zset":
            return try await server.scores(of: key).pages(of: 500).map { page in
                command("ZADD") + [key] + page.flatMap { [$0.score, $0.member] }
            }
        default: return nil
        }
    }
}
