import Foundation
import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletWire
import NIOCore
import Synchronization
import Testing

@testable import MartletTasks

/// A worker with tasks of the test's own, on a broker of its own.
struct WorkerStage: Sendable {
    let worker: TaskWorker
    let broker: TaskBroker
    let client: TaskBroker

    static func settings(_ change: (inout TaskWorkerSettings) -> Void = { _ in }) -> TaskWorkerSettings {
        var settings = TaskWorkerSettings(name: "w1@host", queues: ["celery"], desk: DeskPolicy())
        settings.desk.slots = 4
        settings.mingles = false
        settings.drain = .milliseconds(200)
        change(&settings)
        return settings
    }

    /// Runs a worker while `body` does; then it is drained, and has to end by itself.
    static func run(
        _ tasks: FakeTasks = FakeTasks(), _ change: (inout TaskWorkerSettings) -> Void = { _ in },
        _ body: @escaping @Sendable (WorkerStage) async throws -> Void
    ) async throws {
        let settings = settings(change)
        try await LiveBroker.run { live in
            try await run(tasks, settings, on: live, body)
        }
    }

    static func run(
        _ tasks: FakeTasks, _ settings: TaskWorkerSettings, on live: LiveBroker,
        _ body: @escaping @Sendable (WorkerStage) async throws -> Void
    ) async throws {
        try await run(tasks, settings, at: live.url, body)
    }

