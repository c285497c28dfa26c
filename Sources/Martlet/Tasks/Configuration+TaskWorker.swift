import MartletLogic
import MartletWorkers

/// How the processes of a worker of tasks are kept.
package struct WorkerProcessOptions: Sendable {
    /// A process is replaced after so many tasks; nil: what the app says, or never.
    package var maximumTasks: Int?
    /// A process is replaced when it has more resident bytes; nil: what the app says, or never.
    package var maximumBytes: Int?
    /// Where they run; nil: where Martlet does.
    package var directory: String?

    package init() {}
}

extension Configuration {
    /// What `martlet worker` means: processes for the app's tasks, and no address that clients could ask.
    ///
    /// - Parameter file: A configuration whose models tasks may ask; nil: none.
    static func taskWorker(
        _ app: String?, python: String?, options: TaskServiceOptions, process: WorkerProcessOptions, file: String?,
        environment: [String: String]
    ) throws(ConfigurationError) -> Configuration {
        var configuration: Configuration
        if let file {
            configuration = try load(file: file, environment: environment)
        } else {
            configuration = try embedded([], environment: environment)
        }
        configuration.listen = []
        guard let app else { return configuration }
        let served = try Configuration.app(app, isProgram: false, python: python, environment: environment)
        for var workers in served.workers {
            workers.environment.merge(options.environment(environment)) { $1 }
            workers.workersPerDevice = options.autoscale.map { max(1, $0.lowerBound) } ?? options.concurrency
            workers.recycle.requests = process.maximumTasks
            workers.recycle.memory = process.maximumBytes
            workers.directory = process.directory ?? workers.directory
            workers.isToolForAssistants = false
            // Whoever ended a task has told its client already.
            workers.killAfter = killAfter
            workers.policy = processPolicy(workers.policy)
            configuration.workers.append(workers)
        }
        return configuration
    }

    /// A function that was stopped may tidy up for so long; a Celery app's process ends at once by itself.
    private static let killAfter: Duration = .seconds(5)

    /// Processes of tasks are ended as a matter of course, at a hard limit or by a revocation: the next one comes soon,
    /// however often that was.
    private static func processPolicy(_ former: BackendPolicy) -> BackendPolicy {
        var policy = former
        policy.backoffFirst = .milliseconds(100)
        policy.backoffMaximum = .seconds(2)
        policy.breakerInterval = .seconds(2)
        return policy
    }
}
