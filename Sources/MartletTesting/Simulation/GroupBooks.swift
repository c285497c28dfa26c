import MartletBase
import MartletLogic

/// One item of a simulated group.
struct SimulatedItem {
    enum Place: Equatable {
        case waiting
        case held(WorkerNumber)
        /// Its batch failed, and others of it have not ended.
        case parted(WorkerNumber)
    }

    let item: BatchItem
    /// The call for a batch with it fails.
    let isBad: Bool
    /// Its worker dies of it.
    let isDeadly: Bool
    var place = Place.waiting
    /// It was never sent.
    var isFresh = true
    var isCancelled = false
    var hasBegun = false
    /// Workers that died while they worked on it.
    var deaths = 0
}

/// One worker of a simulated group, and what it has.
struct SimulatedWorker {
    struct Batch {
        let number: UInt64
        let ids: [ItemID]
        /// Those whose end it has not told.
        var left: [ItemID]
        /// Since when nobody wants those.
        var unwantedSince: Instant?
    }

    var capacity: WorkerCapacity
    var batches: [Batch] = []
    var isDraining = false
    var isKilled = false

    var isInService: Bool { !isDraining && !isKilled }
    var hasRoom: Bool { isInService && batches.count < capacity.concurrent }
}

/// The simulated group's own books, beside those of its ``BatchMachine``: who waits, who has what, and how each item
/// ended.
struct GroupBooks {
    let policy: BatchPolicy
    var items: [ItemID: SimulatedItem] = [:]
    var workers: [WorkerNumber: SimulatedWorker] = [:]
    var met = GroupCounts()
    private(set) var problems: [String] = []

    init(_ policy: BatchPolicy) { self.policy = policy }

    mutating func note(_ problem: String) {
        if problems.count < 10 { problems.append(problem) }
    }

    /// An item is over; this must come once for each.
    mutating func ended(_ id: ItemID) {
        if items.removeValue(forKey: id) == nil { note("\(id) ended twice") }
        met.ends += 1
    }

    // MARK: Sending

    mutating func sent(_ ids: [ItemID], to number: WorkerNumber, batch: UInt64, now: Instant) {
        guard let worker = workers[number], worker.isInService else { return note("\(number) is not in service") }
        if worker.batches.count >= worker.capacity.concurrent + policy.maxAhead { note("\(number) has too much") }
        if worker.batches.count >= worker.capacity.concurrent { met.ahead += 1 }
        judgeBounds(of: ids, for: worker)
        judgeSuspects(among: ids, for: worker)
        judgeTurns(of: ids)
        for id in ids {
            guard let item = items[id], item.place == .waiting else {
                note("\(id) was sent, but does not wait")
                continue
            }
            if item.isCancelled { note("\(id) was sent, but is cancelled") }
            if item.item.deadline <= now { note("\(id) was sent, but is late") }
            items[id]?.place = .held(number)
            items[id]?.isFresh = false
        }
        met.batches += 1
        workers[number]?.batches.append(.init(number: batch, ids: ids, left: ids))
    }

    private mutating func judgeBounds(of ids: [ItemID], for worker: SimulatedWorker) {
        let sent = ids.compactMap { items[$0]?.item }
        if Set(ids).count != ids.count || ids.isEmpty { note("a batch is empty, or has an item twice") }
        if ids.count > min(policy.maxBatch, worker.capacity.maxBatch) { note("a batch has too many items") }
        guard ids.count > 1 else { return }
        met.fullBatches += 1
        if sent.reduce(0, { $0 + $1.bytes }) > policy.maxBytes { note("a batch has too many bytes") }
        if sent.reduce(0, { $0 + $1.weight }) > policy.maxWeight ?? .max { note("a batch weighs too much") }
    }

    private mutating func judgeSuspects(among ids: [ItemID], for worker: SimulatedWorker) {
        guard ids.contains(where: { items[$0]?.deaths ?? 0 > 0 }) else { return }
        if ids.count > 1 { note("a suspect is not alone") }
        if worker.batches.joinedLeft.contains(where: { items[$0]?.deaths ?? 0 > 0 }) {
            note("two suspects are with one worker")
        }
    }

