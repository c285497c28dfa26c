public import MartletBase

/// Decides for a group of workers that run the same code: which requests form a batch, which worker gets it and when,
/// and what becomes of them when they are cancelled, when a batch fails and when a worker dies.
///
/// An item's way through it: ``arrived(_:now:)``, then exactly one of
/// - its worker says how it ended: ``finished(_:_:now:)``, unless that is `failedInBatch`: then it is tried again in a
///   smaller batch, forgotten or given up;
/// - `.forget`: it was cancelled, and no worker has it;
/// - `.fail`.
///
/// Free workers pull: there is no queue for each worker, and an idle one never waits for a batch to fill. Only while
/// all are busy does a batch gather. The driver holds one lock around it and carries the actions out in order.
///
/// Workers come by ``ready(_:_:now:)`` and go by ``gone(_:now:)``. While there is none, items wait: their deadlines are
/// their exchanges' business, who cancel them. ``workersInService`` tells the driver that nobody is left, and
/// ``turnAway()`` gives those up who wait when it knows that nobody will come.
///
/// Events that cannot happen are ignored and counted, see ``Impossible``. Events that come too late (for an item that
/// is over, for a worker that is gone) are ignored. Wake-ups may come late, early, twice or for times that no longer
/// matter.
public struct BatchMachine: Sendable {
    /// What was told to the machine although it cannot happen.
    public var impossible = Impossible()

    public let policy: BatchPolicy
    var items = ItemTable()
    var workers = WorkerTable()
    var pace: BatchPace
    var fit = LatencyFit()
    /// Batches that nobody wants, and when their workers are to be killed.
    var unwanted = DeadlineHeap()
    /// The wake-up that is on its way.
    var nextWake = Instant.never
    /// What calling items off saved.
    public var compute = ComputeLedger()
    /// Items that workers told the end of.
    public private(set) var ended = 0
    /// Names those that are tried again together.
    var lastCompany: UInt64 = 0

    let window: Interval
    let killAfter: Interval?
    let objectiveSeconds: Double?

    public init(policy: BatchPolicy) {
        self.policy = policy
        pace = BatchPace(maxAhead: policy.maxAhead)
        window = Interval(policy.window)
        killAfter = policy.killAfter.map { Interval($0) }
        objectiveSeconds = policy.objective?.inSeconds
    }

    // MARK: Items

    /// A request is to be computed.
    public mutating func arrived(_ item: BatchItem, now: Instant) -> [BatchAction] {
        guard now < item.deadline else { return [.fail(item.id, .expired)] }
        if isHopeless(item, now: now) { return [.fail(item.id, .hopeless)] }
        guard items.add(item, now: now) else {
            impossible.note("an item came twice")
            return []
        }
        var actions: [BatchAction] = []
        dispatch(now: now, &actions)
        return actions
    }

    /// Nobody wants the item any more. Ids that are over, or were never known, are ignored.
    public mutating func cancel(_ id: ItemID, now: Instant) -> [BatchAction] {
        guard let slot = items.slot(of: id) else { return [] }
        var actions: [BatchAction] = []
        switch items.entries[slot].place {
        case .waiting:
            compute.spared(.queued)
            items.remove(slot)
            actions.append(.forget(id))
        case .parted(let batch):
            workers.batches[batch].parted -= 1
            items.remove(slot)
            actions.append(.forget(id))
        case .held(let batch):
            guard !items.entries[slot].isCancelled else { return [] }
            items.entries[slot].isCancelled = true
            workers.batches[batch].cancelled += 1
            actions.append(.cancel(workers.batches[batch].worker, [id]))
            if workers.batches[batch].isUnwanted { nobodyWants(batch, now: now, &actions) }
        }
        return actions
    }

    /// A piece of its answer came: it cannot be tried again from now on.
    public mutating func began(_ id: ItemID, now: Instant) {
        guard let slot = items.slot(of: id), case .held(let batch) = items.entries[slot].place else { return }
        items.entries[slot].hasBegun = true
        guard !items.entries[slot].isCancelled, let index = workers.index(of: workers.batches[batch].worker) else {
            return
        }
        workers.workers[index].lastSign = now
    }

    /// Its worker said how the item ended. The driver makes sure that it was that worker: see ``holder(of:)``.
    public mutating func finished(_ id: ItemID, _ outcome: ItemOutcome, now: Instant) -> [BatchAction] {
        guard let slot = items.slot(of: id), case .held(let batch) = items.entries[slot].place else { return [] }
        var actions: [BatchAction] = []
        let entry = items.entries[slot]
        workers.batches[batch].left -= 1
        ended += 1
        if let index = workers.index(of: workers.batches[batch].worker) { workers.workers[index].ended += 1 }
        if entry.isCancelled { workers.batches[batch].cancelled -= 1 }
        if outcome != .answered { workers.batches[batch].isWhole = false }
        if outcome == .answered, entry.isCancelled { compute.wastedOne() }
        if outcome == .failedInBatch, !entry.isCancelled, !entry.hasBegun, workers.batches[batch].ids.count > 1 {
            items.entries[slot].place = .parted(batch: batch)
            workers.batches[batch].parted += 1
        } else {
            items.remove(slot)
            if outcome == .failedInBatch { actions.append(entry.isCancelled ? .forget(id) : .fail(id, .failed)) }
        }
        if workers.batches[batch].left == 0 {
            end(batch, now: now, &actions)
        } else if workers.batches[batch].isUnwanted {
            nobodyWants(batch, now: now, &actions)
        }
        return actions
    }

