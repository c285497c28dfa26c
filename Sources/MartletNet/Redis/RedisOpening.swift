import MartletBase
import MartletWire
import NIOCore
import NIOSSL

/// Makes a connection to a Redis server: address, TCP, TLS, then the first words.
struct RedisOpening: Sendable {
    /// What the server's list of clients calls us.
    private static let name = "martlet"
    /// For hosts that are names. Connections are few, so two threads suffice.
    private static let resolver = NameResolver(threads: 2)

    private let url: RedisURL
    private let loop: any EventLoop
    private let timeout: Duration
    private let onPush: (@Sendable ([RESPValue]) -> Void)?
    private let operation: String

    init(
        _ url: RedisURL, loop: any EventLoop, timeout: Duration, onPush: (@Sendable ([RESPValue]) -> Void)?
    ) {
        self.url = url
        self.loop = loop
        self.timeout = timeout
        self.onPush = onPush
        operation = "connect \(url)"
    }

    func open() async throws -> RedisConnection {
        var security: TLSClient?
        if url.isTLS {
            let isUsual = url.verifiesServer && url.authorities == nil
            security =
                try isUsual
                ? TLSClient.systemDefault.get() : TLSClient(verify: url.verifiesServer, ca: url.authorities)
        }
        return try await Dialler.bounded(on: loop, by: timeout, operation: operation) { [security] dialler in
            let link = try await dialler.dial(try await addresses()) { channel in
                try ReadBuffers.apply(to: channel)
                if let security {
                    try channel.pipeline.syncOperations.addHandler(security.makeHandler(host: url.host))
                }
            } connected: { channel in
                Result { try begin(channel) }
            }.get()
            do {
                return RedisConnection(link, version: try await greet(link, until: dialler.deadline), timeout: timeout)
            } catch {
                loop.execute { link.handler.value.breakOff(error) }
                throw error
            }
        }
    }

    private func addresses() async throws -> [SocketAddress] {
        if let literal = SocketAddress.literal(url.host, port: url.port) { return [literal] }
        return try await Self.resolver.resolve(host: url.host, port: url.port, timeout: timeout)
    }

    /// On the channel's loop.
    private func begin(_ channel: any Channel) throws -> RedisConnection.Link {
        let outbox = RedisOutbox(operation: "\(url)")
        let handler = RedisHandler(outbox, operation: "\(url)", onPush: onPush)
        try channel.pipeline.syncOperations.addHandler(handler)
        return RedisConnection.Link(
            channel: channel, outbox: outbox, handler: NIOLoopBound(handler, eventLoop: channel.eventLoop))
    }

    // MARK: The first words

    /// Says who we are; the version that the server speaks.
    private func greet(_ link: RedisConnection.Link, until deadline: NIODeadline) async throws -> Int {
        var hello = ["HELLO", "3"]
        if let password = url.password { hello += ["AUTH", url.username ?? "default", password.exposed] }
        hello += ["SETNAME", Self.name]
        var version = 3
        switch try await ask(hello, link, deadline) {
        case .map: break
        case .error(let text) where RedisError(reply: text).isOfOldServer:
            version = 2
            if let password = url.password {
                let name = url.username.map { [$0] } ?? []
                try await demand(["AUTH"] + name + [password.exposed], link, deadline)
            }
            // A name is a courtesy; so is the refusal of it.
            _ = try await ask(["CLIENT", "SETNAME", Self.name], link, deadline)
        case .error(let text): throw RedisError(reply: text)
        default: throw MartletError(.upstreamMalformed, operation: operation, cause: "this is no Redis server")
        }
        if url.database != 0 { try await demand(["SELECT", "\(url.database)"], link, deadline) }
        return version
    }

    private func demand(_ words: [String], _ link: RedisConnection.Link, _ deadline: NIODeadline) async throws {
        if case .error(let text) = try await ask(words, link, deadline) { throw RedisError(reply: text) }
    }

    private func ask(
        _ words: [String], _ link: RedisConnection.Link, _ deadline: NIODeadline
    ) async throws -> RESPValue {
        var pipeline = RedisPipeline()
        pipeline.append(words)
        let replies: [RESPValue] = try await withCheckedThrowingContinuation { continuation in
            link.send(pipeline, replies: 1, by: deadline) { continuation.resume(with: $0) }
        }
        return replies.first ?? .null
    }
}

extension RedisError {
    /// The server knows RESP2 only, or not even the question.
    fileprivate var isOfOldServer: Bool {
        code == "NOPROTO" || (code == "ERR" && text.lowercased().hasPrefix("unknown command"))
    }
}
