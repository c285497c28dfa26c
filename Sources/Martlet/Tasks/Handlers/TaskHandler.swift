import MartletBase
import MartletLogic
import MartletTasks
import MartletWire

/// A task that this process runs itself, taken from a queue that Celery's clients and others put it into.
///
///     try await Martlet.serve(tasks: TaskOptions(queues: ["thumbnails"])) {
///         TaskHandler("images.thumbnail", maxRetries: 5) { arguments, context in
///             let url: String = try arguments.value("url", at: 0)
///             let width: Int = try arguments.value("width", at: 1, otherwise: 128)
///             return try await thumbnail(url, width)
///         }
///     }
///
/// It is called as a task of Celery's is: `app.send_task("images.thumbnail", args=[url])`. What it returns is its
/// result. What it throws is its failure, unless it is a ``TaskRetry``. It may run more than once: when its process
/// dies while it runs, another worker gets it; `acksLate: false` keeps it from that.
///
/// (It is not called `Task`: a type of that name here would hide Swift's own from every file that imports this module.)
public struct TaskHandler: Sendable {
    /// What is called when the task runs; gives its result.
    typealias Body = @Sendable (TaskArguments, TaskContext) async throws -> JSON

    /// The same for tasks that are run together.
    typealias BatchBody = @Sendable ([TaskCall]) async throws -> [Result<JSON, any Error>]

    enum Work: Sendable {
        case single(Body)
        case batch(BatchBody)
    }

    let description: TaskDescription
    let work: Work

    /// - Parameters:
    ///   - name: What clients call it, such as `images.thumbnail`.
    ///   - maxRetries: How often it may be run again after a ``TaskRetry``; nil: without end.
    ///   - backoff: The longest wait before the first retry; doubled for each further one, and a random part of it is
    ///     waited.
    ///   - softLimit: After so long ``TaskContext/isNearItsEnd`` is true; nil: never.
    ///   - hardLimit: After so long the run is cancelled and the task fails with `TimeLimitExceeded`; nil: never.
    ///   - rateLimit: How often it begins in this worker; nil: as often as it comes.
    ///   - keepsResult: Whether its result is stored.
    ///   - acksLate: False for what must not run twice: it is acknowledged before it begins, so when its process dies
    ///     it is over.
    ///   - body: The task. It is cancelled when the task is revoked, at its hard limit, and when the server ends.
    public init<Result: Encodable & Sendable>(
        _ name: String, maxRetries: Int? = 3, backoff: Duration = .seconds(1), softLimit: Duration? = nil,
        hardLimit: Duration? = nil, rateLimit: TaskRate? = nil, keepsResult: Bool = true, acksLate: Bool = true,
        _ body: @escaping @Sendable (TaskArguments, TaskContext) async throws -> Result
    ) {
        var rules = TaskRules(name: name)
        rules.retry.maximumRetries = maxRetries
        rules.retry.base = backoff
        rules.softLimit = softLimit?.inSeconds
        rules.hardLimit = hardLimit?.inSeconds
        rules.rateLimit = rateLimit?.limit
        rules.acksLate = acksLate
        var description = TaskDescription(rules: rules)
        description.ignoresResult = !keepsResult
        self.description = description
        work = .single { arguments, context in try JSON(of: try await body(arguments, context)) }
    }

    init(description: TaskDescription, work: Work) {
        self.description = description
        self.work = work
    }

    /// For a task that has no result: what it stores is `null`.
    ///
    /// Its parameters are those of
    /// ``init(_:maxRetries:backoff:softLimit:hardLimit:rateLimit:keepsResult:acksLate:_:)``.
    public init(
        _ name: String, maxRetries: Int? = 3, backoff: Duration = .seconds(1), softLimit: Duration? = nil,
        hardLimit: Duration? = nil, rateLimit: TaskRate? = nil, keepsResult: Bool = true, acksLate: Bool = true,
        _ body: @escaping @Sendable (TaskArguments, TaskContext) async throws -> Void
    ) {
        self.init(
            name, maxRetries: maxRetries, backoff: backoff, softLimit: softLimit, hardLimit: hardLimit,
            rateLimit: rateLimit, keepsResult: keepsResult, acksLate: acksLate
        ) { arguments, context -> JSON in
            try await body(arguments, context)
            return .null
        }
    }
}

/// How often a task begins.
public struct TaskRate: Sendable, Equatable {
    let limit: RateLimit?

    /// So many each second; a count that is not above zero limits nothing, as with the others.
    public static func perSecond(_ count: Double) -> TaskRate { TaskRate(limit: RateLimit(count, per: .second)) }
    public static func perMinute(_ count: Double) -> TaskRate { TaskRate(limit: RateLimit(count, per: .minute)) }
    public static func perHour(_ count: Double) -> TaskRate { TaskRate(limit: RateLimit(count, per: .hour)) }
}

/// Thrown by a task that is to be run again.
public struct TaskRetry: Error, Sendable {
    /// How long from now; nil: as the task's back-off says.
    public var delay: Duration?
    /// What is told to whoever looks at the task meanwhile.
    public var reason: String

    public init(after delay: Duration? = nil, reason: String = "") {
        self.delay = delay
        self.reason = reason
    }
}
