import Foundation
package import Logging
import MartletBase
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWorkers
import Synchronization

/// `martlet up`: what is to be served, and what the person who started it is told.
package struct StartUp: Sendable {
    private let configuration: Configuration
    /// Said before anything else.
    private let remarks: [String]
    /// The model of the `curl` line; nil: whatever the upstreams have.
    private let model: String?

    /// What a reload reads; nil without a file.
    private let source: ConfigurationSource?
    private let loaded: ConfigurationSource.Loaded?
    /// What the process before this one served by.
    private let former: ConfigurationSource.Loaded?
    /// What this process serves itself.
    private var served: [ServedEndpoint] = []
    /// What a worker of tasks in this process is told; nil: there is none.
    private var tasks: TaskServiceOptions?

    /// A file, some upstreams, or the demo models.
    ///
    /// Throws a `ConfigurationError`, which names file, line and key.
    package static func choose(
        file: String?, upstreams: [String], environment: [String: String], keeper: SocketKeeper = SocketKeeper()
    ) throws(ConfigurationError) -> StartUp {
        if let file {
            let source = ConfigurationSource(file: file, environment: environment, keeper: keeper)
            let (loaded, former) = try source.readAtStart()
            let model = loaded.configuration.models.first { $0.name != "*" }?.name
            return StartUp(
                configuration: loaded.configuration, remarks: [], model: model, source: source, loaded: loaded,
                former: former)
        }
        if !upstreams.isEmpty {
            let configuration = try Configuration.upstreams(upstreams, environment: environment)
            return StartUp(configuration: configuration, remarks: [], model: nil, source: nil, loaded: nil, former: nil)
        }
        let demo = DemoModels(environment: environment)
        var configuration = try Configuration.embedded(demo.backends, environment: environment)
        for pool in configuration.pools.indices {
            // What a model cannot begin with waits in the queue, where it can be called off.
            guard let slots = demo.slots[configuration.pools[pool].name] else { continue }
            for target in configuration.pools[pool].targets.indices {
                configuration.pools[pool].targets[target].policy.maxInflight = slots
            }
        }
        return StartUp(
            configuration: configuration, remarks: demo.remarks, model: demo.backends.first?.name, source: nil,
            loaded: nil, former: nil)
    }

    /// What this process serves itself, beside a configuration file where there is one.
    static func inProcess(
        _ served: [Served], tasks: TaskOptions, file: String?, environment: [String: String], keeper: SocketKeeper
    ) throws(ConfigurationError) -> StartUp {
        var startUp: StartUp
        if let file {
            startUp = try choose(file: file, upstreams: [], environment: environment, keeper: keeper)
        } else {
            let configuration = try Configuration.embedded([], environment: environment)
            startUp = StartUp(
                configuration: configuration, remarks: [], model: nil, source: nil, loaded: nil, former: nil)
        }
        startUp.served = served.endpoints
        if !served.tasks.isEmpty { startUp.tasks = tasks.service(for: served.tasks) }
        return startUp
    }

    /// The tasks of a file, taken from queues: nothing listens but the console.
    ///
    /// - Parameter configuration: `martlet.yaml`, whose models tasks may ask; nil: none.
    /// - Throws: a `ConfigurationError`, which names the option.
    package static func worker(
        _ app: String?, python: String?, options: TaskServiceOptions, process: WorkerProcessOptions,
        configuration file: String?, environment: [String: String]
    ) throws(ConfigurationError) -> StartUp {
        let configuration = try Configuration.taskWorker(
            app, python: python, options: options, process: process, file: file, environment: environment)
        var options = options
        if let tasks = configuration.tasks { options.acksAsApp = options.acksAsApp || tasks.acksAsApp }
        return StartUp(
            configuration: configuration, remarks: [], model: nil, source: nil, loaded: nil, former: nil,
            tasks: options)
    }

    /// The models of a file, in workers: of Python's, or of a program that is a worker by itself.
    ///
    /// Throws a `ConfigurationError`, which names the option.
    package static func app(
        _ app: String, python: String?, environment: [String: String]
    ) throws(ConfigurationError) -> StartUp {
        let isProgram =
            app.contains("/") && !app.hasSuffix(".py") && FileManager.default.isExecutableFile(atPath: app)
        let configuration = try Configuration.app(app, isProgram: isProgram, python: python, environment: environment)
        return StartUp(configuration: configuration, remarks: [], model: nil, source: nil, loaded: nil, former: nil)
    }

    /// Serves until the process is told to stop.
    package func serve(keeper: SocketKeeper, logger: Logger) async throws {
        if let problem = loaded?.problem {
            logger.error(
                "the configuration file is wrong; serving by the one before it", metadata: ["error": "\(problem)"])
        }
        raiseOpenFiles(logger)
        let hasStarted = Flag()
        do {
            try await serve(configuration, loaded, keeper, logger, hasStarted)
        } catch {
            // A certificate that is gone, an address in use: refused by a reload, and so refused here.
            guard !hasStarted.isSet, let former else { throw error }
            logger.error(
                "the configuration cannot be put in force; serving by the one before it",
                metadata: ["error": "\(error)"])
            try await serve(former.configuration, former, keeper, logger, hasStarted)
        }
    }

    private func serve(
        _ configuration: Configuration, _ loaded: ConfigurationSource.Loaded?, _ keeper: SocketKeeper,
        _ logger: Logger, _ hasStarted: Flag
    ) async throws {
        let server = try Server(configuration, serving: served, tasks: tasks, keeper: keeper, logger: logger)
        try await server.run(
            source: source,
            started: {
                hasStarted.set()
                if let source, let loaded { source.keep(loaded) }
                announce($0)
            }, ready: { suggest($0, server.paths) })
    }

    private func raiseOpenFiles(_ logger: Logger) {
        var wanted = OpenFiles.ceiling
        if case .count(let count) = configuration.limits.openFiles { wanted = count }
        do {
            OpenFilesRemark.say(try OpenFiles.raise(to: wanted), logger)
        } catch {
            logger.warning("the limit on open files could not be raised", metadata: ["error": "\(error)"])
        }
    }

    private func announce(_ addresses: Addresses) {
        var lines = remarks
        for address in addresses.listeners { lines.append("serving      \(address)") }
        if let broker = addresses.broker { lines.append("tasks        \(broker)") }
        if let console = addresses.console { lines.append("console      \(console)/status and /metrics") }
        tell(lines)
    }

    /// Once it works: a line to paste.
    private func suggest(_ addresses: Addresses, _ paths: [String]) {
        guard let address = addresses.listeners.first else { return }
        if !paths.isEmpty { return tell(["ready"] + paths.map { "             \(address)\($0)" }) }
        guard let curl = curl(address) else { return }
        tell(["ready; try", "", curl, ""])
    }

    private func tell(_ lines: [String]) {
        FileHandle.standardOutput.write(Data((lines.joined(separator: "\n") + "\n").utf8))
    }

    private func curl(_ url: String) -> String? {
        guard let model else { return configuration.models.isEmpty ? nil : "curl \(url)/v1/models" }
        let body = #"{"model":"\#(model)","stream":true,"messages":[{"role":"user","content":"Say hello."}]}"#
        return "curl -N \(url)/v1/chat/completions -H 'Content-Type: application/json' -d '\(body)'"
    }
}