    // MARK: Workers

    /// A worker can serve.
    public mutating func ready(_ worker: WorkerNumber, _ capacity: WorkerCapacity, now: Instant) -> [BatchAction] {
        guard workers.index(of: worker) == nil else {
            impossible.note("a worker became ready twice")
            return []
        }
        workers.add(worker, capacity)
        var actions: [BatchAction] = []
        dispatch(now: now, &actions)
        return actions
    }

    /// A worker takes so many items in a batch from now on. What it has already stays as it is.
    public mutating func limited(_ worker: WorkerNumber, maxBatch: Int, now: Instant) -> [BatchAction] {
        guard let index = workers.index(of: worker) else { return [] }
        workers.workers[index].capacity.maxBatch = max(maxBatch, 1)
        var actions: [BatchAction] = []
        dispatch(now: now, &actions)
        return actions
    }

    /// Nothing more for the worker; it ends what it has, and what was sent ahead.
    public mutating func drain(_ worker: WorkerNumber) {
        guard let index = workers.index(of: worker) else { return }
        workers.workers[index].isDraining = true
    }

    /// A worker that was to get nothing more serves on.
    public mutating func resume(_ worker: WorkerNumber, now: Instant) -> [BatchAction] {
        guard let index = workers.index(of: worker) else { return [] }
        workers.workers[index].isDraining = false
        var actions: [BatchAction] = []
        dispatch(now: now, &actions)
        return actions
    }

    // MARK: Time

    /// A wake-up came.
    public mutating func woken(now: Instant) -> [BatchAction] {
        if now >= nextWake { nextWake = .never }
        var actions: [BatchAction] = []
        killOverdue(now: now, &actions)
        dispatch(now: now, &actions)
        return actions
    }

    /// Gives up all that wait: nobody will come.
    public mutating func turnAway() -> [BatchAction] {
        items.allWaiting.map { id in
            if let slot = items.slot(of: id) { items.remove(slot) }
            return .fail(id, .noWorker)
        }
    }
}

// MARK: - What others see of it

extension BatchMachine {
    /// Nothing waits, and no worker has anything.
    public var isAtRest: Bool { items.count == 0 && workers.batchesInHand == 0 }

    /// Items that wait for a worker.
    public var waiting: Int { items.waiting + items.waitingSuspects }

    /// Items that workers have, those that were cancelled and have not ended included.
    public var inHand: Int { items.count - waiting }

    /// Workers that may be sent something.
    public var workersInService: Int { workers.inService }

    /// Whether the worker may be sent something.
    public func isInService(_ worker: WorkerNumber) -> Bool {
        workers.index(of: worker).map { workers.workers[$0].isInService } ?? false
    }

    /// Items that the group can hold to advantage: a batch for each that its workers work on, those that are sent ahead
    /// of time, and as many again that gather meanwhile.
    public var room: Int {
        workers.workers.reduce(0) { room, worker in
            guard worker.isInService else { return room }
            let batches = worker.capacity.concurrent * 2 + pace.ahead
            return room + batches * min(worker.capacity.maxBatch, policy.maxBatch)
        }
    }

    /// When the one came that waits longest; nil when nobody waits.
    public var oldestArrival: Instant? {
        [items.oldestArrival, items.oldestSuspectArrival].compactMap { $0 }.min()
    }

    /// Which worker has the item; nil when it waits or is over.
    public func holder(of id: ItemID) -> WorkerNumber? {
        guard let slot = items.slot(of: id), case .held(let batch) = items.entries[slot].place else { return nil }
        return workers.batches[batch].worker
    }

    /// Items that the worker told the end of; nil: it is not there.
    public func ended(by worker: WorkerNumber) -> Int? {
        workers.index(of: worker).map { workers.workers[$0].ended }
    }

    /// Workers that may be sent something and have nothing.
    public var idleWorkers: Int { workers.workers.count { $0.isInService && $0.inHand == 0 } }

    /// With how many, itself included, a worker has the item.
    public func batchSize(of id: ItemID) -> Int {
        guard let slot = items.slot(of: id), case .held(let batch) = items.entries[slot].place else { return 1 }
        return workers.batches[batch].ids.count
    }

    /// Whether the worker has nothing; true for one that is not there.
    public func isIdle(_ worker: WorkerNumber) -> Bool {
        workers.index(of: worker).map { workers.workers[$0].inHand == 0 } ?? true
    }

    /// Whether the worker's silence is no sign that it hangs: it works, and on something that is not late. A call that
    /// holds the interpreter's lock answers nobody while it lasts.
    public func isExcused(_ worker: WorkerNumber, now: Instant) -> Bool {
        guard let index = workers.index(of: worker) else { return false }
        return workers.slotsAtWork(of: index).contains { batch in
            workers.batches[batch].ids.contains { id in
                items.slot(of: id).map { items.entries[$0].item.deadline > now } ?? false
            }
        }
    }
}
