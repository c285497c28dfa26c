import MartletBase

/// From the door to a slot: the lines in which tasks wait, one after the other.
extension WorkerDesk {
    // MARK: Joining

    func isRevoked(_ arrival: TaskArrival, now: TaskTime) -> Bool {
        revocations.contains(arrival.task, now: now.wall)
            || !arrival.stamps.isEmpty && revocations.contains(stamps: arrival.stamps)
    }

    func isExpired(_ arrival: TaskArrival, now: TaskTime) -> Bool {
        arrival.expires.map { $0 <= now.wall } ?? false
    }

    /// Whose limit it counts for, and what that is; nil: it has none.
    private func lane(of arrival: TaskArrival) -> (lane: KeyLanes.Lane, limit: Int)? {
        guard let limit = arrival.keyConcurrency ?? rules[arrival.name]?.keyConcurrency else { return nil }
        // What a message says holds for its key, whatever the task; what a task's rules say, for its own.
        let scope = arrival.keyConcurrency == nil ? arrival.name : nil
        return (KeyLanes.Lane(name: scope, key: arrival.key ?? ""), max(limit, 1))
    }

    mutating func joinKey(_ id: DeliveryID, _ arrival: TaskArrival, now: TaskTime) {
        guard let (lane, limit) = lane(of: arrival) else { return joinRate(id, arrival, now: now) }
        entries[id]?.lane = lane
        if keys.enter(lane, id, limit: limit) { return joinRate(id, arrival, now: now) }
        entries[id]?.phase = .waitsForKey
        blockedCount += 1
    }

    private mutating func joinRate(_ id: DeliveryID, _ arrival: TaskArrival, now: TaskTime) {
        guard let limit = rules[arrival.name]?.rateLimit else {
            return joinSharedRate(id, arrival)
        }
        // Taken out, so that the line is not copied.
        var line = rates.removeValue(forKey: arrival.name) ?? RateLine(limit, now: now.instant)
        if line.bucket.perSecond != limit.perSecond {
            line.bucket.adopt(perSecond: limit.perSecond, now: now.instant)
        }
        if line.isEmpty, running + readyCount < slots, line.bucket.take(now: now.instant) {
            rates[arrival.name] = line
            return joinSharedRate(id, arrival)
        }
        line.waiting.append(id)
        rates[arrival.name] = line
        throttled.insert(arrival.name)
        entries[id]?.phase = .waitsForRate
        blockedCount += 1
    }

    mutating func joinReady(_ id: DeliveryID, _ arrival: TaskArrival) {
        if !joinSharedKey(id, arrival) { proceed(id, arrival) }
    }

    mutating func proceed(_ id: DeliveryID, _ arrival: TaskArrival) {
        if !joinBatch(id, arrival) { enqueue(id, arrival) }
    }

    mutating func enqueue(_ id: DeliveryID, _ arrival: TaskArrival) {
        entries[id]?.phase = .ready
        readyCount += 1
        ready[Self.stepIndex(of: arrival.priority)].add(id, key: arrival.key ?? "", weight: arrival.weight)
    }

    /// Celery's steps: 0 to 2, 3 to 5, 6 to 8, 9.
    static func stepIndex(of priority: Int) -> Int { min(max(priority, 0) / 3, steps.count - 1) }

    // MARK: Moving on

    /// Lets everybody move on who can by now.
    mutating func advance(now: TaskTime, _ actions: inout [DeskAction]) {
        while let id = scheduled.take(until: now.wall) {
            guard let entry = entries[id], entry.phase == .scheduled else { continue }
            scheduledCount -= 1
            joinKey(id, entry.arrival, now: now)
        }
        if !throttled.isEmpty { serveRates(now: now) }
        if !sharedLines.isEmpty { askRates(now: now, &actions) }
        if !keyLines.isEmpty { askKeys(now: now.instant, &actions) }
        if !batchLines.isEmpty { callBatches(now: now.instant) }
        while running < slots, !isDraining, let id = nextReady() { begin(id, now: now, &actions) }
    }

