import MartletBase

/// The requests that wait for a target: bounded, by priority class, first come first served within a class.
///
/// The highest class goes first; every eighth grant that would pass over a lower class goes to the one among all lower
/// classes that waits longest, so none starves. Joining, leaving and granting take constant time (amortised; a deadline
/// out of order costs the logarithm of the length).
struct WaitQueue: Sendable {
    struct Waiter: Sendable {
        var id: WaiterID
        var priority: PriorityClass
        var deadline: Instant
        var hashKey: UInt64?
        var excluding: [TargetID]
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

    /// How many may wait.
    private(set) var limit: Int
    private(set) var depths = QueueDepths()
    private var slots: [Slot] = []
    private var freeSlots: [Int] = []
    private var slotOf: [WaiterID: Int] = [:]
    private var heads = InlineArray<3, Int>(repeating: WaitQueue.none)
    private var tails = InlineArray<3, Int>(repeating: WaitQueue.none)
    private var deadlines = DeadlineHeap()
    private var sequence: UInt64 = 0
    private var passedOver = 0
    private var rate = DrainRate()

    init(limit: Int) { self.limit = max(limit, 0) }

    /// Another bound; those that wait already may stay.
    mutating func adopt(limit: Int) { self.limit = max(limit, 0) }

    var isEmpty: Bool { slotOf.isEmpty }
    var count: Int { slotOf.count }
    var isFull: Bool { count >= limit }

    func contains(_ id: WaiterID) -> Bool { slotOf[id] != nil }

    /// Whether a request of `priority` is served before all that wait.
    func isOvertaken(by priority: PriorityClass) -> Bool {
        PriorityClass.allCases.allSatisfy { $0 > priority || heads[Int($0.rawValue)] == Self.none }
    }

    /// How long a request that joins now would wait.
    func predictedWait(_ priority: PriorityClass, now: Instant) -> Duration {
        let ahead = PriorityClass.allCases.reduce(0) { $1 <= priority ? $0 + depths[$1] : $0 }
        return rate.wait(ahead: ahead, now: now)
    }

    /// The earliest deadline of a waiter.
    var earliestDeadline: Instant? { deadlines.earliest?.deadline }

    /// Deadlines held, those of waiters that are gone included.
    var rememberedDeadlines: Int { deadlines.count }

    // MARK: Joining and leaving

    /// False, and nothing changed, when the queue is full or the id waits already.
    mutating func join(_ waiter: Waiter, now: Instant) -> Bool {
        guard !isFull, slotOf[waiter.id] == nil else { return false }
        if isEmpty { rate.started(now: now) }
        sequence += 1
        let index = place(Slot(waiter: waiter, sequence: sequence))
        slotOf[waiter.id] = index
        depths[waiter.priority] += 1
        deadlines.insert(DeadlineHeap.Entry(deadline: waiter.deadline, slot: index, sequence: sequence))
        return true
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

    // MARK: Granting

    /// Whose turn it is; nil when nobody waits.
    var next: Waiter? {
        nextSlot.map { slots[$0].waiter }
    }

    /// Takes out the waiter that ``next`` named.
    mutating func grantNext(now: Instant) {
        guard let index = nextSlot else { return }
        let granted = slots[index].waiter.priority
        let highest = PriorityClass.allCases.first { heads[Int($0.rawValue)] != Self.none }
        rate.granted(now: now)
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
        if isEmpty { rate.paused() }
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
