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
        let began = Instant.current
        do {
            let value = try await handler.body(TaskArguments(run.message), TaskContext(run, dispatch: dispatch))
            return .success(RawJSON(value), runtime: (Instant.current - began).inSeconds)
        } catch let retry as TaskRetry {
            let failure = TaskFailure("Retry", module: "celery.exceptions", retry.reason)
            return .retry(failure, delay: retry.delay?.inSeconds)
        } catch {
            if Task.isCancelled || error is CancellationError { return .cancelled }
            return .failure(TaskFailure(of: error), runtime: (Instant.current - began).inSeconds)
        }
    }
}

extension TaskFailure {
    /// An error of Swift's, as Celery's clients can raise it.
    init(of error: any Error) {
        switch error {
        case let error as TaskArgumentError: self.init("TypeError", error.description)
        case let error as ModelError: self.init("ConnectionError", error.description)
        default: self.init("RuntimeError", "\(Swift.type(of: error)): \(error)")
        }
    }
}
