import MartletBase

/// One way to choose. A policy only answers "which seat now?"; requests in flight, health and capacity are the pool's.
protocol Balancing: Sendable {
    /// The index of the chosen seat among the eligible ones; nil when none is eligible.
    ///
    /// `key` is the request's, for policies that keep a key's requests together. Must not allocate.
    mutating func pick(_ seats: inout [Seat], key: UInt64?) -> Int?
}

/// The policy of one pool. An enum rather than an existential: no indirection and no box on the way of each request.
enum Balancer: Sendable {
    case leastConnections(LeastConnections)
    case roundRobin(SmoothRoundRobin)
    case randomTwo(RandomTwo)
    case hash(BoundedHash)

    init(_ policy: PoolPolicy, seed: UInt64) {
        switch policy.balance {
        case .leastConnections: self = .leastConnections(LeastConnections())
        case .roundRobin: self = .roundRobin(SmoothRoundRobin())
        case .randomTwo: self = .randomTwo(RandomTwo(seed: seed))
        case .hash: self = .hash(BoundedHash(bound: policy.hash.bound))
        }
    }

    mutating func pick(_ seats: inout [Seat], key: UInt64?) -> Int? {
        switch self {
        case .leastConnections(var policy): return policy.pick(&seats, key: key)
        case .roundRobin(var policy): return policy.pick(&seats, key: key)
        case .hash(var policy): return policy.pick(&seats, key: key)
        case .randomTwo(var policy):
            let index = policy.pick(&seats, key: key)
            self = .randomTwo(policy)
            return index
        }
    }
}
