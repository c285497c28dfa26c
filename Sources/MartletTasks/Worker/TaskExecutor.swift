package import MartletBase
package import MartletLogic
package import MartletWire
package import NIOCore

/// Whoever can carry out tasks: a group of Python workers, Swift closures, shell commands, calls of models.
package protocol TaskExecutor: Sendable {
    /// What it knows how to run. Asked for once before the worker takes anything, and again after a restart.
    var tasks: [TaskDescription] { get }

    /// Runs one task. Cancelling the Swift task that waits here ends the run: the client left.
    ///
    /// Never called for more tasks at one time than the worker has slots.
    func run(_ run: TaskRun) async -> TaskOutcome

    /// Runs tasks of one name together, in one slot: one outcome for each, in their order. The limits are the same for
    /// all. Cancelling the Swift task that waits here ends the call.
    func run(batch: [TaskRun]) async -> [TaskOutcome]

    /// The processes that run tasks, for `inspect stats`; empty: they run in this one.
    var processIDs: [Int] { get }

    /// The worker has so many slots from now on: processes may be started or, when they are idle, ended.
    func resize(to slots: Int) async

    /// Loads the code of the tasks again (`pool_restart`). Tasks that run are waited for.
    func restart() async throws
}

extension TaskExecutor {
    /// One after the other, for executors that cannot do better.
    package func run(batch: [TaskRun]) async -> [TaskOutcome] {
        var outcomes: [TaskOutcome] = []
        for one in batch { outcomes.append(Task.isCancelled ? .cancelled : await run(one)) }
        return outcomes
    }

    package var processIDs: [Int] { [] }
    package func resize(to slots: Int) async {}
    package func restart() async throws {}
}

/// A kind of task that a worker knows how to run.
package struct TaskDescription: Sendable, Equatable {
    /// Its name, limits, rate and retries: what holds unless a message says otherwise.
    package var rules: TaskRules
    /// Where it is published when nothing else says so, as a step of a chain; nil: the worker's default queue.
    package var queue: String?
    /// There is one at a time of those with the same arguments, until then; nil: any number.
    package var unique: UniqueRule?
    /// No result is stored.
    package var ignoresResult = false
    /// Failures are stored even so.
    package var storesErrorsEvenIfIgnored = false
    /// `STARTED` is stored when a run begins.
    package var tracksStarted = false
    /// The app keeps Celery's books itself: what it says of a run is only announced.
    package var settlesItself = false

    /// - Parameter name: Such as `tasks.add`.
    package init(name: String) {
        rules = TaskRules(name: name)
    }

    package init(rules: TaskRules) {
        self.rules = rules
    }

    package var name: String { rules.name }
}

/// One run of one task.
package struct TaskRun: Sendable {
    package var message: TaskMessage
    /// The message as it was served.
    package var bytes: ByteBuffer
    /// nil: it was acknowledged before its run, and has no lease.
    package var receipt: Receipt?
    /// How often the message was served, this time included.
    package var deliveries: Int
    /// When the task is to be told that its time is nearly over; nil: never.
    package var softDeadline: Instant?
    /// When the worker ends the run; `.never`: it does not.
    package var deadline: Instant
    /// Stores a state of the task's own, `PROGRESS`, with what it states.
    package var progress: @Sendable (RawJSON) async -> Void
}

/// How a run ended.
package enum TaskOutcome: Sendable {
    /// - Parameter runtime: In seconds, as everywhere here.
    case success(RawJSON, runtime: Double)
    /// A success that leads to more: what is to be published with it.
    case publishing(CanvasSteps, result: RawJSON, runtime: Double)
    case failure(TaskFailure, runtime: Double)
    /// The task asks to be run again.
    ///
    /// - Parameter delay: In seconds; nil: as its rules say. Above the rules' retries it is a failure.
    case retry(TaskFailure, delay: Double?)
    /// The app stored the result and published what follows by itself.
    case settled(TaskSettlement)
    /// The process that ran it is gone.
    case lost(reason: String)
    /// Its hard limit was over, and the executor itself ended it.
    case timedOut
    /// It was cancelled, and stopped.
    case cancelled
    /// It wants to be gone without a result (`Reject`, `Ignore`).
    case rejected(requeue: Bool, TaskFailure)
    case ignored
}

/// What an app says of a run whose books it kept itself.
package struct TaskSettlement: Sendable, Hashable {
    package enum State: String, Sendable {
        case success = "SUCCESS"
        case failure = "FAILURE"
        case retry = "RETRY"
        case rejected = "REJECTED"
        case requeued = "REQUEUED"
        case ignored = "IGNORED"
        case revoked = "REVOKED"
    }

    package var state: State
    /// The `repr` of the value; of a success.
    package var result: String
    /// The `repr` of the exception; of anything else.
    package var exception: String
    package var traceback: String
    /// In seconds.
    package var runtime: Double

    package init(
        state: State, result: String = "", exception: String = "", traceback: String = "", runtime: Double = 0
    ) {
        self.state = state
        self.result = result
        self.exception = exception
        self.traceback = traceback
        self.runtime = runtime
    }
}
