import MartletBase
package import MartletWire
package import NIOCore

/// One connection to a Redis server. Commands may be said from any thread at any time; they are sent in that order, all
/// of one turn of the loop in one write, and answered in that order.
///
/// Nothing waits for ever: each command has a deadline, and when a reply is overdue the connection is of no use any
/// more; nor is it when the server answers that it became a replica. Its end, whatever the reason, fails all that wait:
/// `MartletError` (`upstream_reset`, `total_timeout`, `upstream_malformed`, `shutting_down` after `close`). Commands
/// that wait then may have been carried out or not.
package final class RedisConnection: Sendable {
    /// 2 or 3: the version of RESP that the server speaks.
    package let version: Int
    private let link: Link
    private let timeout: Duration

    /// A connection as it is before its first words.
    struct Link: Sendable {
        let channel: any Channel
        let outbox: RedisOutbox
        let handler: NIOLoopBound<RedisHandler>

        /// - Parameter done: called once, on the loop, or at once when the commands are refused.
        func send(
            _ pipeline: RedisPipeline, replies: Int, by deadline: NIODeadline,
            _ done: @escaping @Sendable (Result<[RESPValue], any Error>) -> Void
        ) {
            let awaited = AwaitedReplies(missing: replies, deadline: deadline, done: done)
            switch outbox.put(pipeline, awaited) {
            case .first: channel.eventLoop.execute { [handler] in handler.value.flush() }
            case .joined: break
            case .refused(let error): done(.failure(error))
            }
        }
    }

    init(_ link: Link, version: Int, timeout: Duration) {
        self.link = link
        self.version = version
        self.timeout = timeout
    }

    /// Connects, authenticates and selects the database.
    ///
    /// Throws a `MartletError` (`connect_failed`, `connect_timeout`, `total_timeout`, `upstream_reset`), a `RedisError`
    /// when the server refuses name, password or database, a `TLSConfigurationError`, or `CancellationError`.
    ///
    /// - Parameters:
    ///   - loop: where the connection lives.
    ///   - timeout: for all of the opening, and later for each command that has none of its own.
    ///   - onPush: told what the server says of itself, on the loop: messages of channels, and that a subscription
    ///     began or ended.
    package static func open(
        _ url: RedisURL, on loop: any EventLoop, timeout: Duration,
        onPush: (@Sendable ([RESPValue]) -> Void)? = nil
    ) async throws -> RedisConnection {
        try await RedisOpening(url, loop: loop, timeout: timeout, onPush: onPush).open()
    }

    /// The reply to one command. An error reply is thrown as a `RedisError`.
    package func call(_ words: [ByteBuffer]) async throws -> RESPValue {
        var pipeline = RedisPipeline()
        pipeline.append(words)
        return try await single(pipeline)
    }

    /// The reply to one command. An error reply is thrown as a `RedisError`.
    package func call(_ words: String...) async throws -> RESPValue {
        var pipeline = RedisPipeline()
        pipeline.append(words)
        return try await single(pipeline)
    }

    /// The replies to commands that are sent together. Error replies are values like others.
    package func pipeline(_ commands: [[ByteBuffer]]) async throws -> [RESPValue] {
        var pipeline = RedisPipeline()
        for command in commands { pipeline.append(command) }
        return try await run(pipeline)
    }

    /// The replies to commands that are sent together. Error replies are values like others.
    package func run(_ pipeline: RedisPipeline) async throws -> [RESPValue] {
        guard pipeline.count > 0 else { return [] }
        return try await withCheckedThrowingContinuation { continuation in
            send(pipeline) { continuation.resume(with: $0) }
        }
    }

    /// Sends commands; their replies go to `done`, which is called once: on the loop, or at once when they are refused.
    ///
    /// - Parameter timeout: for these commands; nil: the connection's own.
    package func send(
        _ pipeline: RedisPipeline, timeout: Duration? = nil,
        _ done: @escaping @Sendable (Result<[RESPValue], any Error>) -> Void
    ) {
        let deadline = NIODeadline.now() + .nanoseconds((timeout ?? self.timeout).wholeNanoseconds)
        link.send(pipeline, replies: pipeline.count, by: deadline, done)
    }

    /// Sends a command that no reply answers but pushes: `SUBSCRIBE` and the like.
    package func tell(_ words: [String]) {
        var pipeline = RedisPipeline()
        pipeline.append(words)
        link.send(pipeline, replies: 0, by: .distantFuture) { _ in }
    }

    /// Ends the connection. Commands that wait fail. Not wrong twice.
    package func close() {
        link.channel.eventLoop.execute { [handler = link.handler] in
            handler.value.breakOff(MartletError(.shuttingDown, cause: "the connection was closed"))
        }
    }

    /// Succeeds when the connection is gone.
    package var closed: EventLoopFuture<Void> { link.channel.closeFuture }

    package var isOpen: Bool { link.channel.isActive }

    private func single(_ pipeline: RedisPipeline) async throws -> RESPValue {
        let reply = try await run(pipeline).first ?? .null
        if case .error(let text) = reply { throw RedisError(reply: text) }
        return reply
    }
}
