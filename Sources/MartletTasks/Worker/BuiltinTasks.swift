import MartletBase
import MartletLogic
import MartletWire
import NIOCore

/// The tasks that every worker of Celery knows, for apps that do not bring them, such as `celery.chunks`.
struct BuiltinTasks: TaskExecutor {
    private let executors: [any TaskExecutor]

    init(_ executors: [any TaskExecutor]) {
        self.executors = executors
    }

    var tasks: [TaskDescription] { BuiltinTask.allCases.map { TaskDescription(name: $0.rawValue) } }

    func run(_ run: TaskRun) async -> TaskOutcome {
        guard let task = BuiltinTask(rawValue: run.message.name) else {
            return .failure(.notRegistered(run.message.name), runtime: 0)
        }
        let clock = ContinuousClock()
        let start = clock.now
        let context = CanvasContext(
            of: run.message, replyTo: run.message.replyTo ?? "", origin: run.message.origin ?? "",
            now: TaskBooks.now, newID: RandomID.make)
        switch task.work(run.message, context) {
        case .value(let value): return .success(value, runtime: (clock.now - start).inSeconds)
        case .publishes(let steps, let result):
            return .publishing(steps, result: result, runtime: (clock.now - start).inSeconds)
        case .failure(let failure): return .failure(failure, runtime: 0)
        case .calls(let name, let arguments):
            return await call(name, arguments, run) { (clock.now - start).inSeconds }
        }
    }

    /// One after the other; the first that fails ends it.
    private func call(
        _ name: String, _ arguments: [RawJSON], _ run: TaskRun, runtime: () -> Double
    ) async -> TaskOutcome {
        guard let executor = executors.first(where: { $0.tasks.contains { $0.name == name } }) else {
            return .failure(.notRegistered(name), runtime: runtime())
        }
        var values: [RawJSON] = []
        for list in arguments {
            guard !Task.isCancelled else { return .cancelled }
            guard let call = Self.run(run, as: name, list) else {
                return .failure(.invalidTask("arguments that cannot be read"), runtime: runtime())
            }
            let outcome = await executor.run(call)
            guard case .success(let value, _) = outcome else { return outcome }
            values.append(value)
        }
        return .success(RawJSON(list: values), runtime: runtime())
    }

    /// The run with another task in its message.
    private static func run(_ run: TaskRun, as name: String, _ arguments: RawJSON) -> TaskRun? {
        let task = OutgoingTask(name: name, id: run.message.id, args: arguments)
        let bytes = task.message(deliveryTag: run.message.deliveryTag, now: TaskBooks.now)
        guard let message = try? TaskMessage(bytes) else { return nil }
        var call = run
        call.message = message
        call.bytes = ByteBuffer(bytes: bytes)
        return call
    }
}
