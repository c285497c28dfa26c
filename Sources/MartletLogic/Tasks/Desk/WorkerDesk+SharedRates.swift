import MartletBase

/// The tasks here that wait for a rate which all workers keep together.
struct SharedRateLine: Sendable {
    var rule: SharedRateRule
    var waiting = WaitingLine<DeliveryID>()
    /// The broker was asked for so many, and has not answered.
    var asked = 0
    var isAsking: Bool { asked > 0 }
    /// The broker said that there is nothing before; nil: it did not.
    var notBefore: Instant?
}

/// Rates that all workers keep together: the broker counts, and is asked for as many as can begin at once. Who waits
/// for a rate has no slot, and takes nothing of the rate.
extension WorkerDesk {
    /// Asked for at a time.
    private static let askedAtOnce = 1000

    private func sharedRate(of arrival: TaskArrival) -> SharedRateRule? {
        if let rule = arrival.sharedRate ?? rules[arrival.name]?.sharedRate { return rule }
        return policy.queueRates[arrival.queue].map { SharedRateRule(key: "queue:\(arrival.queue)", limit: $0) }
    }

    mutating func joinSharedRate(_ id: DeliveryID, _ arrival: TaskArrival) {
        guard let rule = sharedRate(of: arrival) else { return joinReady(id, arrival) }
        // Taken out, so that the line is not copied.
        var line = sharedLines.removeValue(forKey: rule.key) ?? SharedRateLine(rule: rule)
        line.rule = rule
        line.waiting.append(id)
        sharedLines[rule.key] = line
        entries[id]?.phase = .waitsForRate
        blockedCount += 1
    }

    /// Slots for which nobody is there, and the broker was not asked.
    private var freeForRates: Int {
        slots - running - readyCount - sharedLines.values.reduce(0) { $0 + $1.asked }
    }

    /// Asks the broker for those that have a slot.
    mutating func askRates(now: TaskTime, _ actions: inout [DeskAction]) {
        var free = freeForRates
        for key in sharedLines.keys.sorted() {
            guard var line = sharedLines.removeValue(forKey: key) else { continue }
            while let id = line.waiting.first, entries[id]?.phase != .waitsForRate { line.waiting.removeFirst() }
            let isRested = line.notBefore.map { $0 <= now.instant } ?? true
            if line.waiting.isEmpty, isRested, !line.isAsking { continue }
            if !line.isAsking, isRested, !line.waiting.isEmpty, free > 0 {
                let count = min(free, line.waiting.count, Self.askedAtOnce)
                free -= count
                line.asked = count
                actions.append(.askRate(line.rule, count: count))
            }
            sharedLines[key] = line
        }
    }

    /// The broker answered: so many may begin now, and more after a while. 0 and a pause: it could not be asked.
    public mutating func granted(_ key: String, _ count: Int, again wait: Duration, now: TaskTime) -> [DeskAction] {
        guard var line = sharedLines.removeValue(forKey: key) else { return [] }
        line.asked = 0
        line.notBefore = wait > .zero ? now.instant + wait : nil
        var left = count
        // Nobody else can have what is left: it is let go.
        while left > 0, let id = line.waiting.first {
            line.waiting.removeFirst()
            guard let entry = entries[id], entry.phase == .waitsForRate else { continue }
            left -= 1
            blockedCount -= 1
            joinReady(id, entry.arrival)
        }
        sharedLines[key] = line
        var actions: [DeskAction] = []
        advance(now: now, &actions)
        return actions
    }

    /// When the broker is to be asked next; `.never`: nobody waits, or there is no slot.
    func nextRateQuestion(now: Instant) -> Instant {
        guard freeForRates > 0 else { return .never }
        return sharedLines.values.reduce(.never) { earliest, line in
            line.isAsking ? earliest : min(earliest, line.notBefore ?? now)
        }
    }
}
