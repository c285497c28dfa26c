/// A queue in which keys are served in turn, each by its weight, however much one of them brings (start-time fair
/// queueing).
///
/// Each element has a start in virtual time: the queue's own time when its key has nothing waiting, else where the
/// key's last one ends. The earliest start goes first, and moves the queue's time on. So whoever floods it stands
/// behind itself; with one key it is first in, first out.
public struct FairQueue<Element: Sendable>: Sendable {
    private struct Entry: Sendable {
        var start: Double
        var order: UInt64
        var element: Element

        func isBefore(_ other: Entry) -> Bool { start == other.start ? order < other.order : start < other.start }
    }

    private var heap: [Entry] = []
    private var order: UInt64 = 0
    private var virtualTime = 0.0
    /// Where each key's last element ends. Keys without one that is ahead of the queue's time are forgotten in time.
    private var ends: [String: Double] = [:]
    /// With so many keys remembered, those that can be forgotten are.
    private var sweepAt = 64

    public init() {}

    public var isEmpty: Bool { heap.isEmpty }
    public var count: Int { heap.count }
    /// Keys that are remembered.
    var rememberedKeys: Int { ends.count }

    /// Lets an element wait.
    ///
    /// - Parameters:
    ///   - weight: The key's share against the others'; below a thousandth counts as that.
    ///   - cost: What serving it takes, against the others.
    public mutating func add(_ element: Element, key: String = "", weight: Double = 1, cost: Double = 1) {
        let start = max(virtualTime, ends[key] ?? 0)
        // Not `max`: a weight that is no number must not win.
        let share = weight > 0.001 ? weight : 0.001
        ends[key] = start + (cost > 0 ? cost : 0) / share
        order += 1
        heap.append(Entry(start: start, order: order, element: element))
        var child = heap.count - 1
        while child > 0, heap[child].isBefore(heap[(child - 1) / 2]) {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
        if ends.count > sweepAt { forgetIdleKeys() }
    }

    /// The one whose turn it is.
    public mutating func popFirst() -> Element? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty {
            // Nobody is ahead of anybody: all begin anew.
            virtualTime = 0
            ends.removeAll(keepingCapacity: true)
            return first.element
        }
        heap[0] = last
        sink()
        virtualTime = first.start
        return first.element
    }

    private mutating func forgetIdleKeys() {
        ends = ends.filter { $0.value > virtualTime }
        sweepAt = max(64, 2 * ends.count)
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
