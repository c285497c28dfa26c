public import MartletBase

// What others see of it.
extension PoolMachine {
    /// All that `/status` and the metrics show.
    public func status(now: Instant) -> PoolStatus {
        PoolStatus(
            targets: roster.members.indices.map { targetStatus($0, now: now) },
            queued: queue.depths,
            queueLimit: queue.limit,
            queuedBytes: queue.bytes,
            queueByteLimit: queue.byteLimit,
            predictedWait: rate.wait(turns: queue.turns(before: .background), now: now),
            active: active,
            retriesInProgress: budget.inProgress,
            retriesAllowed: budget.allowance(active: active + queue.count),
            isPanicking: roster.isPanicking,
            impossible: impossible.count)
    }

    private func targetStatus(_ index: Int, now: Instant) -> TargetStatus {
        let member = roster.members[index]
        var until: Instant?
        if case .down(_, let instant) = member.health.availability(now: now), instant < .never { until = instant }
        return TargetStatus(
            id: member.id,
            weight: member.policy.weight,
            sharePercent: member.health.sharePercent(now: now),
            isBackup: member.policy.isBackup,
            inflight: roster.seats[index].inflight,
            maxInflight: member.policy.maxInflight,
            limit: policy.limit == .adaptive ? member.limit : nil,
            state: member.health.state(now: now),
            until: until,
            failures: member.health.failures,
            consecutiveFails: member.health.consecutiveFails,
            ejections: member.health.ejections,
            breaker: member.health.breakerState(now: now),
            breakerOpenings: member.health.breaker?.openings ?? 0,
            picks: member.picks)
    }
}
