import ArgumentParser
import Foundation
import Martlet

struct WorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker",
        abstract: "Run tasks from a queue: a Celery app as it is, functions with @task, requests to models.",
        discussion: """
            The app is a file such as tasks.py, a module, or one of both with an object, as `celery -A` has it. Tasks \
            come from Martlet's broker or from Redis: where --broker says, else where the app says, else \
            MARTLET_BROKER, CELERY_BROKER_URL, else redis://127.0.0.1:6379/0. SIGTERM waits for tasks that run and \
            ends with status 0; a second one hands them back.
            """)

    @Option(name: [.customShort("A"), .long], help: "The file, such as tasks.py, or MODULE:NAME.")
    var app: String?

    @Option(name: [.customShort("b"), .long], help: "The broker's URL, such as redis://127.0.0.1:6379/0.")
    var broker: String?

    @Option(name: [.customShort("Q"), .long], help: "The queues, by commas, instead of the app's.")
    var queues: String?

    @Option(name: [.customShort("X"), .long], help: "Of the app's queues, by commas, those that are left out.")
    var excludeQueues: String?

    @Option(name: [.customShort("c"), .long], help: "Processes, each with one task at a time; as many as cores.")
    var concurrency: Int?

    @Option(name: .long, help: "MAX,MIN processes, as the load is. MAX alone: from 1 on.")
    var autoscale: String?

    @Option(name: .long, help: "What --autoscale may cost, before MIN: 20/day or 2/hour. One process stays.")
    var autoscaleBudget: String?

    @Option(name: .long, help: "What a process costs in an hour, in the unit of --autoscale-budget.")
    var processCost = 1.0

    @Option(name: .long, help: "QUEUE=10/s: so many tasks of a queue begin, in all workers together; again for each.")
    var queueRate: [String] = []

    @Option(name: .long, help: "The interpreter instead of python3, such as that of a virtual environment.")
    var python: String?

    @Option(name: [.customShort("n"), .long], help: "The worker's name; %h is this machine's. celery@%h by itself.")
    var hostname: String?

    @Flag(name: [.customShort("E"), .long], help: "Send task events from the start, and not only when asked to.")
    var taskEvents = false

    @Option(name: .long, help: "Seconds until a task's process is ended, for tasks that say nothing.")
    var timeLimit: Double?

    @Option(name: .long, help: "Seconds until SoftTimeLimitExceeded is raised in a task, for tasks that say nothing.")
    var softTimeLimit: Double?

    @Option(name: .long, help: "A process is replaced after so many tasks.")
    var maxTasksPerChild: Int?

    @Option(name: .long, help: "A process is replaced when it has more resident memory, in KiB.")
    var maxMemoryPerChild: Int?

    @Option(name: .long, help: "Tasks taken for each process; 1 leaves to others what cannot run at once.")
    var prefetchMultiplier = 1

    @Option(name: .long, help: "So often a task is given to workers that die of it; then it is a dead letter.")
    var maxDeliveries: Int?

    @Flag(name: .long, help: "Acknowledge a Celery app's tasks when it says: before they run, unless acks_late is on.")
    var acksAsApp = false

    @Option(name: .long, help: "How long an end waits for tasks that run, such as 60s.")
    var drain: String?

    @Option(name: [.customShort("l"), .long], help: "The level of the app's own log: DEBUG, INFO, WARNING, ERROR.")
    var loglevel = "INFO"

    @Option(name: .long, help: "The folder that the processes run in.")
    var workdir: String?

    @Option(name: .long, help: "A program that tasks may start (martlet.shell), again for each; `*` for any.")
    var allowShell: [String] = []

    @Option(name: .long, help: "A martlet.yaml whose models tasks may ask (martlet.request).")
    var config: String?

    @Option(name: .long, help: "The address of the console, with /status and /metrics.")
    var console: String?

    @Flag(name: .long, help: "Do not ask other workers at the start what they know.")
    var withoutMingle = false

    @Flag(name: .long, help: "Do not hear other workers' events.")
    var withoutGossip = false

    @Flag(name: .long, help: "Send no events at all.")
    var withoutHeartbeat = false

    // Of Celery's worker, where it means nothing here.

    @Option(name: [.customShort("P"), .long], help: ArgumentHelp("", visibility: .hidden))
    var pool: String?

    @Option(name: [.customShort("O"), .customLong("optimization")], help: ArgumentHelp("", visibility: .hidden))
    var optimization: String?

    @Flag(name: .long, help: ArgumentHelp("", visibility: .hidden))
    var disablePrefetch = false

    func validate() throws {
        if app == nil, allowShell.isEmpty, config == nil {
            throw ValidationError("say what runs: --app FILE, and --config or --allow-shell where there is none")
        }
        if let concurrency, concurrency < 1 { throw ValidationError("--concurrency must be 1 or more") }
        if prefetchMultiplier < 0 { throw ValidationError("--prefetch-multiplier must be 0 or more") }
        for (name, limit) in [("--time-limit", timeLimit), ("--soft-time-limit", softTimeLimit)] {
            if let limit, limit <= 0 { throw ValidationError("\(name) must be greater than 0") }
        }
        for (name, count) in [
            ("--max-tasks-per-child", maxTasksPerChild), ("--max-memory-per-child", maxMemoryPerChild),
            ("--max-deliveries", maxDeliveries),
        ] {
            if let count, count < 1 { throw ValidationError("\(name) must be 1 or more") }
        }
        if let pool, !["prefork", "processes"].contains(pool) {
            throw ValidationError("--pool \(pool) is not there: tasks run in processes, one in each at a time")
        }
        if autoscaleBudget != nil, autoscale == nil {
            throw ValidationError("--autoscale-budget bounds --autoscale: say that, too")
        }
        _ = try options()
    }

    func run() async throws {
        guard let keeper = Serving.inherit(environment: environment) else {
            let status = try Serving.supervise(arguments: CommandLine.arguments, environment: environment)
            throw ExitCode(status)
        }
        var process = WorkerProcessOptions()
        process.maximumTasks = maxTasksPerChild
        process.maximumBytes = maxMemoryPerChild.map { $0 * 1024 }
        process.directory = workdir
        let options = try options()
        let startUp = try tellingMistakes {
            try StartUp.worker(
                app, python: python, options: options, process: process, configuration: config,
                environment: environment)
        }
        do {
            try await Serving.serve(startUp, keeper: keeper)
        } catch let mistake as TaskMistake {
            FileHandle.standardError.write(Data("\(mistake)\n".utf8))
            throw ExitCode(2)
        }
    }

    private func options() throws -> TaskServiceOptions {
        var options = TaskServiceOptions()
        options.broker = broker
        options.queues = Self.words(queues)
        options.excludedQueues = Set(Self.words(excludeQueues))
        options.concurrency = concurrency
        options.autoscale = try bounds()
        if let autoscaleBudget, !options.setBudget(autoscaleBudget, processCost: processCost) {
            throw ValidationError("--autoscale-budget is such as 20/day, and --process-cost greater than 0")
        }
        for rate in queueRate where !options.addQueueRate(rate) {
            throw ValidationError("--queue-rate is QUEUE=RATE, such as cpu_queue=10/s, not '\(rate)'")
        }
        options.name = hostname
        options.softLimit = softTimeLimit
        options.hardLimit = timeLimit
        // Celery's 0 is no limit.
        options.prefetch = disablePrefetch ? 1 : prefetchMultiplier == 0 ? 100 : prefetchMultiplier
        if let maxDeliveries { options.maximumDeliveries = maxDeliveries }
        options.acksAsApp = acksAsApp
        options.sendsTaskEvents = taskEvents
        options.sendsEvents = !withoutHeartbeat
        options.mingles = !withoutMingle
        options.gossips = !withoutGossip
        if let drain = try drainTime() { options.drain = drain }
        options.logLevel = loglevel
        if !allowShell.isEmpty { options.shell = ShellPolicy(programs: Set(allowShell)) }
        return options
    }

    /// `8,2` in either order, or `8`.
    private func bounds() throws -> ClosedRange<Int>? {
        guard let autoscale else { return nil }
        let numbers = autoscale.split(separator: ",", omittingEmptySubsequences: false).map { Int($0) }
        guard (1...2).contains(numbers.count), let first = numbers.first ?? nil, let last = numbers.last ?? nil,
            min(first, last) >= 0, max(first, last) >= 1
        else { throw ValidationError("--autoscale is MAX,MIN, such as 8,2, not '\(autoscale)'") }
        return numbers.count == 1 ? 1...first : max(1, min(first, last))...max(first, last)
    }

    private func drainTime() throws -> Duration? {
        guard let drain else { return nil }
        guard let time = TaskTool.duration(drain) else {
            throw ValidationError("--drain is a time such as 60s, not '\(drain)'")
        }
        return time
    }

    private static func words(_ list: String?) -> [String] {
        list?.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.isEmpty } ?? []
    }

    /// Flags are the configuration's own keys, said as the environment says them.
    private var environment: [String: String] {
        var environment = ProcessInfo.processInfo.environment
        let address = console ?? "off"
        environment[address == "off" ? "MARTLET_CONSOLE" : "MARTLET_CONSOLE_ADDRESS"] = address
        return environment
    }
}
