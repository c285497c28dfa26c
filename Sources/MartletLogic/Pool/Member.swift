import MartletBase

/// One target of a pool: what it may do, how healthy it is, how often it was chosen.
struct Member: Sendable {
    let id: TargetID
    private(set) var policy: TargetPolicy
    /// Requests it may hold at one time.
    private(set) var limit: Int
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

    init(_ id: TargetID, policy: TargetPolicy, health: TargetHealth) {
        self.id = id
        self.policy = policy
        self.health = health
        limit = Self.limit(policy)
    }

    /// Other rules for the same target.
    mutating func adopt(_ policy: TargetPolicy, checks: HealthPolicy, breaker: BreakerPolicy?) {
        self.policy = policy
        limit = Self.limit(policy)
        health.adopt(policy, checks: checks, breaker: breaker)
    }

    private static func limit(_ policy: TargetPolicy) -> Int { policy.maxInflight.map { max($0, 1) } ?? .max }

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
