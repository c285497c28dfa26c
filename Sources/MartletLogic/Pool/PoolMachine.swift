public import MartletBase

/// Decides for one pool: which target a request goes to, whether it waits, whether it may be tried again.
///
/// A request's way through it: ``pick(_:now:)`` answers with a target, with `queued` or with a refusal. A queued
/// request gets exactly one of: a ``Grant`` (from whichever call made room), the news that its place is lost (from
/// ``tick(now:)``, or from a ``pick(_:now:)`` of a higher class), or its own ``leave(_:now:)``. Whoever was given a
/// target calls ``release(_:_:now:)`` exactly once.
///
/// The driver holds one lock around it, hands grants to whom they belong, and calls ``tick(now:)`` at ``nextTick``,
/// which it reads again after each call that answered `queued` or came with grants.
///
/// Events that cannot happen (the release of an unknown target, a target added twice) are ignored and counted, see
/// ``Impossible``. Events that come too late are ignored: a check's result for a target that is gone, the leaving of a
/// waiter that was granted already.
public struct PoolMachine: Sendable {
    /// What was told to the machine although it cannot happen.
    public var impossible = Impossible()

    /// The rules in force.
    public private(set) var policy: PoolPolicy
    private let seed: UInt64
    var roster = Roster()
    var balancer: Balancer
    var queue: WaitQueue
    var budget: RetryBudget
    /// Counts the requests in flight, and tells how long others would wait.
    var rate = DrainRate()
    /// Requests in flight at the targets.
    var active: Int { rate.active }
    /// Whether waiters may be served by the next tick, because a call that returns no grants made or saw room.
    var isGrantDue = false
    /// Whether a target is on its way, such as a managed backend that starts: worth waiting for while there is none.
    public var isExpecting = false
    /// While requests wait: when time alone may bring a target back.
    var nextReturn: Instant?

    /// `seed` decides the random choices of `random_two`.
    public init(policy: PoolPolicy, seed: UInt64) {
        self.policy = policy
        self.seed = seed
        balancer = Balancer(policy, seed: seed)
        queue = WaitQueue(limit: policy.queue.length, byteLimit: policy.queue.bytes)
        budget = RetryBudget(share: policy.retry.budget)
    }

    /// No request waits, none is in flight.
    public var isAtRest: Bool { active == 0 && queue.isEmpty }

    // MARK: Time

    /// When ``tick(now:)`` has something to do; nil: not before the next call. An instant in the past means now.
    public var nextTick: Instant? {
        guard !queue.isEmpty else { return nil }
        if isGrantDue { return Instant(nanoseconds: 0) }
        let next = min(queue.earliestDeadline ?? .never, nextReturn ?? .never)
        return next < .never ? next : nil
    }

    /// Time passed: waiters expire, and targets whose time out of service ended serve those that wait. Those who would
    /// wait twice as long as they can are told so now, while the answer is of use to them.
    public mutating func tick(now: Instant) -> TickResult {
        guard !queue.isEmpty else { return TickResult() }
        let expired = queue.expire(now: now)
        let grants = grantAll(now: now)
        let hopeless = queue.shed { [rate] deadline, turns in
            now + rate.wait(turns: turns, now: now) * 0.5 >= deadline
        }
        return TickResult(expired: expired, hopeless: hopeless, grants: grants)
    }

    // MARK: Retries

    /// Whether a retry may start now; if so, ``endRetry()`` must follow exactly once.
    public mutating func beginRetry() -> Bool {
        budget.begin(active: active + queue.count)
    }

    /// A retry ended, however it ended.
    public mutating func endRetry() {
        if !budget.end() { impossible.note("a retry ended that never began") }
    }
}

// MARK: - Picking and waiting

