import MartletBase

/// What will happen, in the order of time; what happens at the same time, in the order in which it was planned.
struct EventQueue {
    /// Something that happens to the simulated world. Numbers name requests.
    enum Event: Sendable {
        case arrival(burst: Int)
        case leave(Int)
        /// The target did something for an attempt; late news about an attempt that is over is ignored.
        case news(Int, attempt: Int, News)
        case granted(Int, TargetID)
        case placeLost(Int)
        case timer(Int)
        case tick
        case probe(TargetID)
        case fault
        case operate
        case recover
        case lastRequests(Int)
    }

    /// What a target does for an attempt.
    enum News: Sendable {
        case accepted
        case head
        case piece(left: Int)
        case failed(FailureClass, isStale: Bool)
    }

    private struct Entry {
        var time: Instant
        var number: UInt64
        var event: Event

        func isBefore(_ other: Entry) -> Bool {
            time == other.time ? number < other.number : time < other.time
        }
    }

    private var heap: [Entry] = []
    private var planned: UInt64 = 0

    mutating func plan(_ event: Event, at time: Instant) {
        planned += 1
        heap.append(Entry(time: time, number: planned, event: event))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func next() -> (time: Instant, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return (first.time, first.event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < heap.count else { return }
            if least + 1 < heap.count, heap[least + 1].isBefore(heap[least]) { least += 1 }
            guard heap[least].isBefore(heap[parent]) else { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
