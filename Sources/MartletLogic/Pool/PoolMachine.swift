public import MartletBase

/// Decides for one pool: which target a request goes to, whether it waits, whether it may be tried again.
///
/// A request's way through it: ``pick(_:now:)`` answers with a target, with `queued` or with a refusal. A queued
/// request gets exactly one of: a ``Grant`` (from whichever call made room), the news that its place is lost (from
/// ``tick(now:)``, or from a ``pick(_:now:)`` of a higher class), or its own ``leave(_:now:)``. Whoever was given a
/// target calls ``release(_:_:now:)`` exactly once.
///
/// The driver holds one lock around it, hands grants to whom they belong, and calls ``tick(now:)`` several times a
/// second.
///
/// Events that cannot happen (the release of an unknown target, a target added twice) are ignored and counted, see
/// ``Impossible``. Events that come too late are ignored: a check's result for a target that is gone, the leaving of a
/// waiter that was granted already.
public struct PoolMachine: Sendable {
    /// What was told to the machine although it cannot happen.
    public var impossible = Impossible()

    /// The rules in force.
    public internal(set) var policy: PoolPolicy
    let seed: UInt64
    var roster = Roster()
    var balancer: Balancer
    var queue: WaitQueue
    var budget: RetryBudget
    /// Counts the requests in flight at targets in service, and tells how long others would wait.
    var rate = DrainRate()
    /// Requests in flight at targets that drain or were removed.
    var departing = 0
    /// Requests in flight.
    var active: Int { rate.active + departing }
    /// Whether a target is on its way, such as a managed backend that starts: worth waiting for while there is none.
    public private(set) var isExpecting = false

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

    /// Time passed: waiters expire, and targets whose time out of service ended serve those that wait. Those who would
    /// wait twice as long as they can are told so now, while the answer is of use to them.
    public mutating func tick(now: Instant) -> TickResult {
        guard !queue.isEmpty else { return TickResult() }
        let expired = queue.expire(now: now)
        let grants = grantAll(now: now)
        guard !isExpecting || !isDeserted(now: now) else { return TickResult(expired: expired, grants: grants) }
        let hopeless = queue.shed { [rate] deadline, turns in
            now + rate.wait(turns: turns, now: now) * 0.5 >= deadline
        }
        return TickResult(expired: expired, hopeless: hopeless, grants: grants)
    }

    // MARK: Arrivals

    /// Whether a target is on its way from now on. Answers those who wait although there is no target and none is to
    /// come; they are no longer queued.
    public mutating func expect(_ isExpecting: Bool, now: Instant) -> [WaiterID] {
        self.isExpecting = isExpecting
        guard !isExpecting, !queue.isEmpty, isDeserted(now: now) else { return [] }
        return turnAway()
    }

    /// Sends away all who wait, and answers them; they are no longer queued.
    public mutating func turnAway() -> [WaiterID] { queue.shed { _, _ in true } }

    /// Whether there is no target in service.
    private mutating func isDeserted(now: Instant) -> Bool {
        roster.survey(excluding: [], mayRepeat: true, now: now) == .nobody
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
        let outcome = roster.survey(excluding: request.excluding, mayRepeat: false, now: now)
        switch outcome {
        case .ready:
            guard queue.isEmpty || queue.isOvertaken(by: request.priority) else { return wait(request, now: now) }
            return choose(key: request.hashKey, now: now).map { .target($0) } ?? wait(request, now: now)
        case .full:
            // A target that it tried may have room: better than none, once it waited a tick for another.
            if request.excluding.isEmpty { rate.filled() }
            return wait(request, now: now)
        case .held(let until):
            guard until < request.deadline else { return .refused(.allDown, retryAfter: until - now) }
            return wait(request, from: until, now: now)
        case .nobody:
            if isExpecting && request.mayExpect { return waitForArrival(request, now: now) }
            return .refused(.noTarget, retryAfter: Self.shortestRetryAfter)
        }
    }

    /// A waiting request holds so many bytes now: its body goes on coming. False: those who wait hold as many as they
    /// may, and what comes next should stay where it is.
    public mutating func holds(_ bytes: Int, _ waiter: WaiterID) -> Bool { queue.holds(bytes, waiter) }

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
        while let waiter = queue.next {
            let outcome = roster.survey(excluding: waiter.excluding, mayRepeat: true, now: now)
            guard outcome == .ready, let target = choose(key: waiter.hashKey, now: now) else { break }
            queue.grantNext()
            grants.append(Grant(waiter: waiter.id, target: target))
        }
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
        if roster.members[index].health.operatorState == .inService {
            rate.ended(now: now)
        } else {
            departing -= 1
        }
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
    ///
    /// - Parameter isWhole: nothing of the answer could come before all of it was computed.
    public mutating func firstByte(
        _ target: TargetID, after: Interval, isWhole: Bool = false, now: Instant
    ) -> [Grant] {
        guard let index = roster.index(of: target),
            roster.answered(index, after: after, isWhole: isWhole, now: now)
        else { return [] }
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
