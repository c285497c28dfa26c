import Synchronization

/// What is to be told to the broker, in the order in which it was decided. For one task that takes.
final class SettlementQueue: Sendable {
    private let entries = Mutex<[BookEntry]>([])
    private let signal = Signal()

    func add(_ new: [BookEntry]) {
        entries.withLock { $0 += new }
        signal.notify()
    }

    func add(_ new: BookEntry) {
        entries.withLock { $0.append(new) }
        signal.notify()
    }

    /// Waits until there is something; nothing when the task is cancelled.
    func take(atMost count: Int) async -> [BookEntry] {
        while !Task.isCancelled {
            let taken = entries.withLock { entries -> [BookEntry] in
                guard entries.count > count else {
                    defer { entries = [] }
                    return entries
                }
                defer { entries.removeFirst(count) }
                return Array(entries.prefix(count))
            }
            guard taken.isEmpty else { return taken }
            await signal.wait()
        }
        return []
    }
}