    private mutating func serveRates(now: TaskTime) {
        // Who has no slot takes no token: it would be lost if it went back, and nobody else could begin by it.
        var free = slots - running
        // In an order that is the same in each process.
        for name in throttled.sorted() {
            guard var line = rates.removeValue(forKey: name) else { continue }
            while free > 0, let id = line.waiting.first {
                guard let entry = entries[id], entry.phase == .waitsForRate else {
                    line.waiting.removeFirst()
                    continue
                }
                guard line.bucket.take(now: now.instant) else { break }
                line.waiting.removeFirst()
                blockedCount -= 1
                free -= 1
                joinSharedRate(id, entry.arrival)
            }
            if line.isEmpty { throttled.remove(name) }
            rates[name] = line
        }
    }

    /// Takes the one out whose turn it is.
    mutating func nextReady() -> DeliveryID? {
        guard readyCount > 0 else { return nil }
        for step in ready.indices {
            while let id = ready[step].popFirst() {
                guard entries[id]?.phase == .ready else { continue }
                readyCount -= 1
                return id
            }
        }
        return nil
    }

    /// Gives it a slot, unless it is of no use any more.
    private mutating func begin(_ id: DeliveryID, now: TaskTime, _ actions: inout [DeskAction]) {
        defer { if !batchLines.isEmpty { callBatches(now: now.instant) } }
        guard let entry = entries[id], isOfUse(entry, now: now, &actions) else { return }
        let arrival = entry.arrival
        running += 1
        runs.append(Run(id: id, since: now.instant))
        if beginBatch(id, arrival, now: now, &actions) { return }
        if rules[arrival.name]?.acksLate == false {
            entries[id]?.phase = .acknowledging
            actions.append(.acknowledge(id))
        } else {
            run(id, &actions)
        }
    }

    /// Whether it may still be run; otherwise it is over here.
    mutating func isOfUse(_ entry: Entry, now: TaskTime, _ actions: inout [DeskAction]) -> Bool {
        let arrival = entry.arrival
        // The process was stopped, and its leases have not been looked at since: somebody else may run it.
        if entry.leaseEnd <= now.instant {
            leaveKey(entry, now: now)
            forget(arrival.id, &actions)
            return false
        }
        let isExpired = isExpired(arrival, now: now)
        guard isExpired || isRevoked(arrival, now: now) else { return true }
        leaveKey(entry, now: now)
        settle(arrival.id, .revoke(expired: isExpired, terminated: false), &actions)
        return false
    }

    mutating func run(_ id: DeliveryID, _ actions: inout [DeskAction]) {
        entries[id]?.phase = .running
        counts.started += 1
        actions.append(.run(id))
    }

    // MARK: Leaving

    /// It has no slot any more, and its key has room.
    mutating func freeSlot(of id: DeliveryID, now: TaskTime) {
        guard let index = runs.firstIndex(where: { $0.id == id }), let entry = entries[id] else {
            return impossible.note("a run without a slot ended")
        }
        runs.remove(at: index)
        running -= 1
        leaveKey(entry, now: now)
    }

    /// It waits no more, wherever it did. Its place in line is passed over when its turn comes.
    mutating func leaveLines(_ entry: Entry, now: TaskTime) {
        switch entry.phase {
        case .scheduled: scheduledCount -= 1
        case .waitsForKey: blockedCount -= 1
        case .waitsForRate, .waitsForPlace:
            blockedCount -= 1
            leaveKey(entry, now: now)
        case .waitsForBatch:
            leaveBatchLine(entry.arrival)
            leaveKey(entry, now: now)
        case .ready:
            readyCount -= 1
            leaveKey(entry, now: now)
        case .acknowledging, .running, .settling: return
        }
    }

    mutating func leaveKey(_ entry: Entry, now: TaskTime) {
        guard let lane = entry.lane else { return }
        keys.leave(lane)
        while let next = keys.first(in: lane) {
            guard let waiting = entries[next], waiting.phase == .waitsForKey else {
                keys.removeFirst(in: lane)
                continue
            }
            // The rules may have another limit by now, or none.
            let limit = self.lane(of: waiting.arrival)?.limit ?? .max
            guard keys.grantFirst(in: lane, limit: limit) else { return }
            blockedCount -= 1
            joinRate(next, waiting.arrival, now: now)
        }
        keys.tidy(lane)
    }
}
