import MartletBase

/// The requests that wait for a target: bounded by number and by bytes, by priority class, first come first served
/// within a class.
///
/// The highest class goes first; every eighth grant that would pass over a lower class goes to the one among all lower
/// classes that waits longest, so none starves. When it is full, a higher class takes the places of the youngest of the
/// lowest. Joining, leaving and granting take constant time (amortised; a deadline
/// out of order costs the logarithm of the length).
struct WaitQueue: Sendable {
    struct Waiter: Sendable {
        var id: WaiterID
        var priority: PriorityClass
        var deadline: Instant
        var hashKey: UInt64?
        var excluding: [TargetID]
        /// What it holds in memory while it waits.
        var bytes = 0
    }

    private struct Slot {
        var waiter: Waiter
        var sequence: UInt64
        /// False once it was granted, left or expired: the slot is free.
        var isWaiting = true
        var previous = WaitQueue.none
        var next = WaitQueue.none

        /// Whether it holds the waiter that `entry` was made for.
        func isStill(_ entry: DeadlineHeap.Entry) -> Bool {
            isWaiting && sequence == entry.sequence
        }
    }

    private static let none = -1
    /// Every how many grants a lower class has its turn.
    static let turnOfLowerClasses = 8

    /// How many may wait, and how many bytes they may hold.
    private(set) var limit: Int
    private(set) var byteLimit: Int
    private(set) var depths = QueueDepths()
    /// Bytes that those who wait hold.
    private(set) var bytes = 0
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var slotOf: [WaiterID: Int] = [:]
    private var heads = InlineArray<3, Int>(repeating: WaitQueue.none)
    private var tails = InlineArray<3, Int>(repeating: WaitQueue.none)
    private var deadlines = DeadlineHeap()
    private var sequence: UInt64 = 0
    private var passedOver = 0
    /// The share of the grants that went to a class below `interactive` while one of those waited.
    private var lowerShare = 1.0

    init(limit: Int, byteLimit: Int = .max) {
        self.limit = max(limit, 0)
        self.byteLimit = max(byteLimit, 0)
    }

    /// Other bounds; those that wait already may stay.
    mutating func adopt(limit: Int, byteLimit: Int) {
        self.limit = max(limit, 0)
        self.byteLimit = max(byteLimit, 0)
    }

    var isEmpty: Bool { slotOf.isEmpty }
    var count: Int { slotOf.count }

    /// Whether a request that holds `bytes` can join.
    func hasRoom(for bytes: Int) -> Bool { hasRoom(for: bytes, without: 0, holding: 0) }

    /// Whether it could if so many that wait, who hold so many bytes, were gone. What those who wait hold may have
    /// grown beyond the bound: a request without a body is still welcome then.
    private func hasRoom(for bytes: Int, without leaving: Int, holding freed: Int) -> Bool {
        count - leaving < limit && bytes <= max(byteLimit - (self.bytes - freed), 0)
    }

    func contains(_ id: WaiterID) -> Bool { slotOf[id] != nil }

    /// Whether a request of `priority` is served before all that wait.
    func isOvertaken(by priority: PriorityClass) -> Bool {
        PriorityClass.allCases.allSatisfy { $0 > priority || heads[Int($0.rawValue)] == Self.none }
    }

    /// How many grants come before that of a request of `priority` that joins now.
    ///
    /// Higher classes that come later overtake it: how much that costs is seen in the share that its kind was given.
    func turns(before priority: PriorityClass) -> Double {
        turns(before: priority, ahead: depths)
    }

    private func turns(before priority: PriorityClass, ahead: QueueDepths) -> Double {
        let higher = PriorityClass.allCases.reduce(0) { $1 <= priority ? $0 + ahead[$1] : $0 }
        guard priority != .interactive else { return Double(higher) }
        let lower = Double(higher - ahead.interactive + 1)
        return max(Double(higher), lower / max(lowerShare, 1 / Double(Self.turnOfLowerClasses)) - 1)
    }

    /// Deadlines held, those of waiters that are gone included.
    var rememberedDeadlines: Int { deadlines.count }

    // MARK: Joining and leaving

    /// False, and nothing changed, when the queue is full or the id waits already.
    @discardableResult
    mutating func join(_ waiter: Waiter) -> Bool {
        guard hasRoom(for: waiter.bytes), slotOf[waiter.id] == nil else { return false }
        sequence += 1
        let index = place(Slot(waiter: waiter, sequence: sequence))
        slotOf[waiter.id] = index
        depths[waiter.priority] += 1
        bytes += waiter.bytes
        deadlines.insert(DeadlineHeap.Entry(deadline: waiter.deadline, slot: index, sequence: sequence))
        return true
    }

    /// A waiter holds so many bytes now, never fewer than before. False: all that wait hold as many as they may. One
    /// that does not wait any more holds none here.
    mutating func holds(_ bytes: Int, _ id: WaiterID) -> Bool {
        guard let index = slotOf[id] else { return true }
        let more = max(bytes - slots[index].waiter.bytes, 0)
        slots[index].waiter.bytes += more
        self.bytes += more
        return self.bytes <= byteLimit
    }

