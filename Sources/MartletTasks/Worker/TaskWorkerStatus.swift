package import MartletBase

/// What a worker does at this moment, for the console and the metrics.
package struct TaskWorkerStatus: Sendable {
    package enum State: String, Sendable {
        case starting
        case running
        /// Takes nothing any more.
        case draining
        case stopped
    }

    /// A task in hand.
    package struct ActiveTask: Sendable {
        package var id: String
        package var name: String
        package var queue: String
        package var retries: Int
        package var deliveries: Int
        package var argumentsText: String
        package var keywordArgumentsText: String
        /// Seconds since 1970; nil: it waits for a slot.
        package var startedAt: Double?
    }

    package struct Counters: Sendable, Hashable {
        package var started = 0
        package var succeeded = 0
        package var failed = 0
        package var retried = 0
        package var revoked = 0
        package var rejected = 0
        /// Handed back: a stop came, or the process that ran it was lost.
        package var returned = 0
        /// Discarded, because the lease was lost meanwhile.
        package var abandoned = 0
        package var deadLettered = 0
        /// In seconds, of all runs that ended by themselves.
        package var runtime = 0.0
    }

    package var name: String
    package var state: State
    /// Whether it takes tasks: it runs, and the broker answered of late.
    package var isReady: Bool
    package var queues: [String]
    package var slots: Int
    package var autoscale: ClosedRange<Int>?
    package var active: [ActiveTask]
    /// Taken, and waiting for a slot.
    package var reserved: Int
    /// Held until their time comes.
    package var scheduled: Int
    /// Ended, and not yet told to the broker.
    package var unsettled: Int
    package var revocations: Int
    package var counters: [String: Counters]
    /// When the longest of the runs began; nil: none runs.
    package var oldestStart: Instant?
    /// When a task was last taken; nil: never.
    package var lastTake: Instant?
    /// When the broker last answered anything.
    package var lastAnswer: Instant?
    /// In seconds since 1970.
    package var startedAt: Double
    /// In seconds, by the runs that ended of late; nil: none did.
    package var meanRunSeconds: Double?
    package var sendsTaskEvents: Bool
    /// Events that were dropped because they could not be sent in time.
    package var droppedEvents: Int
}

extension TaskWorkerStatus.Counters {
    /// How a message's stay here ended.
    enum Tally: Sendable {
        case succeeded, failed, retried, revoked, rejected, returned, abandoned, deadLettered
    }

    mutating func count(_ tally: Tally, runtime: Double = 0) {
        self.runtime += runtime
        switch tally {
        case .succeeded: succeeded += 1
        case .failed: failed += 1
        case .retried: retried += 1
        case .revoked: revoked += 1
        case .rejected: rejected += 1
        case .returned: returned += 1
        case .abandoned: abandoned += 1
        case .deadLettered: deadLettered += 1
        }
    }
}
