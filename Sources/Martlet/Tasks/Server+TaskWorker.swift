import Foundation
import Logging
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTasks
import MartletTelemetry
import MartletWire
import MartletWorkers
import NIOCore
import NIOPosix
import Synchronization

// The worker of tasks beside what else this process serves.
extension Server {
    /// Made of what is in force: the app's tasks, those of this process, requests to its routes, and programs.
    func taskService(_ options: TaskServiceOptions, haste: Haste) throws -> TaskService {
        let plan = live.withLock { $0.plan }
        let served = plan.served.first(where: \.isForTasks)
        let app = served?.app.settings.tasks
        let environment = ProcessInfo.processInfo.environment
        let broker = try options.brokerURL(app, besides: taskFront.url, environment)
        let slots = options.concurrency ?? served.map(\.api.workersPerDevice) ?? System.coreCount
        let settings = options.settings(app, slots: slots, broker: broker, version: BuildInfo.current.version)
        guard !settings.queues.isEmpty else { throw TaskMistake("no queue is left to take tasks from") }
        let executors = executors(options, hasApp: served != nil, hasRoutes: !plan.publicRoutes.isEmpty)
        let prefix = app?.broker_options?["global_keyprefix"]?.words ?? ""
        let client = TaskBroker(broker, on: group, logger: logger, prefix: prefix)
        let results = TaskServiceOptions.resultsURL(app, besides: broker).map {
            TaskBroker($0, on: group, logger: logger, prefix: prefix)
        }
        let worker = TaskWorker(
            settings: settings, broker: client, results: results, executors: executors, logger: logger)
        taskWorkers.add(worker)
        let summary = TaskSummary(settings: settings, broker: broker, executors: executors)
        return TaskService(
            worker: worker, brokers: [client] + (results.map { [$0] } ?? []),
            pools: served.map { api in plan.own.map(\.pool).filter { $0.name == api.name } } ?? [], haste: haste,
            ready: { summary.tell() }, logger: logger)
    }

    private func executors(
        _ options: TaskServiceOptions, hasApp: Bool, hasRoutes: Bool
    ) -> [any TaskExecutor] {
        var executors: [any TaskExecutor] = []
        let caller = InnerCaller(loops)
        if hasApp {
            executors.append(
                PythonTasks(
                    home: { [self] in taskHome }, routes: routes, caller: caller, backends: backends,
                    reload: { [self] in try await apply(live.withLock { $0.configuration }) },
                    acksAsApp: options.acksAsApp))
        }
        if !options.handlers.isEmpty {
            executors.append(HandlerTasks(options.handlers, dispatch: Dispatch(loops, routes)))
        }
        if hasRoutes { executors.append(ModelCalls(routes: routes, caller: caller)) }
        if let shell = options.shell { executors.append(ShellTasks(policy: shell, withheld: OwnVariables.secrets)) }
        return executors
    }

    private var taskHome: PythonTasks.Home? {
        live.withLock { live in
            guard let api = live.plan.served.first(where: \.isForTasks), let app = api.app.settings.tasks else {
                return nil
            }
            return PythonTasks.Home(name: api.name, path: api.path, app: app)
        }
    }
}

/// What a person needs to know of a worker that has begun.
struct TaskSummary: Sendable {
    private static let most = 20

    let settings: TaskWorkerSettings
    let broker: String
    let executors: [any TaskExecutor]

    init(settings: TaskWorkerSettings, broker: RedisURL, executors: [any TaskExecutor]) {
        self.settings = settings
        self.broker = broker.text
        self.executors = executors
    }

    func tell() {
        FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    var lines: [String] {
        let bounds = settings.desk.autoscale
        let slots = bounds.map { "\($0.lowerBound) to \($0.upperBound)" } ?? "\(settings.desk.slots)"
        // Celery's own are in every app.
        let names = Set(executors.flatMap(\.tasks).map(\.name)).filter { !$0.hasPrefix("celery.") }.sorted()
        let more = names.count > Self.most ? " and \(names.count - Self.most) more" : ""
        return [
            "worker       \(settings.name)",
            "broker       \(broker)",
            "queues       \(settings.queues.joined(separator: ", "))",
            "concurrency  \(slots)",
            "tasks        \(names.prefix(Self.most).joined(separator: ", "))\(more)",
            "ready",
        ]
    }
}
