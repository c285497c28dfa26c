import MartletBase

/// The items of a group: those that wait, in lines, and those that a worker has.
///
/// There is a line for each priority class, and one for *suspects*: items whose worker died. Within a line the first
/// come goes first; what comes back goes to the front. Everything but forming a batch takes constant time.
struct ItemTable: Sendable {
    /// Where an item is.
    enum Place: Equatable {
        case waiting
        /// With the worker that has the batch in this slot.
        case held(batch: Int)
        /// The batch in this slot failed, and the worker is not yet done with the rest of it.
        case parted(batch: Int)
    }

    struct Entry {
        var item: BatchItem
        var arrived: Instant
        var place = Place.waiting
        /// Items with the same number go together and with nobody else; 0: with whoever else has none.
        var company: UInt64 = 0
        /// Its worker died while it worked on it.
        var isSuspect = false
        var isCancelled = false
        /// A part of its answer came: it cannot be tried again.
        var hasBegun = false
        fileprivate var previous = ItemTable.none
        fileprivate var next = ItemTable.none

        fileprivate var line: Int { isSuspect ? ItemTable.suspects : Int(item.priority.rawValue) }
    }

    fileprivate static let none = -1
    fileprivate static let suspects = PriorityClass.allCases.count
    /// Every how many batches a lower class has its turn.
    static let turnOfLowerClasses = 8

    var entries: [Entry] = []
    private var freeSlots: [Int] = []
    private var slotOf: [ItemID: Int] = [:]
    private var heads = InlineArray<4, Int>(repeating: ItemTable.none)
    private var tails = InlineArray<4, Int>(repeating: ItemTable.none)
    private var lengths = InlineArray<4, Int>(repeating: 0)
    private var passedOver = 0
    /// Bytes and weight of those that wait, without suspects.
    private(set) var waitingBytes = 0
    private(set) var waitingWeight = 0

    /// Items that wait or are with a worker.
    var count: Int { slotOf.count }
    /// Items that wait, without suspects.
    var waiting: Int { lengths[0] + lengths[1] + lengths[2] }
    var waitingSuspects: Int { lengths[Self.suspects] }

    func slot(of id: ItemID) -> Int? { slotOf[id] }

    // MARK: Coming and going

    /// A new item takes its place in line; false when it is there already.
    mutating func add(_ item: BatchItem, now: Instant) -> Bool {
        let entry = Entry(item: item, arrived: now)
        let slot = freeSlots.last ?? entries.count
        let former = slotOf.updateValue(slot, forKey: item.id)
        guard former == nil else {
            slotOf[item.id] = former
            return false
        }
        if freeSlots.popLast() == nil { entries.append(entry) } else { entries[slot] = entry }
        link(slot, atFront: false)
        return true
    }

    /// Takes an item out, wherever it is.
    mutating func remove(_ slot: Int) {
        if entries[slot].place == .waiting { unlink(slot) }
        slotOf[entries[slot].item.id] = nil
        freeSlots.append(slot)
    }

    /// An item that a worker had waits again: suspects at the end of their line, others at the front of theirs.
    mutating func putBack(_ slot: Int) {
        entries[slot].place = .waiting
        link(slot, atFront: !entries[slot].isSuspect)
    }

    // MARK: Looking at the lines

    /// When the first of those that wait came, suspects not counted.
    var oldestArrival: Instant? {
        PriorityClass.allCases.compactMap { head(of: $0).map { entries[$0].arrived } }.min()
    }

    /// When the first suspect that waits came.
    var oldestSuspectArrival: Instant? {
        let head = heads[Self.suspects]
        return head == Self.none ? nil : entries[head].arrived
    }

    /// How many go before one of `priority` that comes now.
    func turns(before priority: PriorityClass) -> Int {
        PriorityClass.allCases.reduce(waitingSuspects) { $1 <= priority ? $0 + lengths[Int($1.rawValue)] : $0 }
    }

    /// Whether those whose turn it is go in a company of their own: nobody else may join them.
    var isNextInCompany: Bool { firstLine.map { entries[heads[$0]].company != 0 } ?? false }

    /// All that wait.
    var allWaiting: [ItemID] {
        var ids: [ItemID] = []
        for line in 0...Self.suspects {
            var slot = heads[line]
            while slot != Self.none {
                ids.append(entries[slot].item.id)
                slot = entries[slot].next
            }
        }
        return ids
    }

