import MartletBase
import MartletLogic
import MartletTasks
import MartletWire

/// One of the calls that a ``TaskHandler`` for batches gets.
public struct TaskCall: Sendable {
    public let arguments: TaskArguments
    /// Of this task alone: its id, its progress.
    public let context: TaskContext
}

/// How many tasks one call gets.
public struct TaskBatch: Sendable, Equatable {
    let rule: BatchRule

    /// - Parameters:
    ///   - size: At most so many; at least 1.
    ///   - timeout: So long the first of them waits for others.
    public init(size: Int, timeout: Duration = .milliseconds(200)) {
        rule = BatchRule(size: size, timeout: timeout)
    }
}

extension TaskHandler {
    /// A task of which many are run in one call, such as texts that a model embeds together.
    ///
    ///     TaskHandler("embed", batch: TaskBatch(size: 64)) { calls in
    ///         let texts: [String] = try calls.map { try $0.arguments.value("text", at: 0) }
    ///         return try await embed(texts).map { .success($0) }
    ///     }
    ///
    /// It returns one result for each call, in their order; a failure ends that task alone, and a ``TaskRetry`` among
    /// them has it run again. What it throws holds for all of them, and so do the limits.
    ///
    /// The parameters that are not explained here are those of
    /// ``init(_:maxRetries:backoff:softLimit:hardLimit:rateLimit:keepsResult:acksLate:_:)``.
    public init<Value: Encodable & Sendable>(
        _ name: String, batch: TaskBatch, maxRetries: Int? = 3, backoff: Duration = .seconds(1),
        softLimit: Duration? = nil, hardLimit: Duration? = nil, rateLimit: TaskRate? = nil, keepsResult: Bool = true,
        acksLate: Bool = true,
        _ body: @escaping @Sendable ([TaskCall]) async throws -> [Result<Value, any Error>]
    ) {
        // The rules are those of any task.
        var description = TaskHandler(
            name, maxRetries: maxRetries, backoff: backoff, softLimit: softLimit, hardLimit: hardLimit,
            rateLimit: rateLimit, keepsResult: keepsResult, acksLate: acksLate
        ) { _, _ in }.description
        description.rules.batch = batch.rule
        self.init(
            description: description,
            work: .batch { calls in
                try await body(calls).map { result in result.flatMap { value in Result { try JSON(of: value) } } }
            })
    }
}
