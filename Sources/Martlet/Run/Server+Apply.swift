import Foundation
import Logging
import MartletBase
import MartletConsole
import MartletExchange
import MartletGateway
import MartletNet
import MartletTelemetry
import MartletWorkers
import NIOCore
import Synchronization

// Putting a configuration in force: at the start, and again at each reload.
extension Server {
    /// Swaps to `configuration`: what stays keeps its counts and its health, streams go on. Throws when some of it
    /// cannot be (a certificate that does not load, an address in use); then nothing has changed.
    func apply(_ configuration: Configuration) async throws {
        let (present, sink, former) = live.withLock { ($0.plan, $0.accessLog, $0.configuration.accessLog) }
        let inForce = live.withLock { $0.configuration }
        try FixedAtStart.check(configuration.tasks, against: inForce.tasks)
        try FixedAtStart.check(configuration.knowledge, against: inForce.knowledge)
        let plan = try await plan(configuration, after: present)
        let accessLog = configuration.accessLog == former ? sink : try LogSink.accessLog(configuration.accessLog)
        try await putInForce(configuration, plan, accessLog)
    }

    /// Everything that `configuration` means; apps that it serves are asked what they have.
    ///
    /// - Parameter former: What is in force: its pools that stay go on.
    func plan(_ configuration: Configuration, after former: Plan) async throws -> Plan {
        let environment = ProcessInfo.processInfo.environment
        try OpenTasks.check(configuration, environment: environment)
        Keyed.warn(of: configuration.workers, besides: environment, logger)
        for user in Set(configuration.backends.compactMap(\.user)) { _ = try ChildUser(named: user) }
        let apps = try await apps.read(configuration.workers, environment: environment)
        try PathConflict.check(apps.filter { $0.head == nil }, against: configuration.routes)
        var plan = try Plan(
            configuration, loops: loops.contexts.count, labels: labels, observer: observer,
            present: former.configured)
        let present = former.own.map(\.pool)
        for api in apps {
            plan.serve(
                api, among: apps, key: api.app.configuration.key(in: environment), limits: configuration.limits,
                labels: labels, observer: observer, present: present)
        }
        for entry in live.withLock({ $0.inProcess.entries }) {
            plan.serve(
                entry, key: Keyed.key(in: environment), limits: configuration.limits, labels: labels,
                observer: observer, present: present)
        }
        return plan
    }

    /// The part of `apply` that also begins the first configuration.
    func putInForce(_ configuration: Configuration, _ plan: Plan, _ accessLog: LogSink?) async throws {
        let wanted = try wanted(configuration, plan, accessLog)
        let prepared = try await listeners.prepare(wanted)
        // From here on nothing fails: who is told that a reload was refused may rely on it.
        await apps.adopt(plan.served + plan.stages)
        let formerPools = adopt(configuration, plan, accessLog)
        // New targets before the routes that lead to them, former ones after: no request finds nobody.
        let targets = plan.specs.map { Membership.Wanted($0.spec, in: $0.pool) }
        let leaving = await glue.adopt(plan.backendTargets, besides: targets, patience: Self.patienceWithNames)
        await listeners.serve(wanted, prepared)
        await membership.dismiss(leaving)
        for pool in formerPools { pool.turnAway() }
        let (glue, limit) = (glue, configuration.limits.drain)
        backends.apply(configuration.backends, workers: plan.workers) { await glue.letGo($0, within: limit) }
    }

    /// Answers the pools that are not part of it any more.
    private func adopt(_ configuration: Configuration, _ plan: Plan, _ accessLog: LogSink?) -> [Pool] {
        budget.limit = configuration.limits.buffered
        governor.boundClients(configuration)
        let heartbeat = configuration.streaming.heartbeat.map(Interval.init)
        let later = taskFront.desk.map { AsyncRequest($0) }
        let fileSearch = knowledgeFront.opened?.fileSearch
        let labels = labels
        loops.broadcast { context in
            context.heartbeat = heartbeat
            context.later = later
            context.fileSearch = fileSearch
            guard context.accessLog?.sink !== accessLog else { return }
            context.accessLog?.flush()
            context.accessLog = accessLog.map { AccessLog(sink: $0, labels: labels) }
        }
        routes.adopt(plan.publicRoutes, inner: plan.innerRoutes, own: plan.own)
        for (pool, policy) in plan.policies { pool.adopt(policy, now: .current) }
        let (coming, leaving) = live.withLock { live in
            let coming = plan.pools.filter { pool in !live.ticking.contains { $0 === pool } }
            let leaving = live.ticking.filter { pool in !plan.pools.contains { $0 === pool } }
            live.configuration = configuration
            live.plan = plan
            live.accessLog = accessLog
            live.ticking += coming
            return (coming, leaving)
        }
        for pool in leaving { pool.retire() }
        for pool in coming { newPools.yield(pool) }
        return leaving
    }

