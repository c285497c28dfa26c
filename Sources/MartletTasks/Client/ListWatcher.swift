import Logging
import MartletBase
import MartletNet
import MartletWire
import NIOCore
import Synchronization

/// Waits until there may be something in one of several lists, and takes nothing.
///
/// `BLMOVE` from a list's end to the same end of the same list answers when it has an element, and changes nothing.
/// Each list has a connection for that.
final class ListWatcher: Sendable {
    private struct Watch {
        var link: BrokerLink
        /// The server was asked and has not answered yet.
        var isAsked = false
        var lastUse = Instant.current
    }

    private struct Contents {
        var lists: [String: Watch] = [:]
        var waiting: [UInt64: Waiter] = [:]
        var lastWaiter: UInt64 = 0
    }

    private struct Waiter {
        var lists: Set<String>
        /// nil: not suspended yet.
        var continuation: CheckedContinuation<Void, any Error>?
        var outcome: Result<Void, any Error>?
    }

    private let times: TaskBrokerTimes
    private let logger: Logger
    private let makeLink: @Sendable () -> BrokerLink
    private let contents = Mutex(Contents())

    init(times: TaskBrokerTimes, logger: Logger, makeLink: @escaping @Sendable () -> BrokerLink) {
        self.times = times
        self.logger = logger
        self.makeLink = makeLink
    }

    /// Returns when one of the lists may have something. Throws when the broker cannot be asked.
    func wait(for lists: [String]) async throws {
        let (number, unasked, idle) = enter(lists)
        for link in idle { link.close() }
        defer { contents.withLock { _ = $0.waiting.removeValue(forKey: number) } }
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await self.signal(number)
                return true
            }
            for list in unasked {
                group.addTask {
                    try await self.ask(list)
                    return false
                }
            }
            while let isSignalled = try await group.next(), !isSignalled {}
            group.cancelAll()
        }
    }

    func close() {
        let (links, waiting) = contents.withLock { contents in
            (contents.lists.values.map(\.link), Array(contents.waiting.keys))
        }
        for link in links { link.close() }
        for number in waiting { end(number, .failure(CancellationError())) }
    }

    // MARK: Who waits

    /// Lists that have a connection.
    var watched: [String] { contents.withLock { $0.lists.keys.sorted() } }

    /// The waiter's number, the lists for which the server has to be asked, and the connections of lists that are none
    /// of this client's any more.
    private func enter(_ lists: [String]) -> (number: UInt64, unasked: [String], idle: [BrokerLink]) {
        contents.withLock { contents in
            let now = Instant.current
            for list in lists {
                if contents.lists[list] == nil { contents.lists[list] = Watch(link: makeLink()) }
                contents.lists[list]?.lastUse = now
            }
            let wanted = contents.waiting.values.reduce(into: Set(lists)) { $0.formUnion($1.lists) }
            let idle = contents.lists.filter { list, watch in
                !watch.isAsked && !wanted.contains(list) && now - watch.lastUse >= times.idle
            }
            for list in idle.keys { contents.lists[list] = nil }
            contents.lastWaiter += 1
            contents.waiting[contents.lastWaiter] = Waiter(lists: Set(lists))
            let unasked = lists.filter { contents.lists[$0]?.isAsked == false }
            for list in unasked { contents.lists[list]?.isAsked = true }
            return (contents.lastWaiter, unasked, idle.values.map(\.link))
        }
    }

    private func signal(_ number: UInt64) async throws {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = contents.withLock { contents in
                    guard let waiter = contents.waiting[number] else { return .failure(CancellationError()) }
                    if waiter.outcome == nil { contents.waiting[number]?.continuation = continuation }
                    return waiter.outcome
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            end(number, .failure(CancellationError()))
        }
    }

    private func end(_ number: UInt64, _ outcome: Result<Void, any Error>) {
        let continuation: CheckedContinuation<Void, any Error>? = contents.withLock { contents in
            guard var waiter = contents.waiting[number], waiter.outcome == nil else { return nil }
            waiter.outcome = outcome
            contents.waiting[number] = waiter
            return waiter.continuation
        }
        continuation?.resume(with: outcome)
    }

    /// The server answered, or will not: whoever waits for the list is told. Who comes next asks anew.
    private func tell(_ list: String, _ outcome: Result<Void, any Error>) {
        let waiting = contents.withLock { contents in
            contents.lists[list]?.isAsked = false
            return contents.waiting.filter { $0.value.lists.contains(list) }.map(\.key)
        }
        for number in waiting { end(number, outcome) }
    }

    // MARK: The server

    private func ask(_ list: String) async throws {
        guard let link = contents.withLock({ $0.lists[list]?.link }) else { return }
        do {
            ask(list, on: try await link.connection())
        } catch {
            // Others who wait for this list look for themselves.
            tell(list, .success(()))
            throw error
        }
    }

    private func ask(_ list: String, on connection: RedisConnection) {
        var pipeline = RedisPipeline()
        let seconds = times.wait.inSeconds
        pipeline.append(["BLMOVE", list, list, "RIGHT", "RIGHT", "\(seconds)"])
        connection.send(pipeline, timeout: times.wait * 2) { result in
            switch result {
            case .success(let replies): self.answered(list, replies.first ?? .null, on: connection)
            case .failure(let error):
                self.logger.debug("a wait for work ended", metadata: ["list": "\(list)", "error": "\(error)"])
                self.tell(list, .success(()))
            }
        }
    }

    private func answered(_ list: String, _ reply: RESPValue, on connection: RedisConnection) {
        switch reply {
        case .null, .nullArray:
            // Nothing came in time. Who still waits goes on waiting.
            let isWanted = contents.withLock { contents in
                let isWanted = contents.waiting.values.contains { $0.lists.contains(list) }
                if !isWanted { contents.lists[list]?.isAsked = false }
                return isWanted
            }
            if isWanted { ask(list, on: connection) }
        case .error(let text): tell(list, .failure(RedisError(reply: text)))
        default: tell(list, .success(()))
        }
    }
}