    static func run(
        _ tasks: FakeTasks, _ settings: TaskWorkerSettings, at url: RedisURL,
        _ body: @escaping @Sendable (WorkerStage) async throws -> Void
    ) async throws {
        let (broker, client) = (TaskBroker.test(url), TaskBroker.test(url))
        let worker = TaskWorker(settings: settings, broker: broker, executors: [tasks], logger: LiveBroker.quiet)
        let stage = WorkerStage(worker: worker, broker: broker, client: client)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await worker.run() }
            group.addTask {
                do {
                    try await stage.isRunning()
                    try await body(stage)
                } catch {
                    await worker.drain()
                    throw error
                }
                await worker.drain()
            }
            try await group.waitForAll()
        }
        await broker.close()
        await client.close()
    }

    // MARK: What a client does

    func isRunning() async throws {
        try await holds { $0.worker.status().state == .running }
        try await holds { stage in
            // Of this worker, or of one that was there before.
            try await stage.client.say("PUBSUB NUMSUB /0.celery.pidbox").elements.last?.wholeNumber ?? 0 > 0
        }
    }

    /// Waits until something holds that cannot be awaited otherwise.
    func holds(_ condition: (WorkerStage) async throws -> Bool) async throws {
        let end = Instant.current + .seconds(20)
        while try await !condition(self) {
            guard Instant.current < end else { throw Overdue() }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    struct Overdue: Error {}

    @discardableResult
    func send(
        _ name: String, _ args: JSONValue = [], id: String = RandomID.make(),
        _ change: (inout OutgoingTask) -> Void = { _ in }
    ) async throws -> String {
        var task = OutgoingTask(name: name, id: id, args: RawJSON(args))
        change(&task)
        try await client.publish([
            (
                key: task.listKey(), queue: task.queue ?? "celery",
                message: ByteBuffer(bytes: task.message(deliveryTag: RandomID.make(), now: TaskBooks.now))
            )
        ])
        return id
    }

    /// What `apply_async` of a signature does.
    func apply(_ signature: Signature) async throws -> CanvasSteps {
        let steps = try Canvas.publishing(signature, worker.books.context())
        try await worker.ledger.prepare(steps)
        try await client.publish(worker.books.messages(steps.tasks))
        return steps
    }

    /// The result as it is stored, when nothing more will come of the task.
    func result(of id: String) async throws -> TaskResult {
        let found = Mutex<TaskResult?>(nil)
        try await holds { stage in
            guard let stored = try await stage.client.result(of: id) else { return false }
            let result = try TaskResult(parsing: Array(buffer: stored))
            found.withLock { $0 = result }
            return result.state.isReady
        }
        return try #require(found.withLock { $0 })
    }

    /// The stored JSON, its date replaced.
    func json(of id: String) async throws -> String {
        _ = try await result(of: id)
        let stored = try #require(try await client.result(of: id))
        return String(buffer: stored).replacing(#/"date_done": "[^"]+"/#, with: "\"date_done\": DATE")
    }

    /// How many commands the broker has carried out.
    func commands() async throws -> Int {
        let text = try await client.say("INFO stats").string ?? ""
        let line = text.split(whereSeparator: \.isNewline).first { $0.hasPrefix("total_commands_processed:") }
        return try #require(line.flatMap { Int($0.split(separator: ":").last ?? "") })
    }

    func counters(_ name: String) -> TaskWorkerStatus.Counters { worker.status().counters[name] ?? .init() }
}

/// Tasks that are closures.
struct FakeTasks: TaskExecutor {
    typealias Handler = @Sendable (TaskRun) async -> TaskOutcome

    var handlers: [String: Handler] = Self.usual
    var change: @Sendable (inout TaskDescription) -> Void = { _ in }
    /// Of tasks that are run together; nil: one after the other.
    var batch: (@Sendable ([TaskRun]) async -> [TaskOutcome])?

    init(_ own: [String: Handler] = [:], change: @escaping @Sendable (inout TaskDescription) -> Void = { _ in }) {
        handlers.merge(own) { $1 }
        self.change = change
    }

    var tasks: [TaskDescription] {
        handlers.keys.map { name in
            var description = TaskDescription(name: name)
            change(&description)
            return description
        }
    }

    func run(_ run: TaskRun) async -> TaskOutcome {
        await handlers[run.message.name]?(run) ?? .failure(TaskFailure("KeyError", "no handler"), runtime: 0)
    }

    func run(batch runs: [TaskRun]) async -> [TaskOutcome] {
        if let batch { return await batch(runs) }
        var outcomes: [TaskOutcome] = []
        for one in runs { outcomes.append(await run(one)) }
        return outcomes
    }

    private static let usual: [String: Handler] = [
        "add": { run in .success(RawJSON(.integer(sum(run.message.args.value))), runtime: 0.25) },
        "xsum": { run in .success(RawJSON(.integer(sum(run.message.argument(0) ?? .null))), runtime: 0) },
        "echo": { run in .success(run.message.args, runtime: 0) },
        "fail": { _ in
            .failure(TaskFailure("ValueError", "bad z", traceback: "Traceback: here"), runtime: 0)
        },
    ]

    private static func sum(_ value: JSONValue) -> Int64 {
        guard case .array(let values) = value else { return 0 }
        return values.reduce(0) { sum, value in
            if case .integer(let number) = value { sum + number } else { sum }
        }
    }

    /// Runs until it is cancelled.
    static func endless(_ begun: Signal, end: TaskOutcome = .cancelled) -> Handler {
        { _ in
            begun.notify()
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(60)) }
            return end
        }
    }
}

extension Signature {
    static func of(
        _ task: String, _ args: [JSONValue] = [], id: String? = nil, immutable: Bool = false
    ) -> Signature {
        var signature = Signature(task: task, args: args.map { RawJSON($0) }, isImmutable: immutable)
        signature.id = id
        return signature
    }

    static func chain(_ steps: [Signature]) -> Signature {
        Signature(task: "celery.chain", kwargs: RawObject([("tasks", list(steps))]), subtaskType: "chain")
    }

    static func group(_ members: [Signature]) -> Signature {
        Signature(task: "celery.group", kwargs: RawObject([("tasks", list(members))]), subtaskType: "group")
    }

    static func chord(_ header: [Signature], _ body: Signature, id: String = "g1") -> Signature {
        var chord = Signature(
            task: "celery.chord",
            kwargs: RawObject([("kwargs", .emptyObject), ("header", list(header)), ("body", body.json)]),
            subtaskType: "chord")
        chord.id = id
        return chord
    }

    private static func list(_ signatures: [Signature]) -> RawJSON { RawJSON(list: signatures.map(\.json)) }
}
