import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import MartletWire
import MartletWorkers
import NIOCore

/// One API of an app that is served, or a later stage of one, with all that follows from it.
struct ServedAPI: Sendable {
    /// What the app said of itself, and what the configuration says of it.
    struct App: Sendable {
        let configuration: WorkersConfiguration
        let settings: WorkerSettings
        /// Of its code or its model, as it says.
        let version: String
        /// How one worker is started.
        let spec: BackendSpec
    }

    /// How long an answer may take to begin, where nothing is said.
    private static let answerWithin: Duration = .seconds(600)
    /// Longer than anything that runs.
    private static let withoutLimit: Duration = .seconds(365 * 86_400)

    /// In logs and metrics; unique.
    let name: String
    /// Of a later stage of a pipeline: the name of the first one, which is what clients ask. nil: it is that itself.
    let head: String?
    let app: App
    let api: WorkerAPI
    let group: WorkerGroup
    let loops: any EventLoopGroup
    /// How many workers it has at present, where that changes with the load.
    var scaledTo: Int?

    /// - Parameters:
    ///   - group: The one that goes on; nil: a new one.
    ///   - next: That of the next stage.
    init(
        name: String, head: String? = nil, app: App, api: WorkerAPI, group: WorkerGroup?, next: WorkerGroup? = nil,
        loops: any EventLoopGroup
    ) {
        self.name = name
        self.head = head
        self.app = app
        self.api = api
        self.loops = loops
        self.group =
            group
            ?? WorkerGroup(
                api, policy: Self.batchPolicy(app.configuration, api),
                weighing: (app.configuration.weightBy ?? api.weightBy).map { BodyWeight(of: $0) },
                answerWithin: api.isForTasks ? Self.withoutLimit : app.configuration.timeout ?? Self.answerWithin,
                clock: loops.next(), next: next)
    }

    /// Without the `*` that stands for everything below it.
    var path: String { api.path.hasSuffix("*") ? String(api.path.dropLast()) : api.path }

    /// Its requests are runs of tasks: they come from a queue, and no client asks it.
    var isForTasks: Bool { api.isForTasks }

    static func batchPolicy(_ configuration: WorkersConfiguration, _ api: WorkerAPI) -> BatchPolicy {
        var policy = BatchPolicy()
        if api.isForTasks {
            // A process has one task, and none that waits behind it; one that died with it goes back to its queue.
            policy.maxAhead = 0
            policy.triesAgainAfterCrash = false
        }
        policy.maxBatch = configuration.maxBatch ?? api.maxBatch
        policy.maxBytes = configuration.batchBytes
        policy.maxWeight = configuration.batchWeight ?? api.batchWeight
        policy.window = configuration.batchWindow ?? api.batchWindow
        policy.killAfter = configuration.killAfter
        policy.objective = configuration.objective
        return policy
    }

    var poolPolicy: PoolPolicy {
        var policy = PoolPolicy()
        policy.queue = app.configuration.queue
        policy.timeouts.queue = api.queueTimeout ?? policy.timeouts.queue
        policy.timeouts.firstByte = group.answerWithin
        // The group tries again what may be tried again.
        policy.retry.attempts = 1
        policy.breaker = nil
        policy.comesOnDemand = app.configuration.scale?.min == 0
        if isForTasks {
            // The worker that took the task keeps its time.
            policy.timeouts.queue = Self.withoutLimit
            policy.timeouts.firstByte = Self.withoutLimit
            policy.timeouts.idle = Self.withoutLimit
            policy.timeouts.total = Self.withoutLimit
        }
        return policy
    }

    var process: ManagedProcess {
        let configuration = app.configuration
        let devices = configuration.devices ?? api.devices
        let perDevice = configuration.workersPerDevice ?? api.workersPerDevice
        var spec = app.spec
        spec.name = name
        spec.instances = scaledTo ?? max(devices.count, 1) * perDevice
        var role = WorkerRole(
            app: configuration.app, devices: devices, workersPerDevice: perDevice, group: group, loops: loops)
        role.sharedBytes = configuration.sharedMemory ?? 0
        role.recycle = configuration.recycle
        if let tasks = app.settings.tasks {
            role.recycle.requests = role.recycle.requests ?? tasks.max_tasks_per_child
            role.recycle.memory = role.recycle.memory ?? tasks.max_memory_per_child.map { $0 * 1024 }
        }
        return ManagedProcess(spec, worker: role)
    }

    /// - Parameters:
    ///   - all: What apps serve, this one included.
    ///   - key: What its clients must show; nil: nothing.
    func route(
        to pool: Pool, index: UInt16, policy: PoolPolicy, _ limits: LimitsConfiguration, among all: [ServedAPI],
        key: Secret?
    ) -> Route {
        Route(
            index: index, path: path, destination: .pool(pool), shape: path.hasPrefix("/v1/") ? .openAI : .plain,
            bodyLimit: api.maxBody ?? limits.body,
            rules: [
                pool.index: RequestRules(
                    timeouts: policy.timeouts, retry: policy.retry, hash: nil, limit: .fixed, isModelAPI: false)
            ],
            isExact: path == api.path, methods: api.methods, allowed: all.methods(at: api.path), readsBodyFirst: true,
            key: api.authorizes ? nil : key, later: laterRule(key))
    }

    private func laterRule(_ key: Secret?) -> LaterRule {
        guard api.authorizes else { return .asServed }
        return api.authorizesByKey ? .shownKey(key) : .never
    }
}

extension WorkerAPI {
    /// As the SDK calls the operation.
    var isForTasks: Bool { operation == "task" }
}

extension [ServedAPI] {
    /// The methods that those of one path serve together, each once.
    fileprivate func methods(at path: String) -> [String] {
        var seen: Set<String> = []
        return filter { $0.api.path == path }.flatMap(\.api.methods).filter { seen.insert($0).inserted }
    }
}
