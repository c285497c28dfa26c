public import MartletBase

/// Leases: what keeps a message this worker's own.
///
/// All are looked at together, six times in the time of one. Those of which a third is over are renewed; those that
/// would end before the next look are given up, so that no run goes on when somebody else may have begun it.
extension WorkerDesk {
    /// Between two looks at the leases.
    var leasePause: Duration { .nanoseconds(Int64(clamping: lease.nanoseconds / 6)) }

    /// A renewal was answered.
    ///
    /// - Parameters:
    ///   - sentAt: When it was asked for: the broker cannot have renewed before.
    ///   - lost: Those that are somebody else's.
    public mutating func renewed(
        _ ids: [DeliveryID], sentAt: Instant, lost: [DeliveryID], now: TaskTime
    ) -> [DeskAction] {
        for id in ids {
            guard let entry = entries[id], !entry.isAbandoned else { continue }
            entries[id]?.leaseEnd = max(entry.leaseEnd, sentAt + lease)
        }
        return self.lost(lost, now: now)
    }

    /// Somebody else has these messages, or the broker has lost them.
    public mutating func lost(_ ids: [DeliveryID], now: TaskTime) -> [DeskAction] {
        var actions: [DeskAction] = []
        for id in ids { lose(id, now: now, &actions) }
        advance(now: now, &actions)
        return actions
    }

    private mutating func lose(_ id: DeliveryID, now: TaskTime, _ actions: inout [DeskAction]) {
        guard let entry = entries[id], !entry.isAcknowledged else { return }
        switch entry.phase {
        // The broker will say itself what it thinks of that.
        case .acknowledging, .settling: return
        case .running:
            guard !entry.isAbandoned else { return }
            entries[id]?.isAbandoned = true
            if let batch = entry.batch { return abandonInBatch(batch, &actions) }
            // One that is ended already needs no more than that its end is discarded.
            if entry.kill == nil { actions.append(.abandon(id)) }
        case .scheduled, .waitsForKey, .waitsForRate, .waitsForPlace, .waitsForBatch, .ready:
            leaveLines(entry, now: now)
            forget(id, &actions)
        }
    }

    mutating func checkLeases(now: TaskTime, _ actions: inout [DeskAction]) {
        guard now.instant >= leaseCheck else { return }
        let next = now.instant + leasePause
        var due: [DeliveryID] = []
        var over: [DeliveryID] = []
        for (id, entry) in entries where !entry.isAcknowledged && !entry.isAbandoned {
            let isKept = policy.outlivesSilence && entry.phase == .running
            if entry.leaseEnd <= next, !isKept { over.append(id) }
            if entry.leaseEnd <= now.instant + lease - leasePause - leasePause { due.append(id) }
        }
        for id in over.sorted() { lose(id, now: now, &actions) }
        let renewable = due.filter { entries[$0].map { !$0.isAbandoned } ?? false }.sorted()
        if !renewable.isEmpty { actions.append(.renew(renewable)) }
        leaseCheck = entries.isEmpty ? .never : next
    }
}
