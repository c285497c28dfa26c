public import MartletBase

/// Why a target may not be picked.
public enum DownReason: UInt8, Sendable, CaseIterable {
    /// The operator took it away.
    case removed
    /// The operator lets it run empty.
    case draining
    /// Its active check fails.
    case check
    /// Its circuit breaker is open.
    case breaker
    /// `max_fails` was reached.
    case failures
    /// It answered 429 and asked for time.
    case rateLimited

    /// The word in `/status`.
    public var text: String {
        switch self {
        case .removed: "removed"
        case .draining: "draining"
        case .check: "health_check"
        case .breaker: "breaker_open"
        case .failures: "max_fails"
        case .rateLimited: "rate_limited"
        }
    }
}

/// Whether a target may be picked.
public enum Availability: Sendable, Equatable {
    /// Yes.
    case up
    /// Yes, for one request that tries it out.
    case halfOpen
    /// No. `until` is when time alone changes that; `never` when an event has to.
    case down(DownReason, until: Instant)
}

/// How a target stands, for people: what ``Availability`` says, and whether it is in slow start.
public enum TargetState: Sendable, Equatable {
    case up
    /// Up, with a share of its weight that grows.
    case slowStart
    case halfOpen
    case down(DownReason)

    /// The word in `/status` and in metrics.
    public var text: String {
        switch self {
        case .up: "up"
        case .slowStart: "slow_start"
        case .halfOpen: "half_open"
        case .down(.draining): "draining"
        case .down(.removed): "removed"
        case .down: "down"
        }
    }

    /// Why it is down; nil when it is not.
    public var reason: DownReason? {
        if case .down(let reason) = self { reason } else { nil }
    }
}

/// How a breaker stands, for `/status` and the metrics.
public enum BreakerState: String, Sendable, CaseIterable {
    case off, shut, halfOpen = "half_open", open
}

/// What the operator wants of a target.
public enum OperatorState: UInt8, Sendable {
    case inService, draining, removed
}
