import MartletBase
import MartletExchange
import MartletLogic
import MartletNet
import MartletWorkers
import NIOCore

/// One API of an app that is served, with all that follows from it.
struct ServedAPI: Sendable {
    /// What the app said of itself, and what the configuration says of it.
    struct App: Sendable {
        let configuration: WorkersConfiguration
        let settings: WorkerSettings
        /// Of its code or its model, as it says.
        let version: String
        /// Starts one worker.
        let command: ChildCommand
    }

    /// How long an answer may take to begin, where nothing is said.
    private static let answerWithin: Duration = .seconds(600)

    /// In logs and metrics; unique.
    let name: String
    let app: App
    let api: WorkerAPI
    let group: WorkerGroup
    let loops: any EventLoopGroup

    init(name: String, app: App, api: WorkerAPI, group: WorkerGroup?, loops: any EventLoopGroup) {
        self.name = name
        self.app = app
        self.api = api
        self.loops = loops
        self.group =
            group
            ?? WorkerGroup(
                api, policy: Self.batchPolicy(app.configuration, api),
                answerWithin: app.configuration.timeout ?? Self.answerWithin, clock: loops.next())
    }

    /// Without the `*` that stands for everything below it.
    var path: String { api.path.hasSuffix("*") ? String(api.path.dropLast()) : api.path }

    static func batchPolicy(_ configuration: WorkersConfiguration, _ api: WorkerAPI) -> BatchPolicy {
        var policy = BatchPolicy()
        policy.maxBatch = configuration.maxBatch ?? api.maxBatch
        policy.maxBytes = configuration.batchBytes
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
        return policy
    }

    var process: ManagedProcess {
        let configuration = app.configuration
        let devices = configuration.devices ?? api.devices
        let perDevice = configuration.workersPerDevice ?? api.workersPerDevice
        var spec = BackendSpec(name: name, command: app.command.arguments)
        spec.environment = app.command.environment
        spec.directory = configuration.directory
        spec.addressSpaceBytes = configuration.limits.addressSpace
        spec.openFiles = configuration.limits.openFiles
        spec.cpuSeconds = configuration.limits.cpuSeconds
        spec.instances = devices.count * perDevice
        spec.policy = configuration.policy
        let role = WorkerRole(
            app: configuration.app, devices: devices, workersPerDevice: perDevice, group: group, loops: loops)
        return ManagedProcess(spec, worker: role)
    }

    func route(to pool: Pool, index: UInt16, policy: PoolPolicy, _ limits: LimitsConfiguration) -> Route {
        Route(
            index: index, path: path, destination: .pool(pool), shape: path.hasPrefix("/v1/") ? .openAI : .plain,
            bodyLimit: api.maxBody ?? limits.body,
            rules: [
                pool.index: RequestRules(
                    timeouts: policy.timeouts, retry: policy.retry, hash: nil, limit: .fixed, isModelAPI: false)
            ],
            isExact: path == api.path)
    }
}
