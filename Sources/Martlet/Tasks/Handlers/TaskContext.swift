import MartletBase
import MartletGateway
import MartletNet
import MartletTasks
public import MartletWire
import NIOCore

/// One run of a task: what it may know of itself, tell, and ask.
public struct TaskContext: Sendable {
    /// The same at each retry.
    public let id: String
    public let name: String
    /// 0 the first time.
    public let retries: Int
    /// How often the task was handed to a worker, this time included: more than once after a worker died with it.
    public let deliveries: Int
    /// All of the message's headers, an object.
    public let headers: JSON
    /// How long it may run, from its start; nil: as long as it likes.
    public let remaining: Duration?

    private let softDeadline: Instant?
    private let tell: @Sendable (RawJSON) async -> Void
    private let dispatch: Dispatch

    init(_ run: TaskRun, dispatch: Dispatch) {
        id = run.message.id
        name = run.message.name
        retries = run.message.retries
        deliveries = run.deliveries
        headers = run.message.headers.json.value
        remaining = run.deadline == .never ? nil : run.deadline - .current
        softDeadline = run.softDeadline
        tell = run.progress
        self.dispatch = dispatch.inBackground().until(run.deadline)
    }

    /// Whether the task's soft time limit is over: it should come to its end by itself.
    public var isNearItsEnd: Bool { softDeadline.map { $0 <= .current } ?? false }

    /// Throws `CancellationError` once nobody wants the task any more. Cheap: call it between steps.
    public func check() throws { try Task.checkCancellation() }

    /// Tells how far the task is: it has the state `PROGRESS` with this value until it ends. Celery's clients find it
    /// as `result.info`.
    ///
    /// - Throws: `EncodingError`, where the value has no form as JSON.
    public func progress(_ value: some Encodable & Sendable) async throws {
        await tell(RawJSON(try JSON(of: value)))
    }

    /// Asks a model of this server, through its admission and queues, at background priority.
    ///
    /// - Parameters:
    ///   - path: Such as `/v1/chat/completions`.
    ///   - body: The request, as JSON.
    /// - Returns: The answer, which has to be JSON of at most 16 MiB.
    /// - Throws: ``ModelError``, where the answer is none of success.
    public func ask(_ path: String, _ body: JSON) async throws -> JSON {
        try await dispatch.post(path, body) { answer in
            var bytes: [UInt8] = []
            for try await piece in answer {
                guard bytes.count + piece.readableBytes <= 16 << 20 else {
                    throw ModelError(status: 502, code: "answer_too_long", message: "the answer has more than 16 MiB")
                }
                bytes += piece.readableBytesView
            }
            return try JSON.parse(bytes)
        }
    }
}
