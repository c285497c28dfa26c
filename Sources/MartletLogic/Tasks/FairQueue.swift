/// A queue in which keys are served in turn, each by its weight, however much one of them brings and however many of
/// them come (start-time fair queueing).
///
/// Each element has a start in virtual time: the queue's own time, or where the last one of its key ends, whichever is
/// later. The earliest start goes first. The queue's time goes on by what is served, divided among the keys that wait
/// and some of those that did, and is never further behind what is served than a credit. So whoever floods it stands
/// behind itself; who brings little goes ahead of who brings much, for so many elements as the credit is; a flood of
/// ever new keys holds nobody up for longer than a few rounds; and with one key it is first in, first out.
public struct FairQueue<Element: Sendable>: Sendable {
    private struct Entry: Sendable {
        var start: Double
        var order: UInt64
        var key: String
        var cost: Double
        var element: Element

        func isBefore(_ other: Entry) -> Bool { start == other.start ? order < other.order : start < other.start }
    }

    private struct Lane: Sendable {
        /// Where its last element ends.
        var end: Double
        var waiting = 0
        var weight: Double
    }

    private var heap: [Entry] = []
    private var order: UInt64 = 0
    private var virtualTime = 0.0
    /// Those without a waiting element whose end is not ahead of the queue's time are forgotten in time.
    private var lanes: [String: Lane] = [:]
    /// Of all that are remembered, and of those who wait.
    private var totalWeight = 0.0
    private var waitingWeight = 0.0
    /// With so many keys remembered, those that can be forgotten are.
    private var sweepAt = 64
    /// How far a key that brought little of late may be ahead, in elements of cost and weight 1.
    private let credit: Double
    /// Keys of weight 1 that may have nothing waiting and slow the queue's time down all the same.
    private static var idleKeys: Double { 16 }

    public init(credit: Double = 4) { self.credit = credit > 0 ? credit : 0 }

    public var isEmpty: Bool { heap.isEmpty }
    public var count: Int { heap.count }
    /// Keys that are remembered.
    public var rememberedKeys: Int { lanes.count }

    /// Lets an element wait.
    ///
    /// - Parameters:
    ///   - weight: The key's share against the others'; below a thousandth counts as that, above a million too.
    ///   - cost: What serving it takes, against the others.
    public mutating func add(_ element: Element, key: String = "", weight: Double = 1, cost: Double = 1) {
        // Not `max`: what is no number must not win.
        let weight = weight > 0.001 ? min(weight, 1e6) : 0.001
        let cost = cost > 0 ? min(cost, 1e6) : 0
        var lane = lanes[key] ?? Lane(end: virtualTime, weight: 0)
        let start = max(virtualTime, lane.end)
        totalWeight += weight - lane.weight
        waitingWeight += weight - (lane.waiting > 0 ? lane.weight : 0)
        lane.end = start + cost / weight
        lane.waiting += 1
        lane.weight = weight
        lanes[key] = lane
        order += 1
        heap.append(Entry(start: start, order: order, key: key, cost: cost, element: element))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        if lanes.count > sweepAt { forgetIdleKeys() }
    }

    /// The one whose turn it is.
    public mutating func popFirst() -> Element? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty {
            // Nobody is ahead of anybody: all begin anew.
            (virtualTime, totalWeight, waitingWeight) = (0, 0, 0)
            lanes.removeAll(keepingCapacity: true)
            return first.element
        }
        heap[0] = last
        sink()
        served(first)
        return first.element
    }

    private mutating func served(_ entry: Entry) {
        guard var lane = lanes[entry.key] else { return }
        let sharers = min(totalWeight, 2 * waitingWeight + Self.idleKeys)
        virtualTime = max(virtualTime + entry.cost / max(sharers, lane.weight), entry.start - credit)
        lane.waiting -= 1
        if lane.waiting == 0 { waitingWeight -= lane.weight }
        lanes[entry.key] = lane
    }

    private mutating func forgetIdleKeys() {
        lanes = lanes.filter { $0.value.waiting > 0 || $0.value.end > virtualTime }
        totalWeight = lanes.values.reduce(0) { $0 + $1.weight }
        sweepAt = max(64, 2 * lanes.count)
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
