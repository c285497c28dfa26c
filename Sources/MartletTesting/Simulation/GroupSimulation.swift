import MartletBase
import MartletLogic

/// One seed's life of a worker group in simulated time: items that fail their batch, that kill their worker, that are
/// cancelled in every phase; workers that come, drain, ask for less, die; wake-ups that are late, early or too many.
///
/// The ``BatchMachine`` decides; the simulation drives it as a group does, and its ``GroupBooks`` note whatever
/// disagrees. The same seed lives the same life.
package struct GroupSimulation {
    private var random: SplitMix64
    private var now = Instant(nanoseconds: 1_000_000_000_000)
    private var machine: BatchMachine
    private var books: GroupBooks
    private var wakeAt = Instant.never
    private var lastItem: UInt64 = 0
    /// Nanoseconds that a batch usually takes.
    private let batchTime: Int
    private let steps = 300

    package init(seed: UInt64) {
        var random = SplitMix64(seed: seed)
        func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }
        var policy = BatchPolicy()
        policy.maxBatch = [1, 2, 4, 16, .max][draw(5)]
        policy.maxBytes = [50, 500, 1 << 20][draw(3)]
        policy.maxWeight = [nil, 8, 100][draw(3)]
        policy.window = [.zero, .microseconds(100), .milliseconds(5)][draw(3)]
        policy.triesAgainAfterCrash = draw(4) > 0
        policy.killAfter = draw(2) == 0 ? nil : .milliseconds(50)
        policy.objective = draw(4) == 0 ? .milliseconds(20) : nil
        policy.maxAhead = [0, 2, 16][draw(3)]
        machine = BatchMachine(policy: policy)
        books = GroupBooks(policy)
        batchTime = [20_000, 200_000, 5_000_000][draw(3)]
        self.random = random
    }

    package var met: GroupCounts { books.met }

    /// Lives the life to its end; answers what was wrong with it.
    package mutating func run() -> [String] {
        for _ in 0..<steps where books.problems.isEmpty { step() }
        rest()
        return books.problems
    }

    private mutating func step() {
        pass()
        switch draw(100) {
        case 0..<35: arrive()
        case 35..<75: work()
        case 75..<85: cancel()
        case 85..<88: begin()
        case 88..<92: addWorker()
        case 92: die(anyWorker())
        case 93: drain()
        case 94: limit()
        case 95: apply(machine.woken(now: now))
        case 96: stray()
        case 97: if oneIn(10) { apply(machine.turnAway()) }
        default: checkExcuse()
        }
        books.audit(machine, now: now)
    }

    /// Time goes by, and brings the wake-up that was asked for, or does not yet.
    private mutating func pass() {
        now = now + .nanoseconds(oneIn(40) ? draw(60_000_000) : draw(batchTime))
        if now >= wakeAt, !oneIn(4) {
            wakeAt = .never
            apply(machine.woken(now: now))
        }
        for number in numbers where books.workers[number]?.isKilled == true && !oneIn(3) { die(number) }
    }

    // MARK: Items

    private mutating func arrive() {
        lastItem += 1
        let priority = PriorityClass.allCases[draw(3)]
        let deadline = oneIn(5) ? now + .nanoseconds(draw(10_000_000)) : .never
        let item = BatchItem(
            id: ItemID(lastItem), bytes: draw(60), weight: draw(6), priority: priority, deadline: deadline)
        books.items[item.id] = SimulatedItem(item: item, isBad: oneIn(30), isDeadly: oneIn(60))
        apply(machine.arrived(item, now: now))
    }

    private mutating func cancel() {
        guard let id = anyItem(where: { _ in true }), let item = books.items[id] else { return }
        books.items[id]?.isCancelled = true
        if case .held(let number) = item.place { books.settle(number, now: now) }
        let actions = machine.cancel(id, now: now)
        let expected: BatchAction? =
            switch item.place {
            case .waiting, .parted: .forget(id)
            case .held(let number): item.isCancelled ? nil : .cancel(number, [id])
            }
        if actions.first != expected { books.note("\(id) was cancelled: \(actions)") }
        apply(actions)
    }

    private mutating func begin() {
        guard let id = anyItem(where: { if case .held = $0.place { true } else { false } }) else { return }
        books.items[id]?.hasBegun = true
        machine.began(id, now: now)
    }

    /// Events for items and workers that nobody knows (any more).
    private mutating func stray() {
        let unknown = ItemID(lastItem + 1_000)
        if !machine.cancel(unknown, now: now).isEmpty || machine.holder(of: unknown) != nil {
            books.note("an unknown item is known")
        }
        if let waiting = anyItem(where: { $0.place == .waiting }) {
            machine.began(waiting, now: now)
            if !machine.finished(waiting, .answered, now: now).isEmpty { books.note("one that waits has ended") }
        }
        apply(machine.finished(unknown, .failedInBatch, now: now) + machine.gone(WorkerNumber(99), now: now))
    }

    // MARK: Workers

    private mutating func addWorker() {
        let number = WorkerNumber(draw(4))
        guard books.workers[number] == nil else { return }
        let capacity = WorkerCapacity(maxBatch: draw(8) + 1, concurrent: oneIn(3) ? draw(4) + 1 : 1)
        books.workers[number] = SimulatedWorker(capacity: capacity)
        apply(machine.ready(number, capacity, now: now))
    }

    /// A worker ends one of the batches that it works on, or a part of it.
    private mutating func work() {
        guard let number = anyWorker(), let worker = books.workers[number], !worker.batches.isEmpty else { return }
        let batch = worker.batches[draw(min(worker.batches.count, worker.capacity.concurrent))]
        let wanted = batch.left.compactMap { books.items[$0] }.filter { !$0.isCancelled }
        if wanted.contains(where: \.isDeadly) { return die(number) }
        let isBad = wanted.contains(where: \.isBad)
        if isBad, batch.ids.count > 1 { books.met.splits += 1 }
        let isWhole = !oneIn(4)
        for id in batch.left.shuffled(using: &random) where isWhole || oneIn(2) {
            let isCancelled = books.items[id]?.isCancelled ?? false
            let outcome: ItemOutcome =
                if isBad, !isCancelled || oneIn(2) {
                    .failedInBatch
                } else if isCancelled, oneIn(2) {
                    .givenUp
                } else {
                    oneIn(20) ? .failed : .answered
                }
            end(id, outcome, by: number)
        }
        if worker.isDraining, books.workers[number]?.batches.isEmpty == true { die(number) }
    }

    private mutating func end(_ id: ItemID, _ outcome: ItemOutcome, by number: WorkerNumber) {
        guard let item = books.items[id], var worker = books.workers[number],
            let batch = worker.batches.firstIndex(where: { $0.left.contains(id) })
        else { return }
        if machine.holder(of: id) != number { books.note("\(id) is not with \(number)") }
        let isAlone = worker.batches[batch].ids.count == 1
        worker.batches[batch].left.removeAll { $0 == id }
        books.workers[number] = worker
        if outcome != .failedInBatch {
            books.ended(id)
        } else if !isAlone, !item.isCancelled, !item.hasBegun {
            books.items[id]?.place = .parted(number)
        }
        books.settle(number, now: now)
        apply(machine.finished(id, outcome, now: now))
    }

    private mutating func die(_ number: WorkerNumber?) {
        guard let number, let worker = books.workers.removeValue(forKey: number) else { return }
        books.met.crashes += 1
        for (position, batch) in worker.batches.enumerated() {
            for id in batch.left {
                let isAtWork = position < worker.capacity.concurrent && !worker.isKilled
                if isAtWork, books.items[id]?.isCancelled == false { books.items[id]?.deaths += 1 }
                books.items[id]?.place = .waiting
            }
            for id in batch.ids where books.items[id]?.place == .parted(number) { books.items[id]?.place = .waiting }
        }
        apply(machine.gone(number, now: now))
    }

    private mutating func drain() {
        guard let number = anyWorker() else { return }
        books.workers[number]?.isDraining = true
        machine.drain(number)
        if books.workers[number]?.batches.isEmpty == true { die(number) }
    }

    private mutating func limit() {
        guard let number = anyWorker() else { return }
        let maxBatch = draw(8)
        books.workers[number]?.capacity.maxBatch = max(maxBatch, 1)
        apply(machine.limited(number, maxBatch: maxBatch, now: now))
    }

    private mutating func checkExcuse() {
        guard let number = anyWorker(), let worker = books.workers[number] else { return }
        let isExcused = worker.batches.prefix(worker.capacity.concurrent).flatMap(\.left).contains {
            books.items[$0].map { $0.item.deadline > now } ?? false
        }
        // Items that failed with their batch count while it is not over.
        if isExcused, !machine.isExcused(number, now: now) { books.note("\(number) is not excused") }
        let isExcusedForNothing = worker.batches.isEmpty && machine.isExcused(number, now: now)
        if isExcusedForNothing { books.note("\(number) is excused for nothing") }
        if machine.isIdle(number) != worker.batches.isEmpty { books.note("\(number) is idle, or is not") }
    }

    // MARK: Driving

    private mutating func apply(_ actions: [BatchAction]) {
        for action in actions {
            switch action {
            case .send(let number, let batch, let ids): books.sent(ids, to: number, batch: batch, now: now)
            case .cancel(let number, let ids):
                for id in ids where books.items[id]?.place != .held(number) {
                    books.note("\(id) is not with \(number)")
                }
            case .forget(let id): books.forgotten(id)
            case .fail(let id, let failure): books.failed(id, failure, now: now)
            case .kill(let number): books.killed(number, now: now)
            case .wake(let instant):
                if instant < now { books.note("a wake-up in the past") }
                wakeAt = instant
            }
        }
    }

    /// Everything ends: there are workers until nothing is left.
    private mutating func rest() {
        var turns = 0
        while !books.items.isEmpty, books.problems.isEmpty {
            turns += 1
            if turns > 20_000 { return books.note("it never ends: \(books.items.count) left") }
            pass()
            addWorker()
            work()
            books.audit(machine, now: now)
        }
        for number in numbers { die(number) }
        if !machine.isAtRest || machine.waiting != 0 || machine.inHand != 0 { books.note("something is held at rest") }
    }

    // MARK: Chance

    private mutating func draw(_ count: Int) -> Int { Int(random.next() % UInt64(count)) }

    private mutating func oneIn(_ count: Int) -> Bool { draw(count) == 0 }

    private var numbers: [WorkerNumber] { books.workers.keys.sorted { $0.rawValue < $1.rawValue } }

    private mutating func anyWorker() -> WorkerNumber? { numbers.randomElement(using: &random) }

    private mutating func anyItem(where isMeant: (SimulatedItem) -> Bool) -> ItemID? {
        books.items.values.filter(isMeant).map(\.item.id.rawValue).sorted().randomElement(using: &random)
            .map { ItemID($0) }
    }
}
