/// What became of a task at one time: an event of a worker, or something that was done to the task here.
public struct TaskNews: Sendable, Equatable {
    public var id: String
    /// In Celery's words: PENDING (it was sent), RECEIVED, STARTED, SUCCESS, FAILURE, RETRY, REVOKED, REJECTED, or a
    /// task's own, such as PROGRESS.
    public var state: String
    /// In seconds since 1970, by the clock of whoever tells it.
    public var time: Double
    /// The worker's name, such as `celery@host`; nil: nobody's.
    public var worker: String?
    /// What is said of the task beside its state; nil: nothing new.
    public var name: String?
    public var queue: String?
    public var arguments: String?
    public var keywordArguments: String?
    public var eta: String?
    public var expires: String?
    public var retries: Int?
    public var parent: String?
    public var root: String?
    /// Of a task that ended: what it returned, as text.
    public var result: String?
    public var exception: String?
    public var traceback: String?
    /// Seconds that it ran.
    public var runtime: Double?

    public init(id: String, state: String, time: Double, worker: String? = nil) {
        self.id = id
        self.state = state
        self.time = time
        self.worker = worker
    }
}

/// The states of a task that mean something to everybody; a task may have others of its own.
public enum TaskState {
    public static let pending = "PENDING"
    public static let received = "RECEIVED"
    public static let started = "STARTED"
    public static let success = "SUCCESS"
    public static let failure = "FAILURE"
    public static let retry = "RETRY"
    public static let revoked = "REVOKED"
    public static let rejected = "REJECTED"
    public static let ignored = "IGNORED"

    /// Whether nothing more is to come of the task. A rejected one may be served again, and an ignored one has no
    /// result; both are over for the worker that says so.
    public static func isFinal(_ state: String) -> Bool {
        [success, failure, revoked, rejected, ignored].contains(state)
    }

    /// Whether a client that waits for the result has it.
    public static func isReady(_ state: String) -> Bool { [success, failure, revoked].contains(state) }
}

/// What a worker tells about itself.
public struct WorkerNews: Sendable, Equatable {
    public enum Kind: String, Sendable {
        case online, heartbeat, offline
    }

    public var kind: Kind
    /// Such as `celery@host`.
    public var name: String
    /// In seconds since 1970, by the worker's clock.
    public var time: Double
    /// Seconds between two heartbeats.
    public var interval: Double?
    /// Tasks that it has in hand.
    public var active: Int?
    /// Tasks that it has done since its start.
    public var processed: Int?
    /// Of its machine, over 1, 5 and 15 minutes.
    public var load: [Double] = []
    /// Such as `py-celery 5.7.0`.
    public var software: String?
    public var processID: Int?

    public init(_ kind: Kind, name: String, time: Double) {
        self.kind = kind
        self.name = name
        self.time = time
    }
}
