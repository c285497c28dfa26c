import Foundation
package import MartletLogic
import MartletNet
import MartletTasks
import MartletWorkers

/// What a worker of tasks is told, whoever starts it.
package struct TaskServiceOptions: Sendable {
    /// Where tasks come from where nothing says it.
    private static let usualBroker = "redis://127.0.0.1:6379/0"
    static let usualQueue = "celery"

    /// A URL, instead of the app's own; nil: that, or what the environment says.
    package var broker: String?
    /// Instead of the app's own; empty: those.
    package var queues: [String] = []
    package var excludedQueues: Set<String> = []
    /// Tasks that run at one time; nil: what the app says, or as many as cores.
    package var concurrency: Int?
    package var autoscale: ClosedRange<Int>?
    /// Comes before the bounds of `autoscale`; nil: no matter what processes cost.
    package var budget: TaskBudget?
    /// The node name, as `-n` has it; nil: `celery@` and the name of this machine.
    package var name: String?
    /// In seconds.
    package var softLimit: Double?
    package var hardLimit: Double?
    package var prefetch = 1
    /// How many tasks of a queue begin in a time, in all workers together.
    package var queueRates: [String: RateLimit] = [:]
    package var maximumDeliveries = DeskPolicy().maximumDeliveries
    /// A Celery app says which of its tasks are acknowledged before they run; otherwise none is.
    package var acksAsApp = false
    package var sendsTaskEvents = false
    package var sendsEvents = true
    package var mingles = true
    package var gossips = true
    /// Remote control may end the worker, and with it what else its process serves.
    package var obeysShutdown = true
    /// How long a stop waits for tasks that run.
    package var drain: Duration = .seconds(60)
    /// What programs tasks may start; nil: none.
    package var shell: ShellPolicy?
    /// The level of the apps' own logs, as Celery calls it.
    package var logLevel = "INFO"
    var handlers: [TaskHandler] = []

    package init() {}

    /// `cpu_queue=10/s`: how many tasks of a queue begin in a time, in all workers together. False: it is none.
    package mutating func addQueueRate(_ text: String) -> Bool {
        guard let sign = text.lastIndex(of: "="), sign > text.startIndex,
            let limit = try? TaskRateText.parse(String(text[text.index(after: sign)...]))
        else { return false }
        queueRates[String(text[..<sign])] = limit
        return true
    }

    /// `20/day`, `5/hour`: what the processes of `autoscale` may cost in that time, in the unit of `processCost`.
    /// False: it is no budget.
    package mutating func setBudget(_ text: String, processCost: Double) -> Bool {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let limit = Double(parts[0]), limit >= 0, limit.isFinite,
            let period = TaskBudget.Period(rawValue: String(parts[1])), processCost > 0, processCost.isFinite
        else { return false }
        budget = TaskBudget(costPerWorkerHour: processCost, limit: limit, period: period)
        return true
    }

    /// Where tasks come from, where neither the person who starts the worker nor the app says it.
    static func otherBroker(_ environment: [String: String]) -> String {
        ["MARTLET_BROKER", "CELERY_BROKER_URL"].lazy.compactMap { environment[$0] }.first { !$0.isEmpty } ?? usualBroker
    }

    /// - Parameter configured: What this server's own configuration says; nil: nothing.
    func brokerURL(
        _ app: TaskAppSettings?, besides configured: RedisURL? = nil, _ environment: [String: String]
    ) throws -> RedisURL {
        let own = app?.broker_url.flatMap { $0.isEmpty ? nil : $0 }
        if broker == nil, own == nil, let configured { return configured }
        do {
            return try RedisURL(broker ?? own ?? Self.otherBroker(environment))
        } catch {
            throw TaskMistake("\(error); tasks come from Martlet's broker or from Redis: say which with --broker")
        }
    }

    /// Where results go that Martlet stores; nil: to the broker. An app may have another database for them.
    static func resultsURL(_ app: TaskAppSettings?, besides broker: RedisURL) -> RedisURL? {
        guard let text = app?.result_backend, text.hasPrefix("redis"), let url = try? RedisURL(text) else { return nil }
        return url == broker ? nil : url
    }

    /// What queues the worker takes from, in order.
    func queues(_ app: TaskAppSettings?) -> [String] {
        var wanted = queues
        if wanted.isEmpty {
            wanted = app?.queues?.map(\.name) ?? []
            for queue in app?.tasks.compactMap(\.queue) ?? [] where !wanted.contains(queue) { wanted.append(queue) }
        }
        if wanted.isEmpty { wanted = [app?.default_queue ?? Self.usualQueue] }
        return wanted.filter { !excludedQueues.contains($0) }
    }

    /// Celery's own lines of settings.
    func settings(_ app: TaskAppSettings?, slots: Int, broker: RedisURL, version: String) -> TaskWorkerSettings {
        var desk = DeskPolicy()
        desk.slots = autoscale?.lowerBound ?? slots
        desk.autoscale = autoscale
        desk.prefetch = prefetch
        desk.queueRates = queueRates
        desk.softLimit = softLimit
        desk.hardLimit = hardLimit
        desk.maximumDeliveries = maximumDeliveries
        desk.seed = .random(in: .min ... .max)
        // A broker that is away for a while must not end what runs; a result from a lost lease is refused anyway.
        desk.outlivesSilence = true
        var settings = TaskWorkerSettings(name: nodeName, queues: queues(app), desk: desk)
        settings.scale.budget = budget
        settings.acksAsApp = acksAsApp
        settings.drain = drain
        settings.defaultQueue = app?.default_queue ?? Self.usualQueue
        if let expires = app?.result_expires { settings.resultExpires = .seconds(expires) }
        settings.sendsTaskEvents = sendsTaskEvents || app?.send_task_events ?? false
        settings.sendsEvents = sendsEvents
        settings.mingles = mingles
        settings.gossips = gossips
        settings.obeysShutdown = obeysShutdown
        settings.database = broker.database
        settings.brokerHost = broker.host
        settings.brokerPort = broker.port
        settings.configuration = (app?.conf ?? [:]).mapValues(\.words)
        settings.version = version
        return settings
    }

    var nodeName: String { NodeName.expand(name ?? NodeName.usual, host: NodeName.host) }

    /// What the processes of an app are told.
    func environment(_ own: [String: String]) -> [String: String] {
        var variables = [
            "MARTLET_TASKS": "1", "MARTLET_TASK_NODE": nodeName, "MARTLET_TASK_LOG": logLevel,
            "MARTLET_TASK_OTHER_BROKER": Self.otherBroker(own),
        ]
        variables["MARTLET_TASK_BROKER"] = broker
        return variables
    }
}

/// Something that a worker cannot begin with, and what to do about it.
package struct TaskMistake: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) {
        self.description = description
    }
}
