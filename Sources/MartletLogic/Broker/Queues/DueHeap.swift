/// Things with a time in milliseconds, earliest first; of equal times, the one that came first. What is no longer
/// wanted stays in until its time: its owner looks again.
struct DueHeap<Element: Sendable>: Sendable {
    private struct Entry: Sendable {
        var time: Int64
        var order: UInt64
        var element: Element

        func isBefore(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }

    private var entries: [Entry] = []
    private var order: UInt64 = 0

    var count: Int { entries.count }
    var earliest: Int64? { entries.first?.time }

    mutating func insert(_ element: Element, at time: Int64) {
        order += 1
        entries.append(Entry(time: time, order: order, element: element))
        var child = entries.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard entries[child].isBefore(entries[parent]) else { return }
            entries.swapAt(child, parent)
            child = parent
        }
    }

    /// The earliest, if its time has come.
    mutating func take(until now: Int64) -> Element? {
        guard let first = entries.first, first.time <= now else { return nil }
        let last = entries.removeLast()
        if !entries.isEmpty {
            entries[0] = last
            sink()
        }
        return first.element
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < entries.count else { return }
            let right = least + 1
            if right < entries.count, entries[right].isBefore(entries[least]) { least = right }
            guard entries[least].isBefore(entries[parent]) else { return }
            entries.swapAt(least, parent)
            parent = least
        }
    }
}
