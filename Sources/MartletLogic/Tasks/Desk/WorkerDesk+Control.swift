public import MartletBase

/// What operators ask of a worker while it runs.
extension WorkerDesk {
    // MARK: Revoking

    /// The tasks are not to be run, whether they are here, come later or were never sent. With `terminate` runs of them
    /// are ended.
    public mutating func revoke(_ tasks: [String], terminate: Bool, now: TaskTime) -> [DeskAction] {
        for task in tasks { revocations.insert(task, now: now.wall) }
        let revoked = Set(tasks)
        return revoke(terminate: terminate, now: now) { revoked.contains($0.task) }
    }

    /// The same for all tasks that bear one of these stamps (`revoke_by_stamped_headers`).
    public mutating func revoke(
        stamp header: String, _ values: [String], terminate: Bool, now: TaskTime
    ) -> [DeskAction] {
        revocations.insert(stamp: header, values)
        return revoke(terminate: terminate, now: now) { arrival in
            arrival.stamps[header].map { !Set($0).isDisjoint(with: values) } ?? false
        }
    }

    /// Takes over what the broker or other workers know to be revoked, with the end of each in milliseconds since 1970.
    public mutating func adopt(
        revocations known: [(id: String, expires: Int64)], now: TaskTime
    ) -> [DeskAction] {
        for (id, expires) in known { revocations.adopt(id, expires: expires, now: now.wall) }
        let revoked = Set(known.map(\.id))
        return revoke(terminate: false, now: now) { revoked.contains($0.task) }
    }

    private mutating func revoke(
        terminate: Bool, now: TaskTime, where isMeant: (TaskArrival) -> Bool
    ) -> [DeskAction] {
        var actions: [DeskAction] = []
        for id in entries.values.filter({ isMeant($0.arrival) }).map(\.arrival.id).sorted() {
            guard let entry = entries[id] else { continue }
            switch entry.phase {
            case .scheduled, .waitsForKey, .waitsForRate, .waitsForPlace, .waitsForBatch, .ready:
                leaveLines(entry, now: now)
                settle(id, .revoke(expired: false, terminated: false), &actions)
            case .running where terminate: kill(id, .revoked, &actions)
            // One that is being acknowledged is looked at when it is.
            case .running, .acknowledging, .settling: break
            }
        }
        advance(now: now, &actions)
        return actions
    }

    // MARK: Queues

    /// False: it was consumed before.
    public mutating func consume(_ queue: String) -> Bool {
        guard !queues.contains(queue) else { return false }
        queues.append(queue)
        return true
    }

    /// What was taken from it is run. False: it was not consumed.
    public mutating func stopConsuming(_ queue: String) -> Bool {
        guard let index = queues.firstIndex(of: queue) else { return false }
        queues.remove(at: index)
        return true
    }

    // MARK: Slots

    /// `pool_grow`.
    public mutating func grow(by count: Int, now: TaskTime) -> (SlotChange, [DeskAction]) {
        guard autoscale == nil else { return (.autoscaled, []) }
        guard count > 0, count < 1 << 20 else { return (.outOfBounds, []) }
        return (.changed(slots + count), resize(to: slots + count, now: now))
    }

    /// `pool_shrink`. Runs go on; their slots are gone when they end.
    public mutating func shrink(by count: Int) -> SlotChange {
        guard autoscale == nil else { return .autoscaled }
        guard count > 0, count < slots else { return .outOfBounds }
        slots -= count
        return .changed(slots)
    }

    /// `autoscale`: other bounds, or bounds where there were none.
    public mutating func autoscale(max: Int, min: Int, now: TaskTime) -> (SlotChange, [DeskAction]) {
        guard min >= 0, max >= 1, min <= max else { return (.outOfBounds, []) }
        autoscale = min...max
        let actions = resize(to: slots, now: now)
        return (.changed(slots), actions)
    }

