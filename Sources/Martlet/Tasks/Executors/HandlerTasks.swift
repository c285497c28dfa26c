import MartletBase
import MartletNet
import MartletTasks
import MartletWire

/// The tasks that this process runs itself.
struct HandlerTasks: TaskExecutor {
    private let handlers: [String: TaskHandler]
    private let dispatch: Dispatch

    init(_ handlers: [TaskHandler], dispatch: Dispatch) {
        self.handlers = Dictionary(handlers.map { ($0.description.name, $0) }) { $1 }
        self.dispatch = dispatch
    }

    var tasks: [TaskDescription] { handlers.values.map(\.description).sorted { $0.name < $1.name } }

    func run(_ run: TaskRun) async -> TaskOutcome {
        guard let handler = handlers[run.message.name] else {
            return .failure(.notRegistered(run.message.name), runtime: 0)
        }
        guard case .single(let body) = handler.work else { return await self.run(batch: [run]).first ?? .cancelled }
        let began = Instant.current
        let result: Result<JSON, any Error>
        do {
            result = .success(try await body(TaskArguments(run.message), TaskContext(run, dispatch: dispatch)))
        } catch {
            result = .failure(error)
        }
        return TaskOutcome(result, runtime: (Instant.current - began).inSeconds)
    }

    func run(batch: [TaskRun]) async -> [TaskOutcome] {
        guard let name = batch.first?.message.name, case .batch(let body)? = handlers[name]?.work else {
            return batch.map { .failure(.notRegistered($0.message.name), runtime: 0) }
        }
        let began = Instant.current
        var results: [Result<JSON, any Error>]
        do {
            let calls = batch.map { run in
                TaskCall(arguments: TaskArguments(run.message), context: TaskContext(run, dispatch: dispatch))
            }
            results = try await body(calls)
            guard results.count == batch.count else {
                throw BatchMismatch(calls: batch.count, results: results.count)
            }
        } catch {
            results = batch.map { _ in .failure(error) }
        }
        let runtime = (Instant.current - began).inSeconds
        return results.map { TaskOutcome($0, runtime: runtime) }
    }
}

/// A handler has not returned as many results as it was given calls.
struct BatchMismatch: Error, CustomStringConvertible {
    let calls: Int
    let results: Int

    var description: String { "\(results) results were returned for a batch of \(calls)" }
}

extension TaskOutcome {
    /// What a closure returned or threw.
    fileprivate init(_ result: Result<JSON, any Error>, runtime: Double) {
        switch result {
        case .success(let value): self = .success(RawJSON(value), runtime: runtime)
        case .failure(let retry as TaskRetry):
            let failure = TaskFailure("Retry", module: "celery.exceptions", retry.reason)
            self = .retry(failure, delay: retry.delay?.inSeconds)
        case .failure(let error):
            let isCancelled = Task.isCancelled || error is CancellationError
            self = isCancelled ? .cancelled : .failure(TaskFailure(of: error), runtime: runtime)
        }
    }
}

extension TaskFailure {
    /// An error of Swift's, as Celery's clients can raise it.
    init(of error: any Error) {
        switch error {
        case let error as TaskArgumentError: self.init("TypeError", error.description)
        case let error as ModelError: self.init("ConnectionError", error.description)
        case let error as BatchMismatch: self.init("ValueError", error.description)
        default: self.init("RuntimeError", "\(Swift.type(of: error)): \(error)")
        }
    }
}