    /// Takes a waiter out; false when it does not wait.
    mutating func leave(_ id: WaiterID) -> Bool {
        guard let index = slotOf[id] else { return false }
        takeOut(index)
        dropStaleDeadlines()
        return true
    }

    /// Takes out the waiters whose deadline passed.
    mutating func expire(now: Instant) -> [WaiterID] {
        var expired: [WaiterID] = []
        while let entry = deadlines.earliest, entry.deadline <= now || !isAlive(entry) {
            if isAlive(entry) {
                expired.append(slots[entry.slot].waiter.id)
                takeOut(entry.slot)
            }
            deadlines.removeEarliest()
        }
        return expired
    }

    /// Makes room for a request of `priority` that holds `bytes`: the youngest of the lowest classes lose their places.
    /// Nobody does when even that is not enough.
    mutating func evict(for priority: PriorityClass, bytes: Int) -> [WaiterID] {
        var victims: [Int] = []
        var freed = 0
        for lower in PriorityClass.allCases.reversed() where lower > priority {
            var index = tails[Int(lower.rawValue)]
            while index != Self.none {
                if hasRoom(for: bytes, without: victims.count, holding: freed) { break }
                victims.append(index)
                freed += slots[index].waiter.bytes
                index = slots[index].previous
            }
        }
        guard hasRoom(for: bytes, without: victims.count, holding: freed) else { return [] }
        let evicted = victims.map { slots[$0].waiter.id }
        for index in victims { takeOut(index) }
        dropStaleDeadlines()
        return evicted
    }

    /// Takes out those at the tails who will not be served in time, as `isHopeless` tells from their deadline and the
    /// grants that come before theirs.
    mutating func shed(where isHopeless: (Instant, Double) -> Bool) -> [WaiterID] {
        var shed: [WaiterID] = []
        for priority in PriorityClass.allCases.reversed() {
            var ahead = depths
            while case let tail = tails[Int(priority.rawValue)], tail != Self.none {
                ahead[priority] = depths[priority] - 1
                guard isHopeless(slots[tail].waiter.deadline, turns(before: priority, ahead: ahead)) else { break }
                shed.append(slots[tail].waiter.id)
                takeOut(tail)
            }
        }
        if !shed.isEmpty { dropStaleDeadlines() }
        return shed
    }

    // MARK: Granting

    /// Whose turn it is; nil when nobody waits.
    var next: Waiter? {
        nextSlot.map { slots[$0].waiter }
    }

    /// Takes out the waiter that ``next`` named.
    mutating func grantNext() {
        guard let index = nextSlot else { return }
        let granted = slots[index].waiter.priority
        let highest = PriorityClass.allCases.first { heads[Int($0.rawValue)] != Self.none }
        if depths.total > depths.interactive { lowerShare += ((granted == .interactive ? 0 : 1) - lowerShare) / 16 }
        takeOut(index)
        if granted != highest {
            passedOver = 0
        } else if PriorityClass.allCases.contains(where: { $0 > granted && heads[Int($0.rawValue)] != Self.none }) {
            passedOver += 1
        }
        dropStaleDeadlines()
    }

    private var nextSlot: Int? {
        var highest: Int?
        var oldestLower: Int?
        for priority in PriorityClass.allCases {
            let head = heads[Int(priority.rawValue)]
            guard head != Self.none else { continue }
            if highest == nil {
                highest = head
            } else if oldestLower.map({ slots[head].sequence < slots[$0].sequence }) ?? true {
                oldestLower = head
            }
        }
        if let oldestLower, passedOver >= Self.turnOfLowerClasses - 1 { return oldestLower }
        return highest
    }

    // MARK: Slots

    private mutating func place(_ slot: Slot) -> Int {
        let index: Int
        if let free = freeSlots.popLast() {
            slots[free] = slot
            index = free
        } else {
            index = slots.count
            slots.append(slot)
        }
        let line = Int(slot.waiter.priority.rawValue)
        let tail = tails[line]
        slots[index].previous = tail
        if tail == Self.none { heads[line] = index } else { slots[tail].next = index }
        tails[line] = index
        return index
    }

    private mutating func takeOut(_ index: Int) {
        let slot = slots[index]
        let line = Int(slot.waiter.priority.rawValue)
        if slot.previous == Self.none { heads[line] = slot.next } else { slots[slot.previous].next = slot.next }
        if slot.next == Self.none { tails[line] = slot.previous } else { slots[slot.next].previous = slot.previous }
        slots[index].isWaiting = false
        slots[index].waiter.excluding = []
        freeSlots.append(index)
        slotOf[slot.waiter.id] = nil
        depths[slot.waiter.priority] -= 1
        bytes -= slot.waiter.bytes
        if isEmpty { lowerShare = 1 }
    }

    private func isAlive(_ entry: DeadlineHeap.Entry) -> Bool {
        slots[entry.slot].isStill(entry)
    }

    private mutating func dropStaleDeadlines() {
        if deadlines.count > 2 * count + 64 {
            deadlines.compact { [slots] in slots[$0.slot].isStill($0) }
        }
        while let entry = deadlines.earliest, !isAlive(entry) { deadlines.removeEarliest() }
    }
}
