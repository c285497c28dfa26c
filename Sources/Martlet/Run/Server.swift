import Foundation
import Glibc
import Logging
import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import MartletTelemetry
import MartletWire
import MartletWorkers
import NIOCore
import NIOPosix
import ServiceLifecycle
import Synchronization
import UnixSignals

/// One running Martlet: everything that a configuration asked for, wired together. What the configuration decides is
/// put in force by ``apply(_:)``, at the start and again at each reload.
package final class Server: Sendable {
    /// What is in force.
    struct Live: Sendable {
        var configuration: Configuration
        var plan: Plan
        /// Pools that requests may still be in, those of former configurations included.
        var ticking: [Pool]
        var accessLog: LogSink?
        /// What this process serves itself, once it is loaded.
        var inProcess = InProcessTargets()
    }

    /// A start or a reload waits so long for the names of targets; they are looked up on without it. Long enough for a
    /// resolver that works, so that the first requests find their targets; a dead one must not keep those away whose
    /// targets are there, nor hold up what backends announce.
    static let patienceWithNames: Duration = .milliseconds(250)

    let logger: Logger
    let keeper: SocketKeeper
    let loops: LoopTable
    let labels = LabelRegistry()
    let client: HTTPClient
    let membership: Membership
    let backends: BackendService
    let glue: BackendGlue
    let apps: AppShelf
    let budget: BufferBudget
    let governor: Governor
    let readiness = Readiness()
    let listeners: Listeners
    let observer: PoolWatcher
    let reloads = Reloads()
    /// What code in this process asks by.
    let routes = RoutesInForce()
    private let served: [ServedEndpoint]
    /// What a worker of tasks here is told; nil: there is none.
    private let tasks: TaskServiceOptions?
    let taskWorkers = WorkersAtWork()
    /// Where tasks are handed in and asked for.
    let taskFront = TaskFront()
    /// Where documents are, and questions are answered from them.
    let knowledgeFront = KnowledgeFront()
    /// Replies of Chatchat instances behind routes.
    let replyShelves = ReplyShelves()
    let started = Int(time(nil))
    let live: Mutex<Live>
    /// Pools whose checks are to begin.
    let newPools: AsyncStream<Pool>.Continuation
    private let poolsToCheck: AsyncStream<Pool>
    let group: MultiThreadedEventLoopGroup
    private let resolver = NameResolver()

    /// Builds everything, opens nothing yet. Throws what the file could not know, such as a certificate that does not
    /// load.
    ///
    /// - Parameter served: What this process serves itself.
    init(
        _ configuration: Configuration, serving served: [ServedEndpoint], tasks: TaskServiceOptions? = nil,
        keeper: SocketKeeper, logger: Logger
    ) throws {
        self.served = served
        self.tasks = tasks
        self.logger = logger
        self.keeper = keeper
        group = MultiThreadedEventLoopGroup(numberOfThreads: configuration.threads ?? System.coreCount)
        budget = BufferBudget(limit: configuration.limits.buffered)
        governor = try Governor(configuration, logger: logger)
        loops = LoopTable(group: group, contexts: try Self.contexts(of: group, budget, governor))
        client = HTTPClient(group: group, resolver: resolver)
        membership = Membership(resolver: resolver, labels: labels, loops: loops, logger: logger)
        observer = PoolWatcher(loops: loops, logger: logger)
        listeners = Listeners(keeper: keeper, resolver: resolver, loops: loops, logger: logger)
        (poolsToCheck, newPools) = AsyncStream.makeStream()
        let plan = try Plan(configuration, loops: loops.contexts.count, labels: labels, observer: observer)
        live = Mutex(
            Live(
                configuration: configuration, plan: plan, ticking: [],
                accessLog: try LogSink.accessLog(configuration.accessLog)))
        let glue = BackendGlue(targets: plan.backendTargets, membership: membership)
        let client = self.client
        self.glue = glue
        apps = AppShelf(loops: group, logger: logger)
        backends = BackendService(
            [], on: loops.watch, logger: logger, now: { .current }, withheld: OwnVariables.names,
            probe: { await client.isReady(host: $0, port: $1, path: $2, timeout: $3) },
            announce: { glue.announce($0) })
    }

    /// Serves until the task is cancelled or the process is told to stop.
    ///
    /// - Parameters:
    ///   - source: what a reload reads anew; nil: there is nothing to read.
    ///   - started: told the addresses once every listener is open and signals are heard.
    ///   - ready: called when every pool can serve, for managed backends some moments later.
    package func run(
        source: ConfigurationSource?, started: @escaping @Sendable (Addresses) -> Void,
        ready: @escaping @Sendable (Addresses) -> Void
    ) async throws {
        // From the first configuration to the last: it is part of every change of one.
        async let _ = glue.run()
        try await loadServed()
        let (configuration, accessLog) = live.withLock { ($0.configuration, $0.accessLog) }
        try await begin(configuration, accessLog)
        let addresses = await addresses(configuration)
        // Heard from here on: it would end the process otherwise.
        let hangUps = await UnixSignalsSequence(trapping: .sighup)
        let endings = await Haste.signals()
        let haste = Haste()
        let roles: [Role] = [
            Role { [membership] in await membership.run() },
            Role { await self.tick() },
            Role { await self.scale() },
            Role { await self.check() },
            Role { await self.flushAccessLogs() },
            Role { await self.relieve() },
            Role { [backends] in await backends.run() },
            Role { [taskFront] in await taskFront.run() },
            Role { [knowledgeFront] in await knowledgeFront.run() },
            Role { await self.reload(from: source) },
            Role { [reloads] in await reloads.hear(hangUps) },
            Role { [keeper] in
                // Not before signals are heard: who reads this may tell us to stop.
                keeper.ready()
                started(addresses)
                await self.tellWhenUsable { ready(addresses) }
            },
        ]
        let drain = Drain(
            loops: loops, listeners: listeners, readiness: readiness, haste: haste,
            limit: { self.live.withLock { $0.configuration.limits.drain } }, logger: logger)
        var services = ((roles as [any Service]) + [drain]).map { ServiceConfiguration(service: $0) }
        if let tasks {
            // Told to end from afar, it ends all else as well.
            services.append(
                ServiceConfiguration(
                    service: try taskService(tasks, haste: haste),
                    successTerminationBehavior: .gracefullyShutdownGroup))
        }
        if let worker = taskFront.requestWorker(
            routes, caller: InnerCaller(loops), on: group, haste: haste, among: taskWorkers, logger: logger)
        {
            services.append(ServiceConfiguration(service: worker))
        }
        let serviceGroup = ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
        async let _ = hasten(haste, endings, serviceGroup)
        try await serviceGroup.run()
        await listeners.closeAll()
        await knowledgeFront.close()
        await taskFront.close()
        _ = try? await loops.map { $0.accessLog?.flush() }
        _ = live.withLock { $0.accessLog }?.flush()
        resolver.shutdown()
        try await group.shutdownGracefully()
    }

    /// Opens what the first configuration stands on, and puts it in force.
    private func begin(_ configuration: Configuration, _ accessLog: LogSink?) async throws {
        try await taskFront.open(configuration, on: group, client: client, resolver: resolver, logger: logger)
        do {
            try await knowledgeFront.open(
                configuration.knowledge, models: configuration.models.map(\.name),
                dispatch: Dispatch(loops, routes), client: client, logger: logger)
            try await putInForce(configuration, plan(configuration, after: live.withLock { $0.plan }), accessLog)
        } catch {
            // Another server may follow in this process: two cannot have one store.
            await knowledgeFront.close()
            await taskFront.close()
            throw error
        }
    }

    /// Ends at once what takes its time, when it is asked for twice: first what is left of clients, then backends.
    private func hasten(_ haste: Haste, _ endings: UnixSignalsSequence, _ services: ServiceGroup) async {
        await haste.awaitSecond(of: endings)
        guard haste.isMade else { return }
        await services.triggerGracefulShutdown()
        while !readiness.isDrained, (try? await Task.sleep(for: .milliseconds(20))) != nil {}
        backends.hurry()
    }

    private func addresses(_ configuration: Configuration) async -> Addresses {
        var addresses = Addresses(listeners: [], console: nil)
        for name in configuration.listenNames {
            if let url = await listeners.url(name) { addresses.listeners.append(url) }
        }
        if let console = configuration.console { addresses.console = await listeners.url(console.name) }
        addresses.broker = taskFront.brokerURL
        return addresses
    }

    /// Where the apps that are served answer.
    var paths: [String] {
        live.withLock { $0.plan.served.filter { !$0.isForTasks }.map(\.path) } + served.map(\.place)
    }

    private func loadServed() async throws {
        let surroundings = ServedEndpoint.Surroundings(
            dispatch: Dispatch(loops, routes), logger: logger, clock: group.next())
        let loaded = try await InProcessTargets.load(served, surroundings)
        live.withLock { $0.inProcess = loaded }
    }

    // MARK: Roles

    /// Time acts on queues: expired waiters leave, targets whose ejection ended take work.
    private func tick() async {
        let finds = loops.watch.finds(every: .milliseconds(100)) { [self] in
            for pool in pools() { pool.tick(now: .current) }
            return apps.mustSettleRooms
        }
        for await _ in finds { await apps.settleRooms(membership) }
    }

    /// Those that time acts on.
    private func pools() -> [Pool] {
        live.withLock { live in
            live.ticking.removeAll { $0.isRetired && $0.isAtRest }
            return live.ticking
        }
    }

    private func scale() async {
        var ticks = 0
        for await _ in loops.watch.finds(every: .milliseconds(100), { [apps] in apps.scales }) {
            ticks += 1
            await apps.scale(backends, pools(), restingOnly: ticks % 10 != 0, now: .current)
        }
    }

    /// Each pool is checked from when it comes to when it is retired.
    private func check() async {
        await withDiscardingTaskGroup { group in
            for await pool in poolsToCheck {
                let checker = HealthChecker(pool: pool, client: client, on: loops.watch, logger: logger)
                group.addTask { await checker.run() }
            }
            group.cancelAll()
        }
    }

    private func tellWhenUsable(_ ready: @Sendable () -> Void) async {
        repeat {
            let pools = live.withLock { $0.plan.pools }
            if pools.allSatisfy({ $0.isUsable(now: .current) }) { return ready() }
        } while (try? await Task.sleep(for: .milliseconds(50))) != nil
    }

    private func flushAccessLogs() async {
        var watch = AccessLogWatch()
        let finds = loops.watch.finds(every: .seconds(1)) { [self] in
            loops.broadcast { $0.accessLog?.flush() }
            return live.withLock { $0.accessLog } != nil
        }
        for await _ in finds {
            watch.look(at: live.withLock { $0.accessLog }, logger)
        }
    }

    private static func contexts(
        of group: MultiThreadedEventLoopGroup, _ budget: BufferBudget, _ governor: Governor
    ) throws -> [NIOLoopBound<LoopContext>] {
        let seed = UInt64.random(in: .min ... .max)
        return try group.makeIterator().enumerated().map { number, loop in
            try loop.submit {
                let context = LoopContext(loop: loop, number: number, budget: budget, seed: seed)
                context.legs = HTTP1Legs(loop: context, governor: governor)
                return NIOLoopBound(context, eventLoop: loop)
            }.wait()
        }
    }
}

/// Where a server listens, as URLs, ports that were picked included.
package struct Addresses: Sendable {
    package fileprivate(set) var listeners: [String]
    package fileprivate(set) var console: String?
    /// Of the broker of this process, without its password; nil: it has none.
    package fileprivate(set) var broker: String?
}

/// How one of the services is run.
private typealias ServiceConfiguration = ServiceGroupConfiguration.ServiceConfiguration

/// A background role as a service: ends when the server is told to stop, not before, even where it has nothing to do (a
/// service that returns early would end the others).
private struct Role: Service {
    let body: @Sendable () async -> Void

    func run() async throws {
        await cancelWhenGracefulShutdown { await body() }
        try? await gracefulShutdown()
    }
}
