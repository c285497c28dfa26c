import MartletLogic
import Synchronization

/// How far tasks are that run: of each the latest state that is not told yet. For one task that takes.
final class ProgressBoard: Sendable {
    private let latest = Mutex<[DeliveryID: StateNews]>([:])
    private let signal = Signal()

    func put(_ state: StateNews, of id: DeliveryID) {
        latest.withLock { $0[id] = state }
        signal.notify()
    }

    /// It has ended: what it said last is out of date.
    func drop(_ id: DeliveryID) {
        latest.withLock { _ = $0.removeValue(forKey: id) }
    }

    /// Waits until there is something; nothing when the task is cancelled.
    func take() async -> [StateNews] {
        while !Task.isCancelled {
            let taken = latest.withLock { latest in
                defer { latest = [:] }
                return Array(latest.values)
            }
            guard taken.isEmpty else { return taken }
            await signal.wait()
        }
        return []
    }
}
