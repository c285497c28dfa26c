/// What an operator states about a worker.
public struct DeskPolicy: Sendable, Equatable {
    /// Tasks that run at one time (`--concurrency`).
    public var slots = 1
    /// Between which bounds `slots` may change (`--autoscale`); nil: it does not change by itself.
    public var autoscale: ClosedRange<Int>?
    /// Tasks taken for each slot (`--prefetch-multiplier`): 1 takes only what can run at once.
    public var prefetch = 1
    /// So much work is taken ahead of time: tasks that are done within less wait here instead of a round trip. Zero:
    /// none.
    public var ahead: Duration = .milliseconds(50)
    /// Never more tasks ahead of time, and never more than half of that in one pull: others run while these come.
    public var maximumAhead = 1000
    /// Tasks held until their `eta`; what comes above it goes back to the broker until then.
    public var maximumScheduled = 1000
    /// Tasks held because of a rate or of their key's limit; nothing is taken while there are so many.
    public var maximumBlocked = 1000
    /// A task that is not heard of for so long is given to another worker.
    public var lease: Duration = .seconds(30)
    /// Whether a run goes on although its lease could not be renewed in time, until the broker says that it is lost.
    /// Otherwise it is ended shortly before somebody else may have the task.
    public var outlivesSilence = false
    /// A message that was served so often and never ended goes to the dead letters.
    public var maximumDeliveries = 5
    /// In seconds, for tasks that have none of their own (`--soft-time-limit`, `--time-limit`).
    public var softLimit: Double?
    public var hardLimit: Double?
    /// How many tasks of a queue begin in a time, in all workers together; for tasks that have no shared rate.
    public var queueRates: [String: RateLimit] = [:]
    public var revocations = RevocationPolicy()
    /// Of the jitter.
    public var seed: UInt64 = 0

    public init() {}
}

/// What holds for the tasks of one name, unless a message says otherwise.
public struct TaskRules: Sendable, Equatable {
    public var name: String
    public var rateLimit: RateLimit?
    /// A rate that all workers keep together, beside the one above, which is this worker's own.
    public var sharedRate: SharedRateRule?
    /// In seconds.
    public var softLimit: Double?
    public var hardLimit: Double?
    /// Acknowledged after the run (`acks_late`), and not before it.
    public var acksLate = true
    /// A run that was ended at its hard limit is a failure (`acks_on_failure_or_timeout`), and not served again.
    public var acksOnTimeout = true
    /// A task whose process died is served again, so often as messages may be served.
    public var returnsWhenLost = true
    public var retry = TaskRetryPolicy()
    /// Run together, so many at a time; nil: one by one. Those that are, are acknowledged after the run.
    public var batch: BatchRule?
    /// Tasks of one key that run here at one time; nil: no limit. Tasks without a key count as of one.
    public var keyConcurrency: Int?

    public init(name: String) { self.name = name }
}