extension PoolMachine {
    /// Finds a target for a request.
    ///
    /// Nobody overtakes: while requests of the same or a higher class wait, a newcomer waits too.
    public mutating func pick(_ request: PickRequest, now: Instant) -> PickResult {
        guard now < request.deadline else { return .refused(.tooLate, retryAfter: .zero) }
        let outcome = roster.survey(excluding: request.excluding, mayRepeat: !request.mayQueue, now: now)
        switch outcome {
        case .ready:
            guard queue.isEmpty || queue.isOvertaken(by: request.priority) else {
                isGrantDue = true
                return wait(request, now: now)
            }
            return choose(key: request.hashKey, now: now).map { .target($0) } ?? wait(request, now: now)
        case .full:
            if request.excluding.isEmpty {
                rate.filled()
            } else {
                // A target that it tried may have room: better than none, once it waited a moment for another.
                isGrantDue = true
            }
            return wait(request, now: now)
        case .held(let until):
            guard until < request.deadline else { return .refused(.allDown, retryAfter: until - now) }
            return wait(request, from: until, now: now)
        case .nobody:
            if isExpecting && request.mayExpect { return wait(request, now: now) }
            return .refused(.noTarget, retryAfter: Self.shortestRetryAfter)
        }
    }

    /// A waiting request gives up; false when it does not wait, because it was granted or has expired.
    public mutating func leave(_ waiter: WaiterID, now: Instant) -> Bool {
        queue.leave(waiter)
    }

    /// Takes the best of the seats that the survey made eligible.
    private mutating func choose(key: UInt64?, now: Instant) -> TargetID? {
        guard let index = balancer.pick(&roster.seats, key: key) else { return nil }
        rate.began(now: now)
        return roster.take(index, now: now)
    }

    /// Serves those that wait while there is room.
    mutating func grantAll(now: Instant) -> [Grant] {
        var grants: [Grant] = []
        isGrantDue = false
        while let waiter = queue.next {
            let outcome = roster.survey(excluding: waiter.excluding, mayRepeat: true, now: now)
            guard outcome == .ready, let target = choose(key: waiter.hashKey, now: now) else { break }
            queue.grantNext()
            grants.append(Grant(waiter: waiter.id, target: target))
        }
        nextReturn = queue.isEmpty ? nil : roster.nextReturn(now: now)
        return grants
    }
}

// MARK: - Results

extension PoolMachine {
    /// An attempt at `target` ended.
    public mutating func release(_ target: TargetID, _ result: AttemptResult, now: Instant) -> ReleaseResult {
        guard let index = roster.index(of: target), roster.seats[index].inflight > 0 else {
            impossible.note("a target was released that was not taken")
            return ReleaseResult()
        }
        roster.seats[index].inflight -= 1
        rate.ended(now: now)
        if result == .success, queue.isEmpty, roster.succeedPlainly(index, now: now) { return ReleaseResult() }
        let change = tell(index, result, now: now)
        let isOut = result.isFailure && roster.members[index].health.state(now: now).reason != nil
        let isEmptied = dropIfEmptied(index)
        return ReleaseResult(
            grants: queue.isEmpty ? [] : grantAll(now: now), change: change, isEmptied: isEmptied, isOut: isOut)
    }

    /// The head of an answer arrived that says nothing against `target`: proof enough for one that is being tried out,
    /// whose answer may take minutes. `release` follows all the same.
    public mutating func answered(_ target: TargetID, now: Instant) -> ReleaseResult {
        guard let index = roster.index(of: target), !roster.members[index].health.isPlainlyUp else {
            return ReleaseResult()
        }
        let change = roster.tell(index, now: now) { $0.answered(now: now) }
        return ReleaseResult(grants: queue.isEmpty ? [] : grantAll(now: now), change: change)
    }

    /// The first byte of an answer that succeeds came, so long `after` its request was given to `target`. Only for
    /// `limit: adaptive`.
    public mutating func firstByte(_ target: TargetID, after: Interval, now: Instant) -> [Grant] {
        guard let index = roster.index(of: target), roster.answered(index, after: after, now: now) else { return [] }
        return queue.isEmpty ? [] : grantAll(now: now)
    }

    /// An active check of `target` passed or failed.
    public mutating func probe(_ target: TargetID, passed: Bool, now: Instant) -> ReleaseResult {
        // Not counted as impossible: a check may well outlive its target.
        guard let index = roster.index(of: target) else { return ReleaseResult() }
        let change = roster.tell(index, now: now) { health in
            if passed { health.checkPassed(now: now) } else { health.checkFailed(now: now) }
        }
        return ReleaseResult(grants: queue.isEmpty ? [] : grantAll(now: now), change: change)
    }

