package import Logging
import MartletBase
package import MartletNet
import MartletTelemetry
import MartletWire
package import NIOCore
import Synchronization

/// A connection to a Redis server that is made again when it is lost.
///
/// Nobody waits long for a server that is away: in the second after a failure whoever asks is told so at once. A
/// failure is counted; that the server is away, and that it is there again, is said in the log once each.
package final class RedisLink: Sendable {
    package struct Times: Sendable {
        /// For a connection, and for the replies to commands that are sent together.
        package var reply = Duration.milliseconds(500)
        /// So long nobody tries again after a failure.
        package var rest = Duration.seconds(1)

        package init() {}
    }

    private enum State {
        case idle
        /// Somebody is at it; whoever comes waits along.
        case opening(Task<RedisConnection, any Error>)
        case open(RedisConnection)
        case resting(until: Instant)
        case closed
    }

    private struct Contents {
        var state = State.idle
        var failures: UInt64 = 0
        var isAway = false

        var isClosed: Bool {
            if case .closed = state { true } else { false }
        }
    }

    private struct Away: Error {}

    private let url: RedisURL
    private let loop: any EventLoop
    private let times: Times
    private let logger: Logger
    private let contents = Mutex(Contents())

    package init(_ url: RedisURL, on loop: any EventLoop, times: Times = Times(), logger: Logger) {
        (self.url, self.loop, self.times, self.logger) = (url, loop, times, logger)
    }

    /// Calls that came to nothing.
    package var failures: UInt64 { contents.withLock { $0.failures } }

    /// The replies to commands that are sent together, in their order; nil: the server is away, or refused one of them.
    func run(_ pipeline: RedisPipeline) async -> [RESPValue]? {
        do {
            let replies = try await connection().run(pipeline)
            for case .error(let text) in replies { throw RedisError(reply: text) }
            succeeded()
            return replies
        } catch {
            failed(error)
            return nil
        }
    }

    /// There will be no other connection.
    package func close() {
        let state = contents.withLock { contents in
            defer { contents.state = .closed }
            return contents.state
        }
        if case .open(let connection) = state { connection.close() }
    }

    private func connection() async throws -> RedisConnection {
        let state: State = contents.withLock { contents in
            switch contents.state {
            case .open(let connection) where connection.isOpen: break
            case .opening, .closed: break
            case .resting(let until) where Instant.current < until: break
            case .idle, .open, .resting: contents.state = .opening(Task { try await self.open() })
            }
            return contents.state
        }
        switch state {
        case .open(let connection): return connection
        case .opening(let task): return try await task.value
        case .idle, .resting, .closed: throw Away()
        }
    }

    private func open() async throws -> RedisConnection {
        let result: Result<RedisConnection, any Error>
        do {
            result = .success(try await RedisConnection.open(url, on: loop, timeout: times.reply))
        } catch {
            result = .failure(error)
        }
        let isClosed = contents.withLock { contents in
            guard !contents.isClosed else { return true }
            switch result {
            case .success(let connection): contents.state = .open(connection)
            case .failure: contents.state = .resting(until: .current + times.rest)
            }
            return false
        }
        if isClosed, case .success(let connection) = result {
            connection.close()
            throw Away()
        }
        return try result.get()
    }

    // MARK: Away and back

    private func succeeded() {
        let wasAway = contents.withLock { contents in
            defer { contents.isAway = false }
            return contents.isAway
        }
        if wasAway { logger.notice("the Redis server of knowledge is there again", [.url: "\(url)"]) }
    }

    private func failed(_ error: any Error) {
        let isNew = contents.withLock { contents in
            contents.failures += 1
            if case .open(let connection) = contents.state, !connection.isOpen {
                contents.state = .resting(until: .current + times.rest)
            }
            defer { contents.isAway = true }
            return !contents.isAway && !contents.isClosed
        }
        guard isNew else { return }
        logger.warning(
            "the Redis server of knowledge is away: it goes on without what is there",
            [.url: "\(url)", .cause: "\(error)"])
    }
}
