public import MartletBase

/// What happens because time passes, and how much may be taken.
extension WorkerDesk {
    /// Time passed.
    public mutating func woken(now: TaskTime) -> [DeskAction] {
        var actions: [DeskAction] = []
        checkLeases(now: now, &actions)
        checkLimits(now: now.instant, &actions)
        if let drainUntil, now.instant >= drainUntil {
            self.drainUntil = nil
            for run in runs { kill(run.id, .drain, &actions) }
        }
        advance(now: now, &actions)
        // What goes back makes room for others of its key, who are as stuck.
        while stuckAt <= now.instant { handBackStuck(now: now, &actions) }
        return actions
    }

    /// When ``woken(now:)`` is next to be called, at the latest; `.never`: nothing happens by itself.
    public func nextWake(now: TaskTime) -> Instant {
        var next = min(leaseCheck, limits.earliest?.deadline ?? .never, drainUntil ?? .never, stuckAt)
        if let eta = scheduled.earliest { next = min(next, now.instant(ofWall: eta)) }
        // Whoever waits for a slot as well is looked at when one is free.
        for name in throttled where running < slots {
            next = min(next, rates[name]?.bucket.next(now: now.instant) ?? .never)
        }
        return min(next, nextRateQuestion(now: now.instant), nextKeyQuestion(now: now.instant), nextBatch)
    }

    // MARK: Time limits

    mutating func limit(_ id: DeliveryID, _ arrival: TaskArrival, now: Instant) {
        let (soft, hard) = limits(of: arrival)
        entries[id]?.hardLimit = hard
        if let soft, soft < hard ?? .infinity {
            let time = now + .seconds(min(soft, Self.longestLimit))
            entries[id]?.softAt = time
            limits.insert(.init(deadline: time, slot: 0, sequence: id.rawValue))
        }
        if let hard {
            let time = now + .seconds(min(hard, Self.longestLimit))
            entries[id]?.hardAt = time
            limits.insert(.init(deadline: time, slot: 1, sequence: id.rawValue))
        }
        if limits.count > 4 * runs.count + 64 {
            let entries = entries
            limits.compact { Self.isPending($0, entries) }
        }
    }

    /// In seconds; nil: none.
    func limits(of arrival: TaskArrival) -> (soft: Double?, hard: Double?) {
        let rules = rules[arrival.name]
        return (
            Self.limit(arrival.softLimit, rules?.softLimit, policy.softLimit),
            Self.limit(arrival.hardLimit, rules?.hardLimit, policy.hardLimit)
        )
    }

    /// In seconds; a hundred years stand for more.
    private static let longestLimit = 3.2e9

    /// The first that is a limit; none that is not above zero is one.
    private static func limit(_ candidates: Double?...) -> Double? {
        candidates.compactMap { $0 }.first.flatMap { $0 > 0 ? $0 : nil }
    }

    private static func isPending(_ limit: DeadlineHeap.Entry, _ entries: [DeliveryID: Entry]) -> Bool {
        guard let entry = entries[DeliveryID(limit.sequence)], entry.phase == .running else { return false }
        return (limit.slot == 0 ? entry.softAt : entry.hardAt) == limit.deadline
    }

    private mutating func checkLimits(now: Instant, _ actions: inout [DeskAction]) {
        while let limit = limits.earliest, limit.deadline <= now {
            limits.removeEarliest()
            guard Self.isPending(limit, entries) else { continue }
            let id = DeliveryID(limit.sequence)
            // Of a batch the others may still be wanted.
            guard let entry = entries[id], entry.batch != nil || entry.kill == nil && !entry.isAbandoned else {
                continue
            }
            if limit.slot == 0 {
                actions.append(.soft(id))
            } else {
                kill(id, .timeLimit(entry.hardLimit ?? 0), &actions)
            }
        }
    }

    /// Ends a run from outside, once.
    mutating func kill(_ id: DeliveryID, _ reason: KillReason, _ actions: inout [DeskAction]) {
        if let batch = entries[id]?.batch { return killInBatch(id, batch, reason, &actions) }
        guard let entry = entries[id], entry.kill == nil, !entry.isAbandoned else { return }
        switch entry.phase {
        case .running:
            entries[id]?.kill = reason
            actions.append(.kill(id, reason))
        // Nothing runs yet: it is looked at when it is acknowledged.
        case .acknowledging: entries[id]?.kill = reason
        case .scheduled, .waitsForKey, .waitsForRate, .waitsForPlace, .waitsForBatch, .ready, .settling: return
        }
    }

    // MARK: Room

    /// How many messages can be taken now.
    func room(now: TaskTime) -> Int {
        guard !isDraining, !queues.isEmpty, slots > 0 else { return 0 }
        let taken = running + readyCount + asked + placesAskedFor
        let free = slots - taken + aheadRoom(now: now.instant) + batchRoom
        return min(free, policy.maximumBlocked - blockedCount - asked, max(policy.maximumAhead / 2, slots))
    }

    /// What is taken although it has no slot.
    private func aheadRoom(now: Instant) -> Int {
        let prefetched = slots * max(policy.prefetch - 1, 0)
        guard let meanSeconds, ahead.nanoseconds > 0 else { return prefetched }
        // A slot whose task takes its time will not serve others soon.
        let slow = runs.prefix { $0.since + ahead <= now }.count
        let seconds = Double(ahead.nanoseconds) / 1e9
        let quick = Double(max(slots - slow, 0)) * seconds / max(meanSeconds, 1e-6)
        return max(prefetched, Int(min(quick, Double(policy.maximumAhead))))
    }

    /// When those that wait for slots have waited too long: all slots are taken by tasks that take their time.
    private var stuckAt: Instant {
        guard readyCount > slots * max(policy.prefetch - 1, 0) || hasSurplusInBatches, let last = runs.last,
            running >= slots
        else { return .never }
        return last.since + patience
    }

    /// What was taken ahead of time goes back to where others can take it; the youngest first, so that the oldest is at
    /// the head again.
    private mutating func handBackStuck(now: TaskTime, _ actions: inout [DeskAction]) {
        var waiting: [DeliveryID] = []
        while let id = nextReady() { waiting.append(id) }
        let kept = min(slots * max(policy.prefetch - 1, 0), waiting.count)
        for id in waiting[..<kept] {
            if let arrival = entries[id]?.arrival { enqueue(id, arrival) }
        }
        let surplus = waiting[kept...] + surplusOfBatches()
        for id in surplus {
            if let entry = entries[id] { leaveKey(entry, now: now) }
        }
        handBack(surplus.reversed(), &actions)
        callBatches(now: now.instant)
    }
}