    /// How often `target` should be checked now; nil: not at all.
    public func probeInterval(_ target: TargetID, now: Instant) -> Duration? {
        roster.index(of: target).flatMap { roster.members[$0].health.probeInterval(now: now) }
    }

    private mutating func tell(_ index: Int, _ result: AttemptResult, now: Instant) -> TargetChange? {
        if case .failure(let failure, _) = result, failure.blamesTarget {
            roster.seats[index].penalise(maxFails: roster.members[index].policy.maxFails)
        }
        if case .failure(.status429, _) = result { roster.refused(index) }
        return roster.tell(index, now: now) { health in
            switch result {
            case .success: health.succeeded(now: now)
            case .failure(let failure, let retryAfter): health.failed(failure, retryAfter: retryAfter, now: now)
            case .neutral: health.ended(now: now)
            }
        }
    }
}

// MARK: - Targets come and go

extension PoolMachine {
    /// A target joins. `key` is a hash of its address, the same in every process, for `hash`.
    public mutating func add(_ id: TargetID, policy: TargetPolicy, key: UInt64, now: Instant) -> [Grant] {
        guard roster.index(of: id) == nil else {
            impossible.note("a target was added twice")
            return []
        }
        let health = TargetHealth(policy, checks: self.policy.health, breaker: self.policy.breaker)
        roster.add(Member(id, policy: policy, limit: self.policy.limit, health: health), key: key)
        return queue.isEmpty ? [] : grantAll(now: now)
    }

    /// No new work for `id`; what it holds may end.
    public mutating func drain(_ id: TargetID, now: Instant) {
        setOperatorState(.draining, of: id)
    }

    /// Ends a drain.
    public mutating func undrain(_ id: TargetID, now: Instant) -> [Grant] {
        setOperatorState(.inService, of: id)
        return queue.isEmpty ? [] : grantAll(now: now)
    }

    /// Takes `id` away: at once when it holds nothing (true), else when the last request is released.
    public mutating func remove(_ id: TargetID, now: Instant) -> Bool {
        setOperatorState(.removed, of: id)
        guard let index = roster.index(of: id) else { return true }
        return dropIfEmptied(index)
    }

    /// Whether `id` holds no request; true for one that is not there.
    public func isEmpty(_ id: TargetID) -> Bool {
        roster.index(of: id).map { roster.seats[$0].inflight == 0 } ?? true
    }

    private mutating func setOperatorState(_ state: OperatorState, of id: TargetID) {
        guard let index = roster.index(of: id) else { return impossible.note("an unknown target changed hands") }
        let current = roster.members[index].health.operatorState
        guard current != .removed else { return }
        roster.setOperatorState(state, at: index)
        // Without this target another tier may have to serve those that wait.
        isGrantDue = !queue.isEmpty
    }

    /// Whether the target at `index` drains and holds nothing; a removed one is forgotten then.
    private mutating func dropIfEmptied(_ index: Int) -> Bool {
        let state = roster.members[index].health.operatorState
        guard state != .inService, roster.seats[index].inflight == 0 else { return false }
        if state == .removed { roster.remove(at: index) }
        return true
    }
}

// MARK: - Other rules

extension PoolMachine {
    /// The pool's rules changed: what is known about its targets, its waiters and its counts stay.
    public mutating func adopt(_ policy: PoolPolicy, now: Instant) -> [Grant] {
        if policy.balance != self.policy.balance || policy.hash != self.policy.hash {
            balancer = Balancer(policy, seed: seed)
        }
        self.policy = policy
        queue.adopt(limit: policy.queue.length, byteLimit: policy.queue.bytes)
        budget.adopt(share: policy.retry.budget)
        for index in roster.members.indices { roster.adopt(roster.members[index].policy, of: policy, at: index) }
        return queue.isEmpty ? [] : grantAll(now: now)
    }

    /// The rules of one target changed.
    public mutating func adopt(_ policy: TargetPolicy, for id: TargetID, now: Instant) -> [Grant] {
        guard let index = roster.index(of: id) else {
            impossible.note("an unknown target changed its rules")
            return []
        }
        roster.adopt(policy, of: self.policy, at: index)
        return queue.isEmpty ? [] : grantAll(now: now)
    }
}

// MARK: - Looking in

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
