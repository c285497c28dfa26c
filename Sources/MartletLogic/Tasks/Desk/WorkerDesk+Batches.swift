import MartletBase

/// The tasks of one name and priority step that wait for others to be run with.
struct BatchLine: Sendable {
    struct Key: Hashable, Comparable, Sendable {
        var name: String
        var step: Int

        static func < (lhs: Key, rhs: Key) -> Bool { (lhs.step, lhs.name) < (rhs.step, rhs.name) }
    }

    /// Those that left before their turn stay in until it comes.
    var waiting = FairQueue<DeliveryID>()
    /// Of those that did not leave.
    var count = 0
    /// Begins by then though it is not full; nil: nobody waits, or nobody looked since.
    var dueAt: Instant?
    /// The one that waits for a slot, for the others of its batch too; it may have left.
    var called: DeliveryID?
}

/// A batch that runs. Its slot is the first one's, who ends last.
struct RunningBatch: Sendable {
    /// The first among them.
    var members: [DeliveryID]
    /// Nobody wants any of its results, and the driver knows it.
    var isStopped = false
}

/// Tasks that are run together. One of them waits for a slot in turn with others, once the batch is full or its time is
/// over; whoever waits for the same by then comes along. Each is its own message to the end: its lease, its
/// revocation, its settlement.
extension WorkerDesk {
    /// Those that run with it, itself first; it alone where it is run by itself.
    public func batch(of first: DeliveryID) -> [DeliveryID] { batches[first]?.members ?? [first] }

    /// Tasks that wait for others to be run with.
    var batchedCount: Int { batchLines.values.reduce(0) { $0 + $1.count } }

    /// Nil: it is run by itself; so is what is acknowledged before its run, each for itself.
    private func batchRule(of arrival: TaskArrival) -> BatchRule? {
        guard arrival.deliveries <= BatchRule.sharedDeliveries, let rules = rules[arrival.name], rules.acksLate else {
            return nil
        }
        return rules.batch
    }

    private static func batchKey(of arrival: TaskArrival) -> BatchLine.Key {
        BatchLine.Key(name: arrival.name, step: stepIndex(of: arrival.priority))
    }

    // MARK: Waiting

    /// False: it is to wait for a slot of its own.
    mutating func joinBatch(_ id: DeliveryID, _ arrival: TaskArrival) -> Bool {
        guard batchRule(of: arrival) != nil else { return false }
        let key = Self.batchKey(of: arrival)
        batchLines[key, default: BatchLine()].waiting.add(id, key: arrival.key ?? "", weight: arrival.weight)
        batchLines[key]?.count += 1
        entries[id]?.phase = .waitsForBatch
        return true
    }

    /// It waits no more; it is passed over when its turn comes.
    mutating func leaveBatchLine(_ arrival: TaskArrival) { batchLines[Self.batchKey(of: arrival)]?.count -= 1 }

    /// Has the first of each batch that is full, or has waited long enough, wait for a slot.
    mutating func callBatches(now: Instant) {
        for key in batchLines.keys.sorted() {
            guard let line = batchLines[key], !isCalled(line) else { continue }
            guard line.count > 0 else {
                batchLines[key] = nil
                continue
            }
            // Nobody knows the name any more: they wait for nobody.
            let rule = rules[key.name]?.batch ?? BatchRule(size: 1, timeout: .zero)
            let dueAt = line.dueAt ?? now + rule.timeout
            batchLines[key]?.dueAt = dueAt
            guard line.count >= rule.size || dueAt <= now, let first = nextInLine(key),
                let arrival = entries[first]?.arrival
            else { continue }
            batchLines[key]?.called = first
            enqueue(first, arrival)
        }
    }

    private func isCalled(_ line: BatchLine) -> Bool {
        line.called.map { entries[$0]?.phase == .ready } ?? false
    }

    /// Takes the one out whose turn it is.
    private mutating func nextInLine(_ key: BatchLine.Key) -> DeliveryID? {
        while let id = batchLines[key]?.waiting.popFirst() {
            guard entries[id]?.phase == .waitsForBatch else { continue }
            batchLines[key]?.count -= 1
            if batchLines[key]?.count == 0 { batchLines[key]?.dueAt = nil }
            return id
        }
        return nil
    }

    /// When a batch is full enough because its time is over; `.never`: none waits for that.
    var nextBatch: Instant {
        batchLines.values.reduce(.never) { earliest, line in
            isCalled(line) ? earliest : min(earliest, line.dueAt ?? .never)
        }
    }

    // MARK: Taking

    /// What is taken beyond the slots, so that the batches that were begun with can be full: one for each where a slot
    /// is free, and as many ahead as are for single tasks.
    var batchRoom: Int {
        batchLines.reduce(0) { sum, line in
            let isCalled = isCalled(line.value)
            let batches = (running < slots ? 1 : 0) + batchesAhead
            let size = rules[line.key.name]?.batch?.size ?? 1
            let missing = max(size * batches - line.value.count - (isCalled ? 1 : 0), 0)
            // One that has not been called is to have a slot that nobody else is taken for.
            return sum + missing - (isCalled ? 0 : 1)
        }
    }