    /// So many slots, within the bounds when there are some: what the scaler wants. Runs go on.
    ///
    /// - Parameter least: Instead of the lower bound: a budget comes before it.
    public mutating func resize(to count: Int, least: Int? = nil, now: TaskTime) -> [DeskAction] {
        slots = autoscale.map { min(max(count, least ?? $0.lowerBound), $0.upperBound) } ?? max(count, 0)
        var actions: [DeskAction] = []
        advance(now: now, &actions)
        return actions
    }

    // MARK: Rules

    /// The tasks that can be run here: these, and no others any more. Rates and limits that were set by remote control
    /// are as these say again.
    public mutating func register(_ rules: [TaskRules]) {
        self.rules = Dictionary(rules.map { ($0.name, $0) }) { $1 }
        for name in rates.keys where self.rules[name]?.rateLimit == nil { releaseRate(of: name) }
    }

    /// The rules by which tasks of the name are run; nil: nobody here knows it.
    public func rules(of name: String) -> TaskRules? { rules[name] }

    /// `rate_limit`; nil: no limit. Nil for an answer: nobody here knows the name.
    public mutating func setRate(_ limit: RateLimit?, of name: String, now: TaskTime) -> [DeskAction]? {
        guard rules[name] != nil else { return nil }
        rules[name]?.rateLimit = limit
        if let limit {
            rates[name]?.bucket.adopt(perSecond: limit.perSecond, now: now.instant)
        } else {
            releaseRate(of: name)
        }
        var actions: [DeskAction] = []
        advance(now: now, &actions)
        return actions
    }

    /// `time_limit`, in seconds, for runs that begin from now on; false: nobody here knows the name.
    public mutating func setTimeLimits(soft: Double?, hard: Double?, of name: String) -> Bool {
        guard rules[name] != nil else { return false }
        rules[name]?.softLimit = soft
        rules[name]?.hardLimit = hard
        return true
    }

    /// Whoever waited for the rate waits for a slot now.
    private mutating func releaseRate(of name: String) {
        guard var line = rates.removeValue(forKey: name) else { return }
        throttled.remove(name)
        while let id = line.waiting.first {
            line.waiting.removeFirst()
            guard let entry = entries[id], entry.phase == .waitsForRate else { continue }
            blockedCount -= 1
            joinSharedRate(id, entry.arrival)
        }
    }

    // MARK: Stopping

    /// Takes nothing more, hands back what has not begun, and ends what still runs at `deadline`, which is handed back
    /// too. Asked again, the earlier deadline counts.
    public mutating func drain(until deadline: Instant, now: TaskTime) -> [DeskAction] {
        if isDraining {
            if let drainUntil { self.drainUntil = min(drainUntil, deadline) }
            return []
        }
        isDraining = true
        drainUntil = deadline
        let waiting = entries.values.filter { entry in
            switch entry.phase {
            case .scheduled, .waitsForKey, .waitsForRate, .waitsForPlace, .waitsForBatch, .ready: true
            case .acknowledging, .running, .settling: false
            }
        }
        var actions: [DeskAction] = []
        handBack(waiting.map(\.arrival.id).sorted(by: >), &actions)
        (scheduledCount, readyCount, blockedCount) = (0, 0, 0)
        (keys, rates, throttled, scheduled) = (KeyLanes(), [:], [], DueHeap())
        ready = ready.map { _ in FairQueue() }
        sharedLines = [:]
        batchLines = [:]
        keyLines = [:]
        return actions
    }

    /// Whether it may stop: it takes nothing, and has nothing.
    public var isDrained: Bool { isDraining && entries.isEmpty && asked == 0 }

    /// To the heads of their queues; those whose time has not come, until then.
    mutating func handBack(_ ids: some Sequence<DeliveryID>, _ actions: inout [DeskAction]) {
        for id in ids {
            guard let entry = entries[id] else { continue }
            let isScheduled = entry.phase == .scheduled
            settle(id, isScheduled ? .postpone(eta: entry.arrival.eta ?? 0) : .giveBack(atHead: true), &actions)
        }
    }
}