    /// Within a class, those that were never sent go in the order of their arrival.
    private mutating func judgeTurns(of ids: [ItemID]) {
        for id in ids {
            guard let item = items[id], item.isFresh else { continue }
            let isOvertaken = items.values.contains {
                $0.place == .waiting && $0.isFresh && $0.item.priority == item.item.priority
                    && $0.item.id.rawValue < id.rawValue && !ids.contains($0.item.id)
            }
            if isOvertaken { note("\(id) overtook one of its class") }
        }
    }

    // MARK: Ends

    mutating func forgotten(_ id: ItemID) {
        if items[id]?.isCancelled != true { note("\(id) was forgotten, but nobody cancelled it") }
        met.forgotten += 1
        ended(id)
    }

    mutating func failed(_ id: ItemID, _ failure: ItemFailure, now: Instant) {
        guard let item = items[id] else { return note("\(id) failed, but is over") }
        let isRight =
            switch failure {
            case .failed: item.isBad || item.hasBegun
            case .crashed: item.hasBegun || !policy.triesAgainAfterCrash
            case .poisoned: item.deaths == 2
            case .expired: item.item.deadline <= now
            case .hopeless: policy.objective != nil && item.isFresh
            case .noWorker: item.place == .waiting
            }
        if !isRight || item.isCancelled { note("\(id) is said to be \(failure.text)") }
        met.failures[failure, default: 0] += 1
        ended(id)
    }

    mutating func killed(_ number: WorkerNumber, now: Instant) {
        guard let killAfter = policy.killAfter, let worker = workers[number], !worker.isKilled else {
            return note("\(number) was killed for nothing")
        }
        let isDue = worker.batches.prefix(worker.capacity.concurrent).contains {
            $0.unwantedSince.map { $0 + killAfter <= now } ?? false
        }
        if !isDue { note("\(number) was killed, but works on what somebody wants") }
        workers[number]?.isKilled = true
        met.kills += 1
    }

    /// What follows when an item of the worker ended or was cancelled: batches that are over leave it, and those that
    /// failed with one that nobody wants any more wait again.
    mutating func settle(_ number: WorkerNumber, now: Instant) {
        guard var worker = workers[number] else { return }
        for index in worker.batches.indices
        where worker.batches[index].left.allSatisfy({ items[$0]?.isCancelled ?? true }) {
            for id in worker.batches[index].ids where items[id]?.place == .parted(number) {
                items[id]?.place = .waiting
            }
            if worker.batches[index].unwantedSince == nil { worker.batches[index].unwantedSince = now }
        }
        worker.batches.removeAll { $0.left.isEmpty }
        workers[number] = worker
    }

    // MARK: Against the machine's

    mutating func audit(_ machine: BatchMachine, now: Instant) {
        let waiting = items.values.filter { $0.place == .waiting }
        if machine.impossible.count > 0 { note("impossible: \(machine.impossible.last)") }
        if machine.waiting != waiting.count { note("\(waiting.count) wait, the machine counts \(machine.waiting)") }
        if machine.inHand != items.count - waiting.count { note("the machine counts \(machine.inHand) in hand") }
        if machine.oldestArrival == nil, !waiting.isEmpty { note("nobody waits longest") }
        if machine.workersInService != workers.values.count(where: \.isInService) { note("other workers serve") }
        if machine.isAtRest != (items.isEmpty && workers.values.allSatisfy(\.batches.isEmpty)) { note("no rest") }
        for item in waiting where item.isCancelled || item.hasBegun || item.deaths > 1 {
            note("\(item.item.id) waits, but should be over")
        }
        auditRoom(waiting)
    }

    private mutating func auditRoom(_ waiting: [SimulatedItem]) {
        let free = workers.values.filter(\.hasRoom)
        if !free.isEmpty, waiting.contains(where: { $0.deaths == 0 }) { note("a worker idles while items wait") }
        let isFreeForSuspects = free.contains { worker in
            !worker.batches.joinedLeft.contains { items[$0]?.deaths ?? 0 > 0 }
        }
        if isFreeForSuspects, waiting.contains(where: { $0.deaths > 0 }) { note("a worker idles while suspects wait") }
    }
}

extension [SimulatedWorker.Batch] {
    /// All items that the batches have left.
    var joinedLeft: [ItemID] { flatMap(\.left) }
}
