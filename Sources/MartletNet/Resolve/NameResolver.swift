import MartletBase
package import NIOCore
import NIOPosix
import Synchronization

/// Turns host names into addresses on threads of its own, so that no event loop ever waits for DNS.
package final class NameResolver: Sendable {
    /// Looks a name up and may block its thread as long as it likes. The ports of the answer mean nothing.
    package typealias Lookup = @Sendable (_ host: String) throws -> [SocketAddress]

    private let threads: NIOThreadPool
    private let timeout: Duration
    private let lookup: Lookup
    /// Who waits for each lookup that is under way, or waits for a thread. By host: DNS knows of no ports.
    private let waiting = Mutex<[String: [Answer]]>([:])

    /// - Parameters:
    ///   - timeout: how long a caller waits; the system's resolver may go on for longer, unheard.
    ///   - threads: how many lookups run at once. A host that hangs holds one, however often and for whichever ports
    ///     it is asked for; when as many hang as there are threads, all others wait behind them.
    package init(timeout: Duration = .seconds(5), threads: Int = 8, lookup: @escaping Lookup = NameLookup.system) {
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
            group.addTask { try await self.look(host) }
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
        return Self.ordered(found.map { $0.with(port: port) })
    }

    /// Ends the threads, each after the lookup it is in, which is not waited for: it may take half a minute. Calls that
    /// come later throw `CancellationError`.
    package func shutdown() {
        threads.shutdownGracefully { _ in }
    }

    /// Each address once, IPv4 first, then by number: DNS deals its answers out in a new order every time.
    static func ordered(_ addresses: [SocketAddress]) -> [SocketAddress] {
        Set(addresses).compactMap { address in address.ipBits.map { (bits: $0, address: address) } }
            .sorted { $0.bits < $1.bits }
            .map(\.address)
    }

    private func look(_ host: String) async throws -> [SocketAddress] {
        let answer = Answer()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                answer.wait(continuation)
                join(host, answer)
            }
        } onCancel: {
            answer.give(.failure(CancellationError()))
        }
    }

    /// Waits for the lookup of this host that is under way, or begins one.
    private func join(_ host: String, _ answer: Answer) {
        let isFirst = waiting.withLock { waiting in
            var those = waiting[host] ?? []
            those.removeAll { !$0.isAwaited }
            let isFirst = waiting[host] == nil
            waiting[host] = those + [answer]
            return isFirst
        }
        guard isFirst else { return }
        threads.submit { state in
            guard self.isWanted(host) else { return }
            let result = Result {
                guard state == .active else { throw CancellationError() }
                return try self.lookup(host)
            }
            for answer in self.waiting.withLock({ $0.removeValue(forKey: host) }) ?? [] { answer.give(result) }
        }
    }

    /// Whether anybody still waits for this lookup, which has not begun; if not it is forgotten.
    private func isWanted(_ host: String) -> Bool {
        waiting.withLock { waiting in
            if waiting[host]?.contains(where: \.isAwaited) == true { return true }
            waiting[host] = nil
            return false
        }
    }
}

extension SocketAddress {
    fileprivate func with(port: Int) -> SocketAddress {
        var address = self
        address.port = port
        return address
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
