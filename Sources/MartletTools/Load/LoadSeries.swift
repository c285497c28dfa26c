/// A run second by second. A long run is kept in wider slots, so that memory has a bound.
package struct LoadSeries: Sendable, Equatable {
    /// What fell into one slot.
    package struct Slot: Sendable, Equatable {
        /// Requests that became due or were sent.
        package var began = 0
        package var completed = 0
        package var failed = 0
        /// Clients that left on purpose, and requests under way at the end.
        package var left = 0
        /// Time to the first byte of the answers whose first byte came in this slot.
        package var first: Histogram?

        fileprivate mutating func merge(_ other: Slot) {
            began += other.began
            completed += other.completed
            failed += other.failed
            left += other.left
            guard let theirs = other.first else { return }
            if first == nil { first = theirs } else { first?.merge(theirs) }
        }
    }

    /// One slot as it is shown.
    package struct Point: Sendable, Equatable {
        /// When the slot began.
        package var second: Int
        package var slot: Slot
        /// Requests under way at the end of the slot.
        package var inFlight: Int
    }

    private static let limit = 600

    /// Seconds of a slot.
    package private(set) var width = 1
    private var slots: [Slot] = []

    package init() {}

    mutating func began(at age: UInt64) {
        slots[index(age)].began += 1
    }

    mutating func first(_ latency: UInt64, at age: UInt64) {
        let index = index(age)
        if slots[index].first == nil { slots[index].first = Histogram() }
        slots[index].first?.add(latency)
    }

    mutating func ended(_ end: LoadConnection.End, at age: UInt64) {
        let index = index(age)
        switch end {
        case .completed: slots[index].completed += 1
        case .left, .unfinished: slots[index].left += 1
        case .failed: slots[index].failed += 1
        }
    }

    /// The slot for what happens at this age of the run; there is one afterwards.
    private mutating func index(_ age: UInt64) -> Int {
        let second = Int(age / 1_000_000_000)
        while second / width >= Self.limit { widen() }
        while slots.count <= second / width { slots.append(Slot()) }
        return second / width
    }

    private mutating func widen() {
        width *= 2
        let old = slots
        slots = []
        for (index, slot) in old.enumerated() {
            if index % 2 == 0 { slots.append(slot) } else { slots[index / 2].merge(slot) }
        }
    }

    mutating func merge(_ other: LoadSeries) {
        var other = other
        while width < other.width { widen() }
        while other.width < width { other.widen() }
        for (index, slot) in other.slots.enumerated() {
            if index < slots.count { slots[index].merge(slot) } else { slots.append(slot) }
        }
    }

    package var points: [Point] {
        var inFlight = 0
        return slots.enumerated().map { index, slot in
            inFlight += slot.began - slot.completed - slot.failed - slot.left
            return Point(second: index * width, slot: slot, inFlight: inFlight)
        }
    }

    var json: [JSONObject] {
        points.map { point in
            var object = JSONObject()
            object.set("second", point.second)
            object.set("began", point.slot.began)
            object.set("completed", point.slot.completed)
            object.set("failed", point.slot.failed)
            object.set("left", point.slot.left)
            object.set("in_flight", point.inFlight)
            object.set("first_p50_us", Double(point.slot.first?.quantile(0.5) ?? 0) / 1000)
            object.set("first_p99_us", Double(point.slot.first?.quantile(0.99) ?? 0) / 1000)
            return object
        }
    }
}
