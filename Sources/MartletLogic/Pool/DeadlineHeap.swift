import MartletBase

/// The deadlines of waiters, earliest first.
///
/// Deadlines mostly come in rising order, so joining is mostly one step. Waiters that left early stay in until their
/// turn or until they are the greater part; the caller says which are still there.
struct DeadlineHeap: Sendable {
    struct Entry: Sendable {
        var deadline: Instant
        var slot: Int
        /// The waiter's place in the order of arrival: a slot is used again, this is not.
        var sequence: UInt64
    }

    private var entries: [Entry] = []

    var count: Int { entries.count }
    var earliest: Entry? { entries.first }

    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].deadline < entries[parent].deadline else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeEarliest() {
        guard let last = entries.popLast(), !entries.isEmpty else { return }
        entries[0] = last
        sink(0)
    }

    /// Drops the entries that `isAlive` denies.
    mutating func compact(keeping isAlive: (Entry) -> Bool) {
        entries.removeAll { !isAlive($0) }
        for index in stride(from: entries.count / 2 - 1, through: 0, by: -1) { sink(index) }
    }

    private mutating func sink(_ start: Int) {
        var parent = start
        while true {
            var least = 2 * parent + 1
            guard least < entries.count else { return }
            let right = least + 1
            if right < entries.count, entries[right].deadline < entries[least].deadline { least = right }
            guard entries[least].deadline < entries[parent].deadline else { return }
            entries.swapAt(least, parent)
            parent = least
        }
    }
}
