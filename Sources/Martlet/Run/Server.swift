import Glibc
package import Logging
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWire
import MartletWorkers
import NIOCore
import NIOPosix
import ServiceLifecycle
import UnixSignals

/// One running Martlet: everything that a configuration asked for, wired together.
package final class Server: Sendable {
    private let configuration: Configuration
    private let logger: Logger
    private let group: MultiThreadedEventLoopGroup
    private let loops: LoopTable
    private let labels = LabelRegistry()
    private let resolver = NameResolver()
    private let client: HTTPClient
    private let membership: Membership
    private let plan: Plan
    private let backends: BackendService
    private let budget: BufferBudget
    private let accessLog: LogSink?
    private let readiness = Readiness()

    /// Builds everything, opens nothing yet. Throws what the file could not know, such as a certificate that does not
    /// load.
    package init(_ configuration: Configuration, logger: Logger) throws {
        self.configuration = configuration
        self.logger = logger
        group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads ?? System.coreCount)
        budget = BufferBudget(limit: configuration.limits.buffered)
        accessLog = try LogSink.accessLog(configuration.accessLog)
        loops = LoopTable(
            group: group, contexts: try Self.contexts(of: group, configuration, budget, accessLog, labels))
        client = HTTPClient(group: group, resolver: resolver)
        membership = Membership(resolver: resolver, labels: labels, loops: loops, logger: logger)
        plan = try Plan(
            configuration, loops: loops.contexts.count, labels: labels,
            observer: PoolWatcher(loops: loops, logger: logger))
        let client = self.client
        let glue = BackendGlue(plan: plan, membership: membership, logger: logger)
        backends = BackendService(
            configuration.backends, logger: logger, now: { .current },
            probe: { await client.isReady(host: $0, port: $1, path: $2, timeout: $3) },
            announce: { glue.announce($0) })
    }

    /// Serves until the task is cancelled or the process is told to stop.
    ///
    /// - Parameters:
    ///   - started: told the addresses once every listener is open and signals are heard.
    ///   - ready: called when every pool can serve, for managed backends some moments later.
    package func run(
        started: @escaping @Sendable (Addresses) -> Void, ready: @escaping @Sendable (Addresses) -> Void
    ) async throws {
        await withDiscardingTaskGroup { group in
            for (spec, pool) in plan.specs { group.addTask { await self.membership.add(spec, to: pool) } }
        }
        let listeners = try await openListeners()
        let addresses = Addresses(
            listeners: zip(listeners.public, configuration.listen).map { $0.address.url(isTLS: $1.tls != nil) },
            console: listeners.console?.address.url(isTLS: configuration.console?.tls != nil))
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: Role { [membership] in await membership.run() }),
            .init(service: Role { [plan] in await Self.tick(plan.pools) }),
            .init(service: Role { [loops] in await Self.flushAccessLogs(loops) }),
            .init(service: Role { [backends] in await backends.run() }),
            .init(
                service: Role { [plan] in
                    // Not before signals are heard: who reads this may tell us to stop.
                    started(addresses)
                    await Self.tellWhenUsable(plan.pools) { ready(addresses) }
                }),
        ]
        for pool in plan.pools {
            let checker = HealthChecker(pool: pool, client: client, logger: logger)
            services.append(.init(service: Role { await checker.run() }))
        }
        services.append(
            .init(
                service: Drain(
                    loops: loops, listeners: listeners.public, readiness: readiness, limit: configuration.limits.drain,
                    logger: logger)))
        let serviceGroup = ServiceGroup(
            configuration: .init(services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        try await serviceGroup.run()
        await listeners.console?.close()
        _ = try? await loops.map { $0.accessLog?.flush() }
        _ = accessLog?.flush()
        await resolver.shutdown()
        try await group.shutdownGracefully()
    }

    // MARK: Listeners

    private func openListeners() async throws -> (public: [Listener], console: Listener?) {
        let site = Site(Router(publicRoutes()))
        var listeners: [Listener] = []
        for settings in configuration.listen {
            let front = FrontSettings(configuration)
            listeners.append(try await open(settings.address, "listen", tls: settings.tls, front, site: site))
        }
        guard let console = configuration.console else { return (listeners, nil) }
        let desk = Site(Router(consoleRoutes(token: console.token)))
        var front = FrontSettings(configuration)
        front.outlivesDrain = true
        return (listeners, try await open(console.address, "console.address", tls: console.tls, front, site: desk))
    }

    private func open(
        _ address: ListenAddress, _ key: String, tls: TLSServerConfiguration?, _ front: FrontSettings, site: Site
    ) async throws -> Listener {
        var settings = front
        settings.isTLS = tls != nil
        let security = try tls.map { try TLSServer(certificate: $0.certificate, key: $0.key, clientCA: $0.clientCA) }
        do {
            return try await Listener.open(
                on: try await address.resolved(by: resolver), tls: security, settings: settings, site: site,
                loops: loops, logger: logger)
        } catch {
            throw ListenError(key: key, address: address, cause: error)
        }
    }

    private func publicRoutes() -> [Route] {
        let modelAPIs = plan.routes.filter(\.isModelAPI).map { modelList(below: $0.name, host: $0.host) }
        // A server without pools has no models; that is a list as well.
        return plan.routes + healthRoutes() + (plan.pools.isEmpty ? [modelList(below: "/v1/", host: nil)] : modelAPIs)
    }

    /// The list of models beside a route of the model API.
    private func modelList(below prefix: String, host: String?) -> Route {
        let path = prefix.hasSuffix("/") ? "\(prefix)models" : "\(prefix)/models"
        return Route(
            index: labels.index(of: path, in: .route), path: path, host: host,
            destination: .local(ModelsEndpoint(table: plan.models, client: client, created: Int(time(nil)))),
            shape: .openAI, bodyLimit: 0)
    }

    private func consoleRoutes(token: Secret?) -> [Route] {
        let desk = Desk(
            pools: plan.pools, loops: loops, labels: labels, membership: membership, backends: backends, budget: budget,
            accessLog: accessLog)
        return [
            local("/status", Guarded(StatusEndpoint(desk), token: token)),
            local("/metrics", Guarded(MetricsEndpoint(desk), token: token)),
            local("/targets", Guarded(TargetsEndpoint(desk), token: token), bodyLimit: 64 << 10),
        ] + healthRoutes()
    }

    private func healthRoutes() -> [Route] {
        [
            local("/healthz", HealthzEndpoint(pools: plan.pools)),
            local("/readyz", ReadyzEndpoint(pools: plan.pools, readiness: readiness)),
        ]
    }

    private func local(_ path: String, _ handler: any LocalHandler, bodyLimit: Int = 0) -> Route {
        Route(
            index: labels.index(of: path, in: .route), path: path, destination: .local(handler), shape: .openAI,
            bodyLimit: bodyLimit, isLogged: false, isExact: true)
    }

    // MARK: Roles

    /// Time acts on queues: expired waiters leave, targets whose ejection ended take work.
    private static func tick(_ pools: [Pool]) async {
        while (try? await Task.sleep(for: .milliseconds(100))) != nil {
            for pool in pools { pool.tick(now: .current) }
        }
    }

    private static func tellWhenUsable(_ pools: [Pool], _ ready: @Sendable () -> Void) async {
        repeat {
            if pools.allSatisfy({ $0.isUsable(now: .current) }) { return ready() }
        } while (try? await Task.sleep(for: .milliseconds(50))) != nil
    }

    private static func flushAccessLogs(_ loops: LoopTable) async {
        while (try? await Task.sleep(for: .seconds(1))) != nil {
            loops.broadcast { $0.accessLog?.flush() }
        }
    }

    private static func contexts(
        of group: MultiThreadedEventLoopGroup, _ configuration: Configuration, _ budget: BufferBudget, _ sink: LogSink?,
        _ labels: LabelRegistry
    ) throws -> [NIOLoopBound<LoopContext>] {
        let seed = UInt64.random(in: .min ... .max)
        let heartbeat = configuration.streaming.heartbeat.map(Interval.init)
        return try group.makeIterator().enumerated().map { number, loop in
            try loop.submit {
                let context = LoopContext(loop: loop, number: number, budget: budget, seed: seed)
                context.heartbeat = heartbeat
                context.accessLog = sink.map { AccessLog(sink: $0, labels: labels) }
                context.legs = HTTP1Legs(loop: context)
                return NIOLoopBound(context, eventLoop: loop)
            }.wait()
        }
    }
}

/// Where a server listens, as URLs, ports that were picked included.
package struct Addresses: Sendable {
    package let listeners: [String]
    package let console: String?
}

/// A background role as a service: ends when the server is told to stop, not before, even where it has nothing to do (a
/// service that returns early would end the others).
private struct Role: Service {
    let body: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await body() }
        try? await gracefulShutdown()
    }
}
