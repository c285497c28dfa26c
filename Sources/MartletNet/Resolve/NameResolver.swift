import MartletBase
package import NIOCore
import NIOPosix
import Synchronization

/// Turns host names into addresses on threads of its own, so that no event loop ever waits for DNS.
package final class NameResolver: Sendable {
    /// Looks a name up and may block its thread as long as it likes.
    package typealias Lookup = @Sendable (_ host: String, _ port: Int) throws -> [SocketAddress]

    private let threads: NIOThreadPool
    private let timeout: Duration
    private let lookup: Lookup

    /// - Parameters:
    ///   - timeout: how long a caller waits; the system's resolver may go on for longer, unheard.
    ///   - threads: how many lookups run at once. Names that hang hold theirs, and later ones wait behind them.
    package init(timeout: Duration = .seconds(5), threads: Int = 2, lookup: @escaping Lookup = NameLookup.system) {
        self.timeout = timeout
        self.lookup = lookup
        self.threads = NIOThreadPool(numberOfThreads: max(1, threads))
        self.threads.start()
    }

    /// Every address of the host, IPv4 and IPv6, each once, always in the same order (IPv4 first, then by number).
    /// A literal is answered at once.
    ///
    /// Throws `connect_failed` when the name is unknown, `connect_timeout` when nobody answered in time (the
    /// resolver's own timeout, or the shorter one given here), and `CancellationError`.
    package func resolve(host: String, port: Int, timeout: Duration? = nil) async throws -> [SocketAddress] {
        let operation = "resolve \(host)"
        guard 0...65_535 ~= port else {
            throw MartletError(.connectFailed, operation: operation, cause: "\(port) is not a port")
        }
        if let literal = SocketAddress.literal(host, port: port) { return [literal] }
        guard !host.isEmpty, host.utf8.count <= 253, !host.utf8.contains(0) else {
            throw MartletError(.connectFailed, operation: operation, cause: "not a host name")
        }
        let limit = min(timeout ?? self.timeout, self.timeout)
        let found = try await withThrowingTaskGroup(of: [SocketAddress].self) { group in
            group.addTask { try await self.look(host: host, port: port) }
            group.addTask {
                try await Task.sleep(for: limit)
                throw MartletError(.connectTimeout, operation: operation, cause: "no answer within \(limit.text)")
            }
            defer { group.cancelAll() }
            return try await group.next() ?? []
        }
        guard !found.isEmpty else {
            throw MartletError(.connectFailed, operation: operation, cause: "the name has no address")
        }
        return Self.ordered(found)
    }

    /// Ends the threads, after the lookups they are in; later calls throw `CancellationError`.
    package func shutdown() async {
        try? await threads.shutdownGracefully()
    }

    /// The same without waiting for those lookups, which may hang for as long as the system's resolver likes: for the
    /// end of the process.
    package func abandon() {
        threads.shutdownGracefully { _ in }
    }

    /// Each address once, IPv4 first, then by number: DNS deals its answers out in a new order every time.
    static func ordered(_ addresses: [SocketAddress]) -> [SocketAddress] {
        Set(addresses).compactMap { address in address.ipBits.map { (bits: $0, address: address) } }
            .sorted { $0.bits < $1.bits }
            .map(\.address)
    }

    private func look(host: String, port: Int) async throws -> [SocketAddress] {
        let answer = Answer()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answer.wait(continuation)
                threads.submit { [lookup] state in
                    guard answer.isAwaited else { return }
                    answer.give(
                        Result {
                            guard state == .active else { throw CancellationError() }
                            return try lookup(host, port)
                        })
                }
            }
        } onCancel: {
            answer.give(.failure(CancellationError()))
        }
    }
}

/// One caller's wait for one lookup: whichever of answer and cancellation comes first ends it.
private final class Answer: Sendable {
    private enum State {
        case new
        case waiting(CheckedContinuation<[SocketAddress], any Error>)
        case given(Result<[SocketAddress], any Error>)
    }

    private let state = Mutex(State.new)

    /// False once nobody waits any more: a lookup that has not begun is then not worth beginning.
    var isAwaited: Bool {
        state.withLock { if case .waiting = $0 { true } else { false } }
    }

    func wait(_ continuation: CheckedContinuation<[SocketAddress], any Error>) {
        let early: Result<[SocketAddress], any Error>? = state.withLock { state in
            if case .given(let result) = state { return result }
            state = .waiting(continuation)
            return nil
        }
        if let early { continuation.resume(with: early) }
    }

    func give(_ result: Result<[SocketAddress], any Error>) {
        let waiter: CheckedContinuation<[SocketAddress], any Error>? = state.withLock { state in
            switch state {
            case .new:
                state = .given(result)
                return nil
            case .waiting(let continuation):
                state = .given(result)
                return continuation
            case .given:
                return nil
            }
        }
        waiter?.resume(with: result)
    }
}
