import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
package import NIOCore
import Synchronization

extension TaskBroker {
    /// Listens to channels until the task is cancelled, or the client closed: then it throws. A lost connection is made
    /// again; what is published meanwhile is not heard.
    ///
    /// - Parameters:
    ///   - ready: called each time that the subscription begins to hold.
    ///   - message: told the channel, without what stands before all channels, and what was published. On the
    ///     connection's loop: it must not wait.
    package func subscribe(
        channels: [String], patterns: [String], ready: @escaping @Sendable () -> Void = {},
        _ message: @escaping @Sendable (_ channel: String, ByteBuffer) -> Void
    ) async throws {
        var failures = 0
        while true {
            try Task.checkCancellation()
            if listeners.withLock({ $0 == nil }) { throw BrokerLink.isClosed }
            let start = NIODeadline.now()
            do {
                try await listen(channels, patterns, ready, message)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                logger.debug("a subscription ended", metadata: ["broker": "\(url)", "error": "\(error)"])
            }
            let life = NIODeadline.now() - start
            failures = life < .nanoseconds(times.longestPause.wholeNanoseconds) ? failures + 1 : 0
            var random = SystemRandomNumberGenerator()
            try await Task.sleep(for: times.pauses.delay(retries: failures, using: &random))
        }
    }

    /// Until the connection ends.
    private func listen(
        _ channels: [String], _ patterns: [String], _ ready: @Sendable () -> Void,
        _ message: @escaping @Sendable (_ channel: String, ByteBuffer) -> Void
    ) async throws {
        let prefix = prefix
        let connection = try await RedisConnection.open(url, on: loop, timeout: times.connect) { push in
            guard let (channel, payload) = Self.news(in: push) else { return }
            message(String(channel.dropFirst(prefix.count)), payload)
        }
        defer { leave(connection) }
        try enter(connection)
        if !channels.isEmpty { connection.tell(["SUBSCRIBE"] + channels.map { prefix + $0 }) }
        if !patterns.isEmpty { connection.tell(["PSUBSCRIBE"] + patterns.map { prefix + $0 }) }
        // Answered after both.
        _ = try await connection.call("PING")
        ready()
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await connection.closed.get() }
            group.addTask {
                while true {
                    try await Task.sleep(for: self.times.listening)
                    _ = try await connection.call("PING")
                }
            }
            // The first task does not heed being cancelled, but it ends with the connection.
            defer { connection.close() }
            _ = try await withTaskCancellationHandler {
                try await group.next()
            } onCancel: {
                connection.close()
            }
            group.cancelAll()
        }
        try Task.checkCancellation()
    }

    private func enter(_ connection: RedisConnection) throws {
        let isTaken = listeners.withLock { listeners in
            listeners?[ObjectIdentifier(connection)] = connection
            return listeners != nil
        }
        if !isTaken { throw BrokerLink.isClosed }
    }

    private func leave(_ connection: RedisConnection) {
        listeners.withLock { _ = $0?.removeValue(forKey: ObjectIdentifier(connection)) }
        connection.close()
    }

    private static func news(in push: [RESPValue]) -> (channel: String, payload: ByteBuffer)? {
        guard case .bulk(let kind)? = push.first else { return nil }
        switch (String(buffer: kind), push.count) {
        case ("message", 3):
            guard case .bulk(let channel) = push[1], case .bulk(let payload) = push[2] else { return nil }
            return (String(buffer: channel), payload)
        case ("pmessage", 4):
            guard case .bulk(let channel) = push[2], case .bulk(let payload) = push[3] else { return nil }
            return (String(buffer: channel), payload)
        default: return nil
        }
    }
}
