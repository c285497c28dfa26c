public import MartletBase

/// One request on its way through a worker group; never used again within a group.
public struct ItemID: Hashable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public var description: String { "i\(rawValue)" }
}

/// One place for a process in a group. A process that takes the place of another may have its number, once the other
/// is gone.
public struct WorkerNumber: Hashable, Sendable, CustomStringConvertible {
    public var rawValue: Int
    public init(_ rawValue: Int) { self.rawValue = rawValue }
    public var description: String { "w\(rawValue)" }
}

/// What has to be known about a request to batch it.
public struct BatchItem: Sendable, Equatable {
    public var id: ItemID
    /// Of its body.
    public var bytes: Int
    /// What the operator counts besides requests and bytes, such as tokens.
    public var weight: Int
    public var priority: PriorityClass
    /// When its answer is of no use any more.
    public var deadline: Instant

    public init(
        id: ItemID, bytes: Int = 0, weight: Int = 1, priority: PriorityClass = .interactive,
        deadline: Instant = .never
    ) {
        self.id = id
        self.bytes = min(max(bytes, 0), Int(Int32.max))
        self.weight = min(max(weight, 0), Int(Int32.max))
        self.priority = priority
        self.deadline = deadline
    }
}

/// What a worker said it takes.
public struct WorkerCapacity: Sendable, Equatable {
    /// Items in one batch; at least 1.
    public var maxBatch: Int
    /// Batches that it works on at one time; at least 1.
    public var concurrent: Int

    public init(maxBatch: Int = 1, concurrent: Int = 1) {
        self.maxBatch = max(maxBatch, 1)
        self.concurrent = max(concurrent, 1)
    }
}

/// How an item ended, as its worker told.
public enum ItemOutcome: Sendable, Equatable {
    /// With an answer, or the last piece of one.
    case answered
    /// With an error of its own.
    case failed
    /// The call for the whole batch failed; nobody knows whose fault it was.
    case failedInBatch
    /// It was cancelled.
    case givenUp
}

/// Why the machine gives an item up.
public enum ItemFailure: UInt8, Sendable, CaseIterable {
    /// It failed by itself, with the error that its worker told last.
    case failed
    /// Its worker died, and it is not tried again.
    case crashed
    /// Two workers died of it, as far as anybody can tell.
    case poisoned
    /// Its deadline passed before it was sent.
    case expired
    /// It would not be over in time: the objective cannot be met.
    case hopeless
    /// There is no worker, and none is to come.
    case noWorker

    /// The metric label.
    public var text: String {
        switch self {
        case .failed: "failed"
        case .crashed: "crashed"
        case .poisoned: "poisoned"
        case .expired: "expired"
        case .hopeless: "hopeless"
        case .noWorker: "no_worker"
        }
    }
}

/// What the driver of a ``BatchMachine`` must do.
public enum BatchAction: Sendable, Equatable {
    /// Give the worker these items as one batch.
    case send(WorkerNumber, batch: UInt64, [ItemID])
    /// Tell the worker that nobody wants these any more. They are its own until it says how they ended, or is gone.
    case cancel(WorkerNumber, [ItemID])
    /// It was cancelled, and no worker has it (any more): it is over.
    case forget(ItemID)
    /// It is over, without an answer.
    case fail(ItemID, ItemFailure)
    /// End the process: it goes on with what nobody wants.
    case kill(WorkerNumber)
    /// Call ``BatchMachine/woken(now:)`` at that time. Only the last one asked for counts.
    case wake(at: Instant)
}
