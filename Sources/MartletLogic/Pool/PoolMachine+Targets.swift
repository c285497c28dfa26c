public import MartletBase

// Targets come and go, and rules change.
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
        setOperatorState(.draining, of: id, now: now)
    }

    /// Ends a drain.
    public mutating func undrain(_ id: TargetID, now: Instant) -> [Grant] {
        setOperatorState(.inService, of: id, now: now)
        return queue.isEmpty ? [] : grantAll(now: now)
    }

    /// Takes `id` away: at once when it holds nothing (true), else when the last request is released.
    public mutating func remove(_ id: TargetID, now: Instant) -> Bool {
        setOperatorState(.removed, of: id, now: now)
        guard let index = roster.index(of: id) else { return true }
        return dropIfEmptied(index)
    }

    /// Whether `id` holds no request; true for one that is not there.
    public func isEmpty(_ id: TargetID) -> Bool {
        roster.index(of: id).map { roster.seats[$0].inflight == 0 } ?? true
    }

    private mutating func setOperatorState(_ state: OperatorState, of id: TargetID, now: Instant) {
        guard let index = roster.index(of: id) else { return impossible.note("an unknown target changed hands") }
        let current = roster.members[index].health.operatorState
        guard current != .removed else { return }
        roster.setOperatorState(state, at: index)
        // What it still holds makes room for nobody once it ends: those who wait cannot count on it.
        let held = roster.seats[index].inflight
        if current == .inService, state != .inService {
            departing += held
            rate.moved(-held, now: now)
        } else if current != .inService, state == .inService {
            departing -= held
            rate.moved(held, now: now)
        }
    }

    /// Whether the target at `index` drains and holds nothing; a removed one is forgotten then.
    mutating func dropIfEmptied(_ index: Int) -> Bool {
        let state = roster.members[index].health.operatorState
        guard state != .inService, roster.seats[index].inflight == 0 else { return false }
        if state == .removed { roster.remove(at: index) }
        return true
    }

    // MARK: Other rules

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
