public import MartletBase

/// One target, as `/status` and the metrics show it.
public struct TargetStatus: Sendable, Equatable {
    public var id: TargetID
    public var weight: Int
    /// The share of its weight that it has now, in percent.
    public var sharePercent: Int
    public var isBackup: Bool
    public var inflight: Int
    /// nil: no limit.
    public var maxInflight: Int?
    /// What it may hold now under `limit: adaptive`; nil: the limit is fixed.
    public var limit: Int?
    public var state: TargetState
    /// When time alone changes the state; nil: it is up, or an event has to.
    public var until: Instant?
    public var failures: FailureCounts
    /// Failures that count towards `max_fails`.
    public var consecutiveFails: Int
    public var ejections: UInt64
    public var breaker: BreakerState
    public var breakerOpenings: UInt64
    /// Requests it was given.
    public var picks: UInt64

    /// Why it is down; nil when it is not.
    public var reason: DownReason? { state.reason }
}

/// Waiting requests, by class.
public struct QueueDepths: Sendable, Equatable {
    public var interactive = 0
    public var batch = 0
    public var background = 0

    public init() {}

    public var total: Int { interactive + batch + background }

    public internal(set) subscript(_ priority: PriorityClass) -> Int {
        get {
            switch priority {
            case .interactive: interactive
            case .batch: batch
            case .background: background
            }
        }
        set {
            switch priority {
            case .interactive: interactive = newValue
            case .batch: batch = newValue
            case .background: background = newValue
            }
        }
    }
}

/// One pool, as `/status` and the metrics show it.
public struct PoolStatus: Sendable, Equatable {
    public var targets: [TargetStatus]
    public var queued: QueueDepths
    /// Requests that may wait.
    public var queueLimit: Int
    /// Bytes that those who wait hold, and may hold.
    public var queuedBytes: Int
    public var queueByteLimit: Int
    /// How long a request that joins the queue now would wait, as far as can be told.
    public var predictedWait: Duration
    /// Requests in flight at its targets.
    public var active: Int
    public var retriesInProgress: Int
    public var retriesAllowed: Int
    /// Whether the last choice was made in spite of health.
    public var isPanicking: Bool
    /// Events that cannot happen; anything but zero is a defect of ours.
    public var impossible: UInt64
}
