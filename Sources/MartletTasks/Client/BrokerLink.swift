import Logging
import MartletBase
import MartletLogic
import MartletNet
import NIOCore
import Synchronization

/// A connection to the broker that is made again when it is lost, after a while that grows with each failure.
///
/// It is made when somebody asks for it; who asks meanwhile waits, but not for long.
final class BrokerLink: Sendable {
    private enum State {
        case idle
        /// Somebody is at it.
        case connecting
        case open(RedisConnection, since: NIODeadline)
        case closed
    }

    private struct Contents {
        var state = State.idle
        var waiting: [UInt64: CheckedContinuation<RedisConnection, any Error>] = [:]
        var lastWaiter: UInt64 = 0
        /// In a row.
        var failures = 0
        var failure: (any Error)?
        var isReported = false

        /// The last attempt found a broker of another version than ours.
        var isOtherVersion: Bool { (failure as? RedisError)?.isOtherVersion == true }

        /// The connection, if it is one still.
        var usable: RedisConnection? {
            mutating get {
                guard case .open(let connection, let since) = state else { return nil }
                if connection.isOpen { return connection }
                state = .idle
                failures = NIODeadline.now() - since < BrokerLink.shortLife ? failures + 1 : 0
                isReported = true
                return nil
            }
        }
    }

    /// A connection that did not last so long was no good one.
    private static let shortLife = TimeAmount.seconds(1)

    private let url: RedisURL
    private let loop: any EventLoop
    private let times: TaskBrokerTimes
    private let logger: Logger
    /// What each new connection is told first.
    private let greet: @Sendable (RedisConnection) async throws -> Void
    private let contents = Mutex(Contents())

    init(
        _ url: RedisURL, on loop: any EventLoop, times: TaskBrokerTimes, logger: Logger,
        greet: @escaping @Sendable (RedisConnection) async throws -> Void = { _ in }
    ) {
        self.url = url
        self.loop = loop
        self.times = times
        self.logger = logger
        self.greet = greet
    }

    /// The connection. Waits for a new one during an outage, a while; then it throws why there is none.
    func connection() async throws -> RedisConnection {
        if let open = try openConnection { return open }
        let number = contents.withLock { contents in
            contents.lastWaiter += 1
            return contents.lastWaiter
        }
        let timer = loop.scheduleTask(in: .nanoseconds(times.outage.wholeNanoseconds)) { self.tire(number) }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { wait(number, $0) }
        } onCancel: {
            give(up: number, CancellationError())
        }
    }

    /// Ends the connection, and with it all calls; there will be no other one.
    func close() {
        let before = contents.withLock { contents in
            defer {
                contents.state = .closed
                contents.waiting = [:]
            }
            return contents
        }
        if case .open(let connection, _) = before.state { connection.close() }
        for continuation in before.waiting.values { continuation.resume(throwing: Self.isClosed) }
    }

    static let isClosed = MartletError(.shuttingDown, cause: "the connection to the broker was closed")

    private var openConnection: RedisConnection? {
        get throws {
            try contents.withLock { contents in
                if case .closed = contents.state { throw Self.isClosed }
                return contents.usable
            }
        }
    }

    // MARK: Who waits

    private func wait(_ number: UInt64, _ continuation: CheckedContinuation<RedisConnection, any Error>) {
        enum Next {
            case connect
            case nothing
            case resume(Result<RedisConnection, any Error>)
        }
        let next: Next = contents.withLock { contents in
            if Task.isCancelled { return .resume(.failure(CancellationError())) }
            if let connection = contents.usable { return .resume(.success(connection)) }
            switch contents.state {
            case .closed: return .resume(.failure(Self.isClosed))
            case .connecting:
                contents.waiting[number] = continuation
                return .nothing
            case .idle, .open:
                contents.waiting[number] = continuation
                contents.state = .connecting
                return .connect
            }
        }
        switch next {
        case .connect: Task { await self.connect() }
        case .nothing: break
        case .resume(let result): continuation.resume(with: result)
        }
    }

    private func tire(_ number: UInt64) {
        let failure = contents.withLock { $0.failure }
        let words = MartletError(.connectTimeout, operation: "connect \(url)", cause: "not within \(times.outage.text)")
        give(up: number, failure ?? words)
    }

    private func give(up number: UInt64, _ error: any Error) {
        contents.withLock { $0.waiting.removeValue(forKey: number) }?.resume(throwing: error)
    }

    // MARK: Connecting

    /// Tries until there is a connection, or nobody wants one any more.
    private func connect() async {
        while let pause = nextPause() {
            if pause > .zero { try? await Task.sleep(for: pause) }
            do {
                let connection = try await RedisConnection.open(url, on: loop, timeout: times.connect)
                do {
                    try await greet(connection)
                } catch {
                    connection.close()
                    throw error
                }
                return opened(connection)
            } catch {
                failed(error)
            }
        }
    }

    /// nil: nobody waits.
    private func nextPause() -> Duration? {
        contents.withLock { contents in
            guard case .connecting = contents.state else { return nil }
            guard !contents.waiting.isEmpty else {
                contents.state = .idle
                return nil
            }
            guard contents.failures > 0 else { return .zero }
            if contents.isOtherVersion { return times.versionPause }
            var random = SystemRandomNumberGenerator()
            return times.pauses.delay(retries: contents.failures - 1, using: &random)
        }
    }

    private func opened(_ connection: RedisConnection) {
        let before = contents.withLock { contents in
            defer {
                if case .connecting = contents.state {
                    contents.state = .open(connection, since: .now())
                    contents.waiting = [:]
                    contents.failure = nil
                    contents.isReported = false
                }
            }
            return contents
        }
        if case .closed = before.state { return connection.close() }
        if before.isReported { logger.notice("the broker is there again", metadata: ["broker": "\(url)"]) }
        connection.closed.whenComplete { _ in self.lost() }
        for continuation in before.waiting.values { continuation.resume(returning: connection) }
    }

    private func lost() {
        let isClosed = contents.withLock { contents in
            _ = contents.usable
            if case .closed = contents.state { return true }
            return false
        }
        if !isClosed { logger.warning("the connection to the broker is lost", metadata: ["broker": "\(url)"]) }
    }

    private func failed(_ error: any Error) {
        // Waiting does not make a password right.
        let isDenial = (error as? RedisError)?.isDenial == true
        let before = contents.withLock { contents in
            defer {
                contents.failures += 1
                contents.failure = error
                contents.isReported = true
                if isDenial { contents.waiting = [:] }
            }
            return contents
        }
        if (error as? RedisError)?.isOtherVersion == true {
            // Whatever was said of the outage before it: this is what somebody has to do.
            guard !before.isOtherVersion else { return }
            logger.error("the broker is of another version", metadata: ["broker": "\(url)", "error": "\(error)"])
        } else if !before.isReported {
            logger.warning("the broker cannot be reached", metadata: ["broker": "\(url)", "error": "\(error)"])
        }
        guard isDenial else { return }
        for continuation in before.waiting.values { continuation.resume(throwing: error) }
    }
}