    // MARK: Addresses and routes

    private func wanted(
        _ configuration: Configuration, _ plan: Plan, _ accessLog: LogSink?
    ) throws -> [Listeners.Wanted] {
        var settings = FrontSettings(configuration)
        settings.governor = governor
        let router = Router(publicRoutes(plan, configuration))
        var wanted = try zip(configuration.listen, configuration.listenNames).map { listen, name in
            try Listeners.Wanted(listen, router: router, settings: settings, named: name)
        }
        if let console = configuration.console {
            let desk = Router(consoleRoutes(plan, token: console.token, accessLog))
            wanted.append(try Listeners.Wanted(console, router: desk, settings: settings))
        }
        return wanted
    }

    private func publicRoutes(_ plan: Plan, _ settings: Configuration) -> [Route] {
        let names = ModelNames(plan.models, client: client)
        let modelAPIs = plan.routes.filter(\.isModelAPI).map { modelList(names, below: $0.name, host: $0.host) }
        // A server without pools has no models; that is a list as well.
        return plan.publicRoutes + healthRoutes(plan) + appRoutes(plan) + ollamaRoutes(plan, settings, names)
            + taskRoutes(plan, settings) + knowledgeRoutes(plan) + replyRoutes(plan, settings)
            + (plan.pools.isEmpty ? [modelList(names, below: "/v1/", host: nil)] : modelAPIs)
    }

    /// The list of models beside a route of the model API.
    private func modelList(_ names: ModelNames, below prefix: String, host: String?) -> Route {
        let path = prefix.hasSuffix("/") ? "\(prefix)models" : "\(prefix)/models"
        return Route(
            index: labels.index(of: (host ?? "") + path, in: .route), path: path, host: host,
            destination: .local(ModelsEndpoint(names, created: started)),
            shape: .openAI, bodyLimit: 0)
    }

    private func consoleRoutes(_ plan: Plan, token: Secret?, _ accessLog: LogSink?) -> [Route] {
        let desk = desk(plan, accessLog)
        let reloads = reloads
        return [
            local("/status", Guarded(StatusEndpoint(desk), token: token)),
            local("/metrics", Guarded(MetricsEndpoint(desk), token: token)),
            local("/targets", Guarded(TargetsEndpoint(desk), token: token), bodyLimit: 64 << 10),
            local("/reload", Guarded(ReloadEndpoint { await reloads.ask() }, token: token), bodyLimit: 1 << 10),
        ] + taskConsoleRoutes(token: token) + knowledgeConsoleRoutes(token: token) + healthRoutes(plan)
    }

    private func healthRoutes(_ plan: Plan) -> [Route] {
        [
            local("/healthz", HealthzEndpoint(pools: plan.pools)),
            local("/readyz", ReadyzEndpoint(pools: plan.pools, readiness: readiness)),
        ]
    }

    func local(
        _ path: String, _ handler: any LocalHandler, bodyLimit: Int = 0, isExact: Bool = true, key: Secret? = nil
    ) -> Route {
        Route(
            index: labels.index(of: path, in: .route), path: path, destination: .local(handler), shape: .openAI,
            bodyLimit: bodyLimit, isLogged: false, isExact: isExact, key: key)
    }
}

extension Configuration {
    /// What each of `listen` is called where its socket is kept: the same address, the same name, in this process and
    /// the next.
    var listenNames: [String] {
        var seen: [ListenAddress: Int] = [:]
        return listen.map { listen in
            seen[listen.address, default: 0] += 1
            let number = seen[listen.address] ?? 1
            return number == 1 ? "listen \(listen.address)" : "listen \(listen.address) #\(number)"
        }
    }
}

extension ConsoleConfiguration {
    var name: String { "console \(address)" }
}