    private var batchesAhead: Int { slots * max(policy.prefetch - 1, 0) }

    private func kept(of key: BatchLine.Key) -> Int { batchesAhead * (rules[key.name]?.batch?.size ?? 1) }

    /// Whether more wait for others than may be taken ahead.
    var hasSurplusInBatches: Bool { batchLines.contains { $0.value.count > kept(of: $0.key) } }

    /// Takes out those that wait though no more may be taken ahead; the oldest first.
    mutating func surplusOfBatches() -> [DeliveryID] {
        var surplus: [DeliveryID] = []
        for key in batchLines.keys.sorted() {
            var waiting: [DeliveryID] = []
            let dueAt = batchLines[key]?.dueAt
            while let id = nextInLine(key) { waiting.append(id) }
            let kept = min(kept(of: key), waiting.count)
            for id in waiting[..<kept] {
                if let arrival = entries[id]?.arrival { _ = joinBatch(id, arrival) }
            }
            if kept > 0 { batchLines[key]?.dueAt = dueAt }
            surplus += waiting[kept...]
        }
        return surplus.sorted()
    }

    // MARK: Running

    /// It has a slot. Whoever waits to be run with it comes along; false: it is run by itself.
    mutating func beginBatch(
        _ first: DeliveryID, _ arrival: TaskArrival, now: TaskTime, _ actions: inout [DeskAction]
    ) -> Bool {
        guard let rule = batchRule(of: arrival) else { return false }
        var members = [first]
        let key = Self.batchKey(of: arrival)
        while members.count < rule.size, let id = nextInLine(key) {
            guard let entry = entries[id], isOfUse(entry, now: now, &actions) else { continue }
            entries[id]?.phase = .running
            counts.started += 1
            members.append(id)
        }
        for id in members { entries[id]?.batch = first }
        batches[first] = RunningBatch(members: members)
        run(first, &actions)
        return true
    }

    /// The shortest limits of its members hold for all of them, from the time that the first begins.
    mutating func startedInBatch(_ id: DeliveryID, _ first: DeliveryID, now: TaskTime) {
        entries[id]?.startedAt = now
        guard id == first, let arrival = entries[id]?.arrival else {
            let hard = entries[first]?.hardLimit
            entries[id]?.hardLimit = hard
            return
        }
        var limited = arrival
        let all = batch(of: first).compactMap { entries[$0]?.arrival }.map { limits(of: $0) }
        // None: whatever the rules say holds for none of them.
        limited.softLimit = all.compactMap(\.soft).min() ?? 0
        limited.hardLimit = all.compactMap(\.hard).min() ?? 0
        limit(id, limited, now: now.instant)
    }

    /// One of a batch is over. Those that are left when the first one is were not run to an end.
    mutating func endedInBatch(_ id: DeliveryID, _ end: RunEnd, now: TaskTime) -> [DeskAction] {
        var actions: [DeskAction] = []
        guard let first = entries[id]?.batch else { return [] }
        if id == first {
            for member in batch(of: first).dropFirst() where entries[member]?.phase == .running {
                conclude(member, .stopped, now: now, &actions)
            }
            if let entry = entries[id] { learn(entry, end, among: batch(of: first).count, now: now.instant) }
            batches[first] = nil
        }
        conclude(id, end, now: now, &actions)
        advance(now: now, &actions)
        return actions
    }

    private mutating func conclude(_ id: DeliveryID, _ end: RunEnd, now: TaskTime, _ actions: inout [DeskAction]) {
        guard let entry = entries[id] else { return }
        if entry.batch == id { freeSlot(of: id, now: now) } else { leaveKey(entry, now: now) }
        guard !entry.isAbandoned else { return forget(id, &actions) }
        // It could not be ended by itself: its result is not wanted.
        settle(id, settlement(of: entry, entry.kill == .revoked ? .stopped : end, now: now), &actions)
    }

    // MARK: Ending from outside

    /// A revocation is for the one, everything else for all of its batch. The call goes on as long as somebody wants a
    /// result of it.
    mutating func killInBatch(
        _ id: DeliveryID, _ first: DeliveryID, _ reason: KillReason, _ actions: inout [DeskAction]
    ) {
        for member in reason == .revoked ? [id] : batch(of: first) {
            guard let entry = entries[member], entry.phase == .running, entry.kill == nil, !entry.isAbandoned else {
                continue
            }
            entries[member]?.kill = reason
        }
        stopBatch(first, .kill(first, reason), &actions)
    }

    /// The lease of one is lost.
    mutating func abandonInBatch(_ first: DeliveryID, _ actions: inout [DeskAction]) {
        stopBatch(first, .abandon(first), &actions)
    }

    private mutating func stopBatch(_ first: DeliveryID, _ action: DeskAction, _ actions: inout [DeskAction]) {
        guard let batch = batches[first], !batch.isStopped else { return }
        let isWanted = batch.members.contains { id in
            entries[id].map { $0.phase == .running && $0.kill == nil && !$0.isAbandoned } ?? false
        }
        guard !isWanted else { return }
        batches[first]?.isStopped = true
        actions.append(action)
    }
}
