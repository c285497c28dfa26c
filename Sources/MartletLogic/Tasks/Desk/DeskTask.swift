/// A task in a worker's hand, for `inspect` and the console.
public struct DeskTask: Sendable, Equatable {
    /// How far it is.
    public enum Phase: Sendable, Equatable, CaseIterable {
        /// Its `eta` has not come.
        case scheduled
        /// Its key has as many as it may.
        case waitsForKey
        /// As many of its key run in all workers as may, or the broker has not said so yet.
        case waitsForPlace
        /// Its name has had as many as it may.
        case waitsForRate
        /// Waits for others that it is run together with.
        case waitsForBatch
        /// Waits for a slot.
        case ready
        /// Has a slot, and is acknowledged before its run.
        case acknowledging
        case running
        /// Over, and its end is on the way to the broker.
        case settling
    }

    public var arrival: TaskArrival
    public var phase: Phase
    /// When its process began; nil: it has not.
    public var startedAt: TaskTime?
    /// Whether the broker has it no more.
    public var isAcknowledged: Bool
    /// Whether its lease is lost: what it ends with is discarded.
    public var isAbandoned: Bool

    public var id: DeliveryID { arrival.id }
}

/// What a worker did so far. Each message that was taken ends in one of the last eight.
public struct DeskCounts: Sendable, Equatable {
    public var taken = 0
    /// Runs that began.
    public var started = 0
    public var succeeded = 0
    public var failed = 0
    public var retried = 0
    /// Expired ones included.
    public var revoked = 0
    /// Acknowledged, and no more: rejected, or settled by the app itself.
    public var acknowledged = 0
    /// Handed back to the broker, whether at once or until its time.
    public var returned = 0
    public var buried = 0
    /// Their lease was lost: nothing of them was committed.
    public var abandoned = 0

    public init() {}
}

/// Answer to a change of how many tasks run at one time.
public enum SlotChange: Sendable, Equatable {
    case changed(Int)
    /// `pool_grow` and `pool_shrink` do not go together with `--autoscale`.
    case autoscaled
    /// There would be none left, or bounds that are the wrong way round.
    case outOfBounds
}
