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
import NIOCore
import Synchronization

/// The desk of tasks of a server, and what it stands on: the broker, the connections to it, and the worker that asks
/// this server's own routes for tasks. All of it is nothing where the configuration has no `tasks`.
final class TaskFront: Sendable {
    /// Requests to routes that are asked at a time: they wait in the pools, at background priority.
    private static let requests = 32

    private struct Opened: Sendable {
        var url: RedisURL
        var desk: TaskDesk
        var broker: TaskBroker
        /// The same one, where results are in the same database.
        var results: TaskBroker
        var inside: BrokerInside?
        /// nil: nothing is to be handed in again and again.
        var cron: CronDriver?
    }

    private let opened = Mutex<Opened?>(nil)

    /// nil: there are no tasks, or not yet.
    var desk: TaskDesk? { opened.withLock { $0?.desk } }
    var cron: CronDriver? { opened.withLock { $0?.cron } }
    /// Where tasks are; nil: as above.
    var url: RedisURL? { opened.withLock { $0?.url } }

    /// Opens what the configuration has. Connections are made when they are needed.
    ///
    /// - Throws: what keeps the broker of this process from serving.
    func open(
        _ configuration: Configuration, on group: any EventLoopGroup, client: HTTPClient, resolver: NameResolver,
        logger: Logger
    ) async throws {
        guard let tasks = configuration.tasks else { return }
        var inside: BrokerInside?
        let url: RedisURL
        switch tasks.broker {
        case .redis(let given): url = given
        case .own(let broker):
            let started = try await BrokerInside.start(broker, logger: logger)
            inside = started
            url = started.url
        }
        let broker = TaskBroker(url, on: group, logger: logger)
        var results = broker
        if tasks.results != url.database {
            var place = url
            place.database = tasks.results
            results = TaskBroker(place, on: group, logger: logger)
        }
        let settings = TaskDeskSettings(tasks, database: url.database)
        var webhooks: any WebhookSender = NoWebhooks()
        if tasks.webhooks != nil {
            webhooks = HTTPWebhooks(settings.webhooks, client: client, resolver: resolver)
        }
        let desk = TaskDesk(
            broker: broker, results: results, settings: settings, history: TaskHistory(tasks, logger: logger),
            webhooks: webhooks, logger: logger)
        await desk.openHistory()
        var cron: CronDriver?
        if !tasks.cron.isEmpty {
            let name = "\(NodeName.host):\(ProcessInfo.processInfo.processIdentifier)"
            cron = CronDriver(tasks.cron, desk: desk, name: name)
        }
        let all = Opened(url: url, desk: desk, broker: broker, results: results, inside: inside, cron: cron)
        opened.withLock { $0 = all }
    }

    /// The desk's own work, and the broker's life, until the task is cancelled.
    func run() async {
        let inside = opened.withLock { $0?.inside }
        async let _ = inside?.run()
        async let _ = cron?.run()
        await desk?.run()
    }

    /// For Celery's programs on this machine; nil: the broker is none of this process.
    var brokerURL: String? { opened.withLock { $0?.inside?.url.text } }

    /// The numbers of the broker of this process; nil: it has none.
    func brokerReadings() async -> Readings.Broker? {
        await opened.withLock { $0?.inside }?.figures().map { Readings.Broker($0) }
    }

    /// The numbers of the history; nil: none is kept.
    func historyReadings() -> Readings.TaskHistory? {
        guard let figures = desk?.historyFigures else { return nil }
        var readings = Readings.TaskHistory()
        (readings.tasks, readings.written) = (figures.tasks, figures.written)
        (readings.missed, readings.failures) = (figures.missed, figures.failures)
        return readings
    }

    /// The numbers of cron; nil: it has no entries.
    func cronReadings() -> Readings.Cron? {
        guard let figures = cron?.figures() else { return nil }
        return Readings.Cron(
            isLeader: figures.isLeader,
            entries: figures.entries.map { .init($0.name, runs: $0.runs, missed: $0.missed) })
    }

    /// After the last request: connections, then the broker.
    func close() async {
        guard let opened = opened.withLock({ $0 }) else { return }
        await opened.cron?.close()
        if opened.results !== opened.broker { await opened.results.close() }
        await opened.broker.close()
        await opened.inside?.stop()
    }

    /// What runs the worker for requests to this server's routes; nil: there are no tasks.
    func requestWorker(
        _ routes: RoutesInForce, caller: InnerCaller, on group: any EventLoopGroup, haste: Haste,
        among workers: WorkersAtWork, logger: Logger
    ) -> RequestService? {
        guard let opened = opened.withLock({ $0 }) else { return nil }
        return RequestService(workers: workers, logger: logger) {
            Self.requestWorker(opened, routes, caller: caller, on: group, haste: haste, logger: logger)
        }
    }

    private static func requestWorker(
        _ opened: Opened, _ routes: RoutesInForce, caller: InnerCaller, on group: any EventLoopGroup, haste: Haste,
        logger: Logger
    ) -> TaskService {
        var options = TaskServiceOptions()
        options.queues = [opened.desk.settings.requestQueue]
        options.name = "requests@%h"
        options.mingles = false
        options.gossips = false
        options.obeysShutdown = false
        let settings = options.settings(
            nil, slots: requests, broker: opened.url, version: BuildInfo.current.version)
        // Its own connections: the desk's must not wait for tasks.
        let client = TaskBroker(opened.url, on: group, logger: logger)
        let executors = [ModelCalls(routes: routes, caller: caller)]
        let results = opened.results === opened.broker ? nil : opened.results
        let worker = TaskWorker(
            settings: settings, broker: client, results: results, executors: executors, logger: logger)
        return TaskService(worker: worker, brokers: [client], pools: [], haste: haste, ready: {}, logger: logger)
    }
}

extension TaskHistory {
    /// nil: none is kept.
    fileprivate convenience init?(_ tasks: TasksConfiguration, logger: Logger) {
        guard let history = tasks.history else { return nil }
        var file = history.file
        if file == nil, case .own(let broker) = tasks.broker { file = broker.store + "/history.sqlite" }
        var policy = HistoryPolicy()
        policy.age = Double(history.days) * 86_400
        policy.tasks = history.tasks
        let path = URL(fileURLWithPath: file ?? BrokerConfiguration().store + "/history.sqlite").path
        self.init(file: path, policy: policy, logger: logger)
    }
}

extension TaskDeskSettings {
    init(_ tasks: TasksConfiguration, database: Int) {
        self.init()
        self.database = database
        defaultQueue = tasks.queue
        watchesEvents = tasks.watchesEvents
        desiredWorkers = tasks.wantedWorkers
        wait = tasks.wait
        webhooks.allowsPrivateAddresses = tasks.webhooks?.allowsPrivateAddresses ?? false
        webhooks.secret = tasks.webhooks?.secret
    }
}
