import MartletBase

/// One target of a pool: what it may do, how healthy it is, how often it was chosen.
struct Member: Sendable {
    let id: TargetID
    private(set) var policy: TargetPolicy
    /// Requests it may hold at one time.
    private(set) var limit = Int.max
    /// nil: the limit is fixed.
    private var adaptive: AdaptiveLimit?
    var health: TargetHealth
    var picks: UInt64 = 0
    /// What this pick found; set anew for each pick.
    var standing = Standing.away
    /// When time alone ends `suspect` and `held`; set with them.
    var standingUntil = Instant.never

    /// How a target stands for one pick, whether or not it has room.
    enum Standing: Sendable {
        /// Not in service: removed, draining.
        case away
        /// Its active check fails: known to be down.
        case dead
        /// Taken out by the results of requests: thought to be down.
        case suspect
        /// Asked for time.
        case held
        case pickable
    }

    init(_ id: TargetID, policy: TargetPolicy, limit: LimitPolicy, health: TargetHealth) {
        self.id = id
        self.policy = policy
        self.health = health
        setLimit(limit)
    }

    /// An answer began, so long after its request was sent. True: the limit is another one.
    mutating func answered(after: Interval, inflight: Int, isWhole: Bool, now: Instant) -> Bool {
        guard adaptive?.answered(after: after, inflight: inflight, isWhole: isWhole, now: now) == true
        else { return false }
        limit = adaptive?.limit ?? limit
        return true
    }

    /// It asked for less.
    mutating func refused() {
        adaptive?.refused()
        limit = adaptive?.limit ?? limit
    }

    /// Other rules for the same target.
    mutating func adopt(_ policy: TargetPolicy, of pool: PoolPolicy) {
        self.policy = policy
        setLimit(pool.limit)
        health.adopt(policy, checks: pool.health, breaker: pool.breaker)
    }

    /// A limit that was found stays, as far as the rules allow.
    private mutating func setLimit(_ rule: LimitPolicy) {
        switch rule {
        case .fixed: adaptive = nil
        case .adaptive: adaptive = AdaptiveLimit(cap: policy.maxInflight, after: adaptive)
        }
        limit = adaptive?.limit ?? policy.maxInflight.map { max($0, 1) } ?? .max
    }

    /// Looks at its health anew.
    mutating func look(now: Instant) {
        if health.isPlainlyUp {
            standing = .pickable
            return
        }
        health.refresh(now: now)
        switch health.availability(now: now) {
        case .up, .halfOpen:
            standing = .pickable
        case .down(let reason, let until):
            standingUntil = until
            standing =
                switch reason {
                case .removed, .draining: .away
                case .check: .dead
                case .breaker, .failures: .suspect
                case .rateLimited: .held
                }
        }
    }
}
