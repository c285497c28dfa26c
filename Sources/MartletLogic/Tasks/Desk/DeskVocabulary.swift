public import MartletBase

/// One delivery of a message to this worker; never used again within a worker. A task that is delivered twice has two.
public struct DeliveryID: Hashable, Comparable, Sendable, CustomStringConvertible {
    public var rawValue: UInt64
    public init(_ rawValue: UInt64) { self.rawValue = rawValue }
    public var description: String { "d\(rawValue)" }
    public static func < (lhs: DeliveryID, rhs: DeliveryID) -> Bool { lhs.rawValue < rhs.rawValue }
}

/// What has to be known about a message to decide what becomes of it.
public struct TaskArrival: Sendable, Equatable {
    public var id: DeliveryID
    /// The task's own id, which its messages share: deliveries, retries.
    public var task: String
    /// Such as `tasks.add`.
    public var name: String
    public var queue: String
    /// 0 is served first; Celery's steps are 0, 3, 6 and 9.
    public var priority: Int
    /// Whose work it is: tasks of one key are served in turn with those of others, and may have a limit.
    public var key: String?
    /// The key's share of the work, against the other keys' weights.
    public var weight: Double
    /// Tasks of its key that may run here at one time; nil: as the task's rules say.
    public var keyConcurrency: Int?
    /// A rate that all workers keep together; nil: as the task's rules or its queue say.
    public var sharedRate: SharedRateRule?
    /// How often it asked to be run again before this message.
    public var retries: Int
    /// How often it may be run again; nil: as the task's rules say.
    public var maximumRetries: Int?
    /// How often the message was served, this time included.
    public var deliveries: Int
    /// Milliseconds since 1970; nil: at once.
    public var eta: Int64?
    /// Milliseconds since 1970; nil: never.
    public var expires: Int64?
    /// In seconds; nil: as the task's rules say.
    public var softLimit: Double?
    public var hardLimit: Double?
    /// `stamps` of the message, by header: it can be revoked by them.
    public var stamps: [String: [String]]

    public init(
        id: DeliveryID, task: String, name: String, queue: String, priority: Int = 0, key: String? = nil,
        weight: Double = 1, keyConcurrency: Int? = nil, retries: Int = 0, deliveries: Int = 1, eta: Int64? = nil,
        expires: Int64? = nil, softLimit: Double? = nil, hardLimit: Double? = nil, stamps: [String: [String]] = [:]
    ) {
        self.id = id
        self.task = task
        self.name = name
        self.queue = queue
        self.priority = priority
        self.key = key
        self.weight = weight
        self.keyConcurrency = keyConcurrency
        self.retries = retries
        self.deliveries = deliveries
        self.eta = eta
        self.expires = expires
        self.softLimit = softLimit
        self.hardLimit = hardLimit
        self.stamps = stamps
    }
}

/// How many messages to take now, and from where.
public struct DeskPull: Sendable, Equatable {
    /// One list of the broker: a queue's messages of one priority step.
    public struct List: Sendable, Hashable {
        public var queue: String
        /// 0, 3, 6 or 9.
        public var step: Int

        public init(queue: String, step: Int) {
            self.queue = queue
            self.step = step
        }
    }

    /// At most so many; at least 1.
    public var count: Int
    /// The queues, the one whose turn it is first.
    public var queues: [String]
    /// Leases of what comes count from here: the broker cannot have granted them before.
    public var askedAt: Instant

    public init(count: Int, queues: [String], askedAt: Instant) {
        self.count = count
        self.queues = queues
        self.askedAt = askedAt
    }

    /// In the order in which they are to be emptied: the first step of every queue comes before the second of any.
    public var lists: [List] {
        WorkerDesk.steps.flatMap { step in queues.map { List(queue: $0, step: step) } }
    }
}

/// How a run ended, as its executor told.
public enum RunEnd: Sendable, Equatable {
    case succeeded
    /// With an exception of its own. It is tried again when the task's rules say so.
    case failed
    /// The task asks to be run again; nil: after the time that its rules say.
    case retry(after: Duration?)
    /// The app stored the result, and published what follows, by itself.
    case settled
    /// It wants to be gone without a result, or back in its queue.
    case rejected(requeue: Bool)
    /// The process that ran it is gone.
    case lost
    /// Its executor ended it because its hard limit was over.
    case timedOut
    /// It was cancelled, and stopped: after `.kill` or `.abandon`, or because its executor closes.
    case stopped
}

/// Why a run is ended from outside.
public enum KillReason: Sendable, Equatable {
    /// Its hard limit, in seconds.
    case timeLimit(Double)
    /// `revoke` with `terminate`, or `terminate`.
    case revoked
    /// The worker stops, and waited for it as long as it may.
    case drain
}

/// Why a task has failed.
public enum DeskFailure: Sendable, Equatable {
    /// With the exception that its executor told.
    case raised
    /// It asked for one retry more than it may have.
    case retriesExceeded
    /// No executor knows its name.
    case notRegistered
    /// The hard limit, in seconds.
    case timeLimit(Double)
    /// The process that ran it is gone, and it may not be run again.
    case workerLost
}

/// What becomes of a message.
public enum Settlement: Sendable, Equatable {
    /// Publish what follows, store the result and acknowledge, all of it under the fence of the lease.
    case succeed
    /// The same with a failure: its chain, chord and errbacks hear of it.
    case fail(DeskFailure)
    /// Publish it again, so many retries on, due at `eta` (milliseconds since 1970); store `RETRY`; acknowledge.
    case retry(retries: Int, eta: Int64)
    /// Store `REVOKED` and acknowledge: it was revoked, or it came too late.
    case revoke(expired: Bool, terminated: Bool)
    /// Acknowledge, and no more: its books are kept.
    case acknowledge
    /// Back to its queue: at the head what was never run here, so that it is served next.
    case giveBack(atHead: Bool)
    /// Its time has not come, and no more such tasks are held here: the broker keeps it until `eta`.
    case postpone(eta: Int64)
    /// To the dead letters, and store a failure: it was served too often and never ended.
    case bury
}

/// What the driver of a ``WorkerDesk`` must do, in this order.
public enum DeskAction: Sendable, Equatable {
    /// Give it to its executor.
    case run(DeliveryID)
    /// Acknowledge it before its run (`acks_late` is off); then ``WorkerDesk/acknowledged(_:isOurs:now:)``.
    case acknowledge(DeliveryID)
    /// Tell the run that its time is nearly over.
    case soft(DeliveryID)
    /// End the run. It is in hand until ``WorkerDesk/ended(_:_:now:)``.
    case kill(DeliveryID, KillReason)
    /// Its lease is lost: end the run, somebody else has the task. It is in hand until ``WorkerDesk/ended(_:_:now:)``.
    case abandon(DeliveryID)
    /// Tell the broker; then ``WorkerDesk/settled(_:isCommitted:)``.
    case settle(DeliveryID, Settlement)
    /// It is over here, and the broker is told nothing: the lease is lost.
    case forget(DeliveryID)
    /// Renew these leases; then ``WorkerDesk/renewed(_:sentAt:lost:now:)``.
    case renew([DeliveryID])
    /// Ask the broker whether so many may begin by a shared rate; then ``WorkerDesk/granted(_:_:again:now:)``.
    case askRate(SharedRateRule, count: Int)
    /// Ask the broker for places of keys; then ``WorkerDesk/entered(_:_:now:)``.
    case enter([KeyWish])
}
