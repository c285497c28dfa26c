// What an operator states about a pool and its targets, as values: the configuration decodes into these, the machines
// of this room read them. Names in the comments are the configuration's keys.

/// `pools.NAME.balance`: how a pool chooses among its available targets.
public enum BalancePolicy: String, Sendable, CaseIterable {
    /// Fewest requests in flight for its weight; ties by smooth weighted round robin (nginx's `least_conn`).
    case leastConnections = "least_conn"
    /// Smooth weighted round robin.
    case roundRobin = "round_robin"
    /// The better of two random targets.
    case randomTwo = "random_two"
    /// By a key of the request, with bounded load.
    case hash = "hash"
}

/// `pools.NAME.limit`: how many requests each target may hold at one time.
public enum LimitPolicy: String, Sendable, CaseIterable {
    /// Its `max_inflight`.
    case fixed
    /// As many as it takes in without letting them wait, at most `max_inflight`: ``AdaptiveLimit``.
    case adaptive
}

/// `hash: {key:, bound:}`.
public struct HashPolicy: Sendable, Equatable {
    public enum Key: Sendable, Equatable {
        /// `header:NAME`; requests without the header are spread.
        case header(String)
        /// `client`: the client's address.
        case client
        /// `path`: the request's path.
        case path
    }
    public var key: Key
    /// No target takes more than this many times the mean load (at least 1).
    public var bound: Double

    public init(key: Key = .client, bound: Double = 1.25) {
        self.key = key
        self.bound = bound
    }
}

/// `timeouts:`, the five of them.
public struct Timeouts: Sendable, Equatable {
    public var connect: Duration = .seconds(2)
    public var queue: Duration = .seconds(30)
    public var firstByte: Duration = .seconds(600)
    /// Between two bytes of the answer.
    public var idle: Duration = .seconds(600)
    public var total: Duration = .seconds(3600)

    public init() {}
}

/// `retry.on:`, in the words of nginx's `proxy_next_upstream`.
public struct RetryConditions: OptionSet, Sendable {
    public var rawValue: UInt16
    public init(rawValue: UInt16) { self.rawValue = rawValue }
    /// The connection broke before the first byte of the answer.
    public static let error = RetryConditions(rawValue: 1)
    /// Connecting or the first byte took too long.
    public static let timeout = RetryConditions(rawValue: 2)
    public static let http500 = RetryConditions(rawValue: 4)
    public static let http502 = RetryConditions(rawValue: 8)
    public static let http503 = RetryConditions(rawValue: 16)
    public static let http504 = RetryConditions(rawValue: 32)
    public static let http429 = RetryConditions(rawValue: 64)
    /// Also requests whose method is not idempotent (POST, PATCH) and whose bytes were sent.
    public static let nonIdempotent = RetryConditions(rawValue: 128)
    /// Also non-idempotent requests, but only when the target was ejected, or timed out before its first byte: the
    /// default of model-API routes.
    public static let nonIdempotentWhenEjected = RetryConditions(rawValue: 256)
}

/// `retry:`.
public struct RetryPolicy: Sendable, Equatable {
    /// Attempts for one request in all, the first included.
    public var attempts = 2
    /// Retries allowed at one time, as a share of the requests in flight (never fewer than 3).
    public var budget = 0.2
    public var on: RetryConditions = [.error, .timeout]
    /// Whether `retry.on` was written by the operator: then routes add nothing of their own.
    public var isOnStated = false

    public init() {}
}

/// `queue:`.
public struct QueuePolicy: Sendable, Equatable {
    /// Requests that may wait when every target is at its `max_inflight`.
    public var length = 1000
    /// Bytes of request bodies that they may hold.
    public var bytes = 64 << 20

    public init() {}
}

/// `health:`, the active checks.
public struct HealthPolicy: Sendable, Equatable {
    public enum Kind: String, Sendable, CaseIterable { case http, tcp, off }
    public var kind: Kind = .http
    public var path = "/health"
    /// Statuses that pass; nil: any 2xx or 3xx.
    public var expect: ClosedRange<Int>?
    public var interval: Duration = .seconds(5)
    public var timeout: Duration = .seconds(2)
    /// Passing checks in a row that bring a target back.
    public var healthy = 1
    /// Failing checks in a row that take a target out.
    public var unhealthy = 2

    public init() {}
}

/// `breaker:`.
public struct BreakerPolicy: Sendable, Equatable {
    /// The share of failures that opens it.
    public var failures = 0.5
    public var window: Duration = .seconds(10)
    /// Requests in the window below which it never opens.
    public var minimum = 20
    /// How long it stays open before one probe is let through.
    public var open: Duration = .seconds(30)

    public init() {}
}

/// All that a pool needs for its decisions.
public struct PoolPolicy: Sendable, Equatable {
    public var balance: BalancePolicy = .leastConnections
    public var hash = HashPolicy()
    public var limit = LimitPolicy.fixed
    public var timeouts = Timeouts()
    public var retry = RetryPolicy()
    public var queue = QueuePolicy()
    public var health = HealthPolicy()
    /// nil: `breaker: off`.
    public var breaker: BreakerPolicy? = BreakerPolicy()
    /// Its targets come when somebody asks for them: while they are on their way, or may be sent for, it can serve.
    public var comesOnDemand = false

    public init() {}
}

/// All that is stated about one target.
public struct TargetPolicy: Sendable, Equatable {
    /// Its share of the work, against the other targets' weights.
    public var weight = 1
    /// Failures within `fail_timeout` that take it out for `fail_timeout`; 0 never does.
    public var maxFails = 1
    public var failTimeout: Duration = .seconds(10)
    /// Used only while no primary can be picked.
    public var isBackup = false
    /// Requests it may hold at one time; nil: no limit.
    public var maxInflight: Int?
    /// How long its share grows from a tenth to the whole after it came back.
    public var slowStart: Duration = .zero

    public init() {}
}
