import MartletBase

/// The workers of a group that are ready, and the batches that they have.
struct WorkerTable: Sendable {
    struct Worker {
        let number: WorkerNumber
        var capacity: WorkerCapacity
        /// Batches that it has and that are not over.
        var inHand = 0
        /// When a batch of its last ended, or came when it had none.
        var lastProgress = Instant(nanoseconds: 0)
        /// When it last ended something, or sent a piece of an answer that somebody wants.
        var lastSign = Instant(nanoseconds: 0)
        /// Items that it ended.
        var ended = 0
        /// It gets nothing more.
        var isDraining = false
        /// It was told to end at once.
        var isKilled = false
        /// It has a suspect: it gets no other.
        var hasSuspect = false
        fileprivate(set) var oldest = WorkerTable.none
        fileprivate var youngest = WorkerTable.none

        var isInService: Bool { !isDraining && !isKilled }
    }

    struct Batch {
        let number: UInt64
        let worker: WorkerNumber
        /// All that were sent; those that ended are known by no table any more.
        let ids: [ItemID]
        /// Items that the worker has not told the end of.
        var left: Int
        /// How many of those are cancelled.
        var cancelled = 0
        /// Items that failed with the batch and wait for its end.
        var parted = 0
        let sent: Instant
        let isSuspect: Bool
        /// Every item that ended was answered.
        var isWhole = true
        /// Since when nobody wants it.
        var unwantedSince: Instant?
        fileprivate var previous = WorkerTable.none
        fileprivate(set) var next = WorkerTable.none

        /// Nobody wants what its worker goes on with.
        var isUnwanted: Bool { left > 0 && left == cancelled }
    }

    static let none = -1

    var workers: [Worker] = []
    var batches: [Batch] = []
    private var freeBatches: [Int] = []
    private var lastBatch: UInt64 = 0

    /// Batches that are not over.
    var batchesInHand: Int { batches.count - freeBatches.count }
    var inService: Int { workers.reduce(0) { $1.isInService ? $0 + 1 : $0 } }

    /// Batches that those in service work on at one time.
    var lanes: Int { workers.reduce(0) { $1.isInService ? $0 + $1.capacity.concurrent : $0 } }

    func index(of number: WorkerNumber) -> Int? { workers.firstIndex { $0.number == number } }

    mutating func add(_ number: WorkerNumber, _ capacity: WorkerCapacity) {
        workers.append(Worker(number: number, capacity: capacity))
    }

    /// The one of those in service that has least to do and may have another batch, `ahead` of its time or at once.
    func leastBusy(ahead: Int = 0, sparingSuspects: Bool, where isWelcome: (Worker) -> Bool = { _ in true }) -> Int? {
        var best: Int?
        for (index, worker) in workers.enumerated()
        where worker.isInService && worker.inHand < worker.capacity.concurrent + ahead
            && !(sparingSuspects && worker.hasSuspect) && isWelcome(worker)
        {
            if best.map({ worker.inHand < workers[$0].inHand }) ?? true { best = index }
        }
        return best
    }

    // MARK: Batches

    /// The slot that the next batch will have.
    var nextSlot: Int { freeBatches.last ?? batches.count }

    /// `ids` are the worker's from now on, in ``nextSlot``. Answers with the batch's number.
    mutating func give(_ ids: [ItemID], to index: Int, isSuspect: Bool, now: Instant) -> UInt64 {
        lastBatch += 1
        let slot = nextSlot
        var batch = Batch(
            number: lastBatch, worker: workers[index].number, ids: ids, left: ids.count, sent: now,
            isSuspect: isSuspect)
        batch.previous = workers[index].youngest
        if freeBatches.popLast() == nil { batches.append(batch) } else { batches[slot] = batch }
        if batch.previous == Self.none {
            workers[index].oldest = slot
            workers[index].lastProgress = now
        } else {
            batches[batch.previous].next = slot
        }
        workers[index].youngest = slot
        workers[index].inHand += 1
        if isSuspect { workers[index].hasSuspect = true }
        return lastBatch
    }

    /// The batch in `slot` is over.
    mutating func end(_ slot: Int, of index: Int, now: Instant) {
        let (previous, next) = (batches[slot].previous, batches[slot].next)
        if previous == Self.none { workers[index].oldest = next } else { batches[previous].next = next }
        if next == Self.none { workers[index].youngest = previous } else { batches[next].previous = previous }
        workers[index].inHand -= 1
        workers[index].lastProgress = now
        workers[index].lastSign = now
        if batches[slot].isSuspect { workers[index].hasSuspect = false }
        freeBatches.append(slot)
    }

    /// Takes the worker away; answers with the slots of its batches, oldest first. They are free from now on, and hold
    /// what they held until the next batch is given.
    mutating func remove(at index: Int) -> [Int] {
        let slots = slots(of: index)
        freeBatches.append(contentsOf: slots)
        workers.remove(at: index)
        return slots
    }

    /// The slots of the batches that a worker has, oldest first.
    func slots(of index: Int) -> [Int] {
        var slots: [Int] = []
        var slot = workers[index].oldest
        while slot != Self.none {
            slots.append(slot)
            slot = batches[slot].next
        }
        return slots
    }

    /// Whether a worker works on a batch, as far as anybody can tell: the oldest that it has are at work, the others
    /// were sent ahead.
    func isAtWork(_ slot: Int, of index: Int) -> Bool { slotsAtWork(of: index).contains(slot) }

    /// The slots of the batches that it works on, oldest first.
    func slotsAtWork(of index: Int) -> ArraySlice<Int> {
        slots(of: index).prefix(workers[index].capacity.concurrent)
    }

    /// Whether `slot` still holds the batch with this number.
    func isStill(_ number: UInt64, in slot: Int) -> Bool {
        batches[slot].number == number && batches[slot].left > 0
    }
}
