import MartletBase
import NIOCore
import Synchronization

/// Tells those who wait for tasks that something became of them. The channel of results is listened to only while
/// somebody waits: results of all tasks come over it.
final class ResultWatch: Sendable {
    static let channelPrefix = "celery-task-meta-"
    /// The channel is left so long after the last waiter did.
    private static let idleSeconds = 5

    private struct State {
        var signals: [String: [UInt64: Signal]] = [:]
        var count = 0
        var number: UInt64 = 0
    }

    private let state = Mutex(State())
    private let limit: Int
    private let begun = Signal()

    init(limit: Int) {
        self.limit = limit
    }

    /// A wait for one task; ends with ``leave(_:)``.
    struct Wait: Sendable {
        let id: String
        let number: UInt64
        let signal: Signal
    }

    /// - Throws: `overloaded` where too many wait.
    func enter(_ id: String) throws(MartletError) -> Wait {
        let wait: Wait? = state.withLock { state in
            guard state.count < limit else { return nil }
            state.count += 1
            state.number += 1
            let signal = Signal()
            state.signals[id, default: [:]][state.number] = signal
            return Wait(id: id, number: state.number, signal: signal)
        }
        guard let wait else { throw MartletError(.overloaded, cause: "too many clients wait for results") }
        begun.notify()
        return wait
    }

    func leave(_ wait: Wait) {
        state.withLock { state in
            guard state.signals[wait.id]?.removeValue(forKey: wait.number) != nil else { return }
            state.count -= 1
            if state.signals[wait.id]?.isEmpty == true { state.signals[wait.id] = nil }
        }
    }

    /// Something became of a task.
    func tell(_ id: String) {
        let signals = state.withLock { state in state.signals[id].map { Array($0.values) } ?? [] }
        for signal in signals { signal.notify() }
    }

    private var isAwaited: Bool { state.withLock { $0.count > 0 } }

    /// Listens while somebody waits, until the task is cancelled.
    func run(_ broker: TaskBroker) async {
        while !Task.isCancelled {
            await begun.wait(atMost: .seconds(60))
            guard isAwaited else { continue }
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    try? await broker.subscribe(channels: [], patterns: [Self.channelPrefix + "*"]) { channel, _ in
                        self.tell(String(channel.dropFirst(Self.channelPrefix.count)))
                    }
                }
                group.addTask { await self.untilIdle() }
                await group.next()
                group.cancelAll()
            }
        }
    }

    private func untilIdle() async {
        var idle = 0
        while idle < Self.idleSeconds, (try? await Task.sleep(for: .seconds(1))) != nil {
            idle = isAwaited ? 0 : idle + 1
        }
    }
}
