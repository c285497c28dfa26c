public import MartletBase

// Who may wait, and for how long.
extension PoolMachine {
    /// How long a refused client is asked to wait at least, and at most.
    static let shortestRetryAfter = Duration.seconds(1)
    private static let longestRetryAfter = Duration.seconds(60)

    /// Puts a request in the queue, if it will have its turn in time and there is room for it.
    ///
    /// - Parameter start: when the first target serves again.
    mutating func wait(_ request: PickRequest, from start: Instant? = nil, now: Instant) -> PickResult {
        let turn = (start ?? now) + rate.wait(turns: queue.turns(before: request.priority), now: now)
        let retryAfter = Self.retryAfter(turn - now)
        let deadline = latestStart(request, now: now)
        guard turn < deadline else { return .refused(.tooLate, retryAfter: retryAfter) }
        return join(request, until: deadline, retryAfter: retryAfter)
    }

    /// Puts a request in the queue while there is no target but one on its way: bounded by the room there is and by its
    /// deadline alone. How long it will wait cannot be told: the pace of a target that is gone says nothing about the
    /// next one, which may take all at once.
    mutating func waitForArrival(_ request: PickRequest, now: Instant) -> PickResult {
        join(request, until: latestStart(request, now: now), retryAfter: Self.shortestRetryAfter)
    }

    private mutating func join(
        _ request: PickRequest, until deadline: Instant, retryAfter: Duration
    ) -> PickResult {
        guard !queue.contains(request.waiter) else {
            impossible.note("a waiter joined twice")
            return .refused(.queueFull, retryAfter: retryAfter)
        }
        var evicted: [WaiterID] = []
        if !queue.hasRoom(for: request.bytes) {
            evicted = queue.evict(for: request.priority, bytes: request.bytes)
            guard !evicted.isEmpty else { return .refused(.queueFull, retryAfter: retryAfter) }
        }
        let waiter = WaitQueue.Waiter(
            id: request.waiter, priority: request.priority, deadline: deadline, hashKey: request.hashKey,
            excluding: request.excluding, bytes: request.bytes)
        queue.join(waiter)
        return evicted.isEmpty ? .queued : .queuedInPlaceOf(evicted)
    }

    /// Until when it makes sense to wait: what starts too late to be over in time is work for nothing.
    ///
    /// Twice what requests take in the mean is kept for the work, where the caller allows as much: in a queue that is
    /// always as long as it may be, everybody starts at the last moment. A caller that allows less than the mean knows
    /// that its request is short: its word holds.
    private func latestStart(_ request: PickRequest, now: Instant) -> Instant {
        guard request.finish < .never else { return request.deadline }
        let hold = rate.hold(now: now)
        for work in [hold * 2, hold] where now + work < request.finish {
            return min(request.deadline, request.finish - work)
        }
        return request.deadline
    }

    /// How long a request of `priority` that is refused now should stay away.
    public func retryAfter(_ priority: PriorityClass, now: Instant) -> Duration {
        Self.retryAfter(rate.wait(turns: queue.turns(before: priority), now: now))
    }

    private static func retryAfter(_ predicted: Duration) -> Duration {
        min(max(predicted, shortestRetryAfter), longestRetryAfter)
    }
}
