package import MartletBase

/// Where a loop keeps the numbers of one target. Taken once for each attempt, so that what happens for each event of a
/// stream needs no look-up. One that outlives its target is harmless: it is noticed and ignored.
package struct TargetSlot: Equatable, Sendable {
    fileprivate let index: Int
    package let target: TargetID
}

/// The counts of one target.
package struct TargetRow: Sendable {
    /// nil: free for another target.
    package fileprivate(set) var target: TargetID?
    package var firstByte = Histogram<DurationScale>()
    package var interEvent = Histogram<DurationScale>()
    package var connect = Histogram<DurationScale>()
    package var attempts: UInt64 = 0
    package var failures = EnumCounts<FailureClass>()
    package var inputTokens: UInt64 = 0
    package var outputTokens: UInt64 = 0

    package init(target: TargetID?) {
        self.target = target
    }

    mutating func record(_ record: borrowing RequestRecord) {
        if let nanoseconds = record.firstByteNanoseconds { firstByte.observe(nanoseconds) }
        inputTokens &+= record.inputTokens ?? 0
        outputTokens &+= record.outputTokens ?? 0
    }

    package mutating func merge(_ other: Self) {
        firstByte.merge(other.firstByte)
        interEvent.merge(other.interEvent)
        connect.merge(other.connect)
        attempts &+= other.attempts
        failures.merge(other.failures)
        inputTokens &+= other.inputTokens
        outputTokens &+= other.outputTokens
    }
}

/// Rows by target. A row is used again after its target is forgotten.
struct TargetTable: Sendable {
    private(set) var rows: [TargetRow] = []
    private var places: [TargetID: Int] = [:]
    private var free: [Int] = []

    mutating func slot(for target: TargetID) -> TargetSlot {
        if let place = places[target] { return TargetSlot(index: place, target: target) }
        let place = free.popLast() ?? rows.count
        if place == rows.count {
            rows.append(TargetRow(target: target))
        } else {
            rows[place] = TargetRow(target: target)
        }
        places[target] = place
        return TargetSlot(index: place, target: target)
    }

    /// Changes the row behind a slot; nothing when the target was forgotten since.
    @inline(__always)
    mutating func update(_ slot: TargetSlot, _ change: (inout TargetRow) -> Void) {
        guard slot.index < rows.count, rows[slot.index].target == slot.target else { return }
        change(&rows[slot.index])
    }

    mutating func record(_ record: borrowing RequestRecord, at slot: TargetSlot) {
        guard slot.index < rows.count, rows[slot.index].target == slot.target else { return }
        rows[slot.index].record(record)
    }

    mutating func forget(_ target: TargetID) {
        guard let place = places.removeValue(forKey: target) else { return }
        rows[place] = TargetRow(target: nil)
        free.append(place)
    }
}