    private func head(of priority: PriorityClass) -> Int? {
        let head = heads[Int(priority.rawValue)]
        return head == Self.none ? nil : head
    }

    // MARK: Forming a batch

    /// Gives the first suspect to the batch in slot `batch`; a late one is out of the table.
    mutating func takeSuspect(for batch: Int, now: Instant) -> (id: ItemID, isLate: Bool)? {
        let slot = heads[Self.suspects]
        guard slot != Self.none else { return nil }
        guard entries[slot].item.deadline <= now else { return (hand(slot, to: batch), false) }
        defer { remove(slot) }
        return (entries[slot].item.id, true)
    }

    /// Gives those whose turn it is, as many as go together, to the batch in slot `batch`.
    ///
    /// - Parameter late: gets those whose deadline has passed; they are out of the table.
    mutating func takeBatch(_ bounds: BatchBounds, for batch: Int, now: Instant, late: inout [ItemID]) -> [ItemID] {
        guard let first = firstLine else { return [] }
        let isOutOfTurn = (0..<first).contains { heads[$0] != Self.none }
        var room = bounds
        var taken: [ItemID] = []
        var company: UInt64?
        takeBatch(from: first, &room, &company, for: batch, now: now, taken: &taken, late: &late)
        for line in 0..<Self.suspects where line != first {
            takeBatch(from: line, &room, &company, for: batch, now: now, taken: &taken, late: &late)
        }
        let leavesOthers = (first + 1..<Self.suspects).contains { heads[$0] != Self.none }
        passedOver = isOutOfTurn ? 0 : leavesOthers ? passedOver + 1 : passedOver
        return taken
    }

    private mutating func takeBatch(
        from line: Int, _ room: inout BatchBounds, _ company: inout UInt64?, for batch: Int, now: Instant,
        taken: inout [ItemID], late: inout [ItemID]
    ) {
        while case let slot = heads[line], slot != Self.none {
            if entries[slot].item.deadline <= now {
                late.append(entries[slot].item.id)
                remove(slot)
                continue
            }
            guard company == nil || entries[slot].company == company, room.take(entries[slot].item) else { return }
            company = entries[slot].company
            taken.append(hand(slot, to: batch))
        }
    }

    private mutating func hand(_ slot: Int, to batch: Int) -> ItemID {
        unlink(slot)
        entries[slot].place = .held(batch: batch)
        return entries[slot].item.id
    }

    /// The line whose turn it is: the highest class, or after some batches that passed over a lower one the lower one
    /// that waits longest.
    private var firstLine: Int? {
        var highest: Int?
        var oldestLower: Int?
        for line in 0..<Self.suspects where heads[line] != Self.none {
            if highest == nil {
                highest = line
            } else if oldestLower.map({ entries[heads[line]].arrived < entries[heads[$0]].arrived }) ?? true {
                oldestLower = line
            }
        }
        if let oldestLower, passedOver >= Self.turnOfLowerClasses - 1 { return oldestLower }
        return highest
    }

    // MARK: Links

    private mutating func link(_ slot: Int, atFront: Bool) {
        let line = entries[slot].line
        let neighbour = atFront ? heads[line] : tails[line]
        entries[slot].previous = atFront ? Self.none : neighbour
        entries[slot].next = atFront ? neighbour : Self.none
        if atFront { heads[line] = slot } else { tails[line] = slot }
        if neighbour == Self.none {
            if atFront { tails[line] = slot } else { heads[line] = slot }
        } else if atFront {
            entries[neighbour].previous = slot
        } else {
            entries[neighbour].next = slot
        }
        tally(slot, in: line, by: 1)
    }

    private mutating func unlink(_ slot: Int) {
        let (previous, next) = (entries[slot].previous, entries[slot].next)
        let line = entries[slot].line
        if previous == Self.none { heads[line] = next } else { entries[previous].next = next }
        if next == Self.none { tails[line] = previous } else { entries[next].previous = previous }
        tally(slot, in: line, by: -1)
    }

    private mutating func tally(_ slot: Int, in line: Int, by step: Int) {
        lengths[line] += step
        guard line != Self.suspects else { return }
        waitingBytes += step * entries[slot].item.bytes
        waitingWeight += step * entries[slot].item.weight
    }
}
