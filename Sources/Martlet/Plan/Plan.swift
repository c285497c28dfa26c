import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletNet
import MartletTelemetry
import MartletWorkers
import NIOCore

/// What a configuration means, built: pools, routes, and who is to join which pool. Built whole before anything of it
/// is used, so that a certificate that does not load changes nothing.
struct Plan {
    /// A target that a managed backend becomes when one of its instances is ready.
    struct BackendTarget: Sendable {
        /// What it becomes.
        enum Kind: Sendable {
            /// One target for each instance, at its port.
            case server(TargetConfiguration, UpstreamKeepAlive)
            /// One target for all instances, which are its workers.
            case group(WorkerGroup)
            /// None of its own: they are the workers of a later stage of this backend's pipeline.
            case stage(WorkerGroup, of: String)
        }

        let pool: Pool
        let kind: Kind
        /// Whether its processes have the same addresses after each start.
        var hasFixedPort = false
    }

    private(set) var pools: [Pool] = []
    /// Of those, what apps and this process serve, in the order of ``apis``.
    private(set) var own: [OwnPool] = []
    /// What is to hold in each pool.
    private(set) var policies: [(pool: Pool, policy: PoolPolicy)] = []
    private(set) var specs: [(spec: TargetSpec, pool: Pool)] = []
    private(set) var backendTargets: [String: [BackendTarget]] = [:]
    private(set) var routes: [Route] = []
    /// Of those, the one for what nothing else serves, where the file does not say it.
    private(set) var impliedRoute: Route?
    private(set) var models: ModelTable
    /// The workers of the apps that are served.
    private(set) var workers: [ManagedProcess] = []
    /// What those apps serve, in the order of the file.
    private(set) var served: [ServedAPI] = []
    /// The later stages of their pipelines.
    private(set) var stages: [ServedAPI] = []
    /// What this process serves itself.
    private(set) var inProcess: [ServedEndpoint] = []

    /// - Parameter present: pools that are there already: those of a name that stays go on.
    init(
        _ configuration: Configuration, loops: Int, labels: LabelRegistry, observer: any PoolObserver,
        present: [Pool] = []
    ) throws {
        models = ModelTable([])
        var byName: [String: Pool] = [:]
        for settings in configuration.pools {
            let pool = Self.pool(settings.name, settings.policy, labels, observer, present)
            add(pool, settings.policy)
            byName[settings.name] = pool
            let keepAlive = UpstreamKeepAlive(settings.keepalive, loops: loops)
            for target in settings.targets { try place(target, in: pool, keepAlive, configuration.backends) }
        }
        models = ModelTable(configuration.models.map { model in
            ModelTable.Entry(
                name: model.name, index: labels.index(of: model.name, in: .model),
                pools: model.shares.compactMap { share in byName[share.pool].map { ($0, share.weight) } },
                upstreamName: model.upstreamName, fallback: model.fallback.flatMap { byName[$0] })
        })
        for settings in configuration.routes {
            let destination = settings.pool.flatMap { byName[$0] }.map(Route.Destination.pool) ?? .models(models)
            routes.append(
                Route(
                    settings, index: labels.index(of: settings.label, in: .route), to: destination, policies: policies,
                    limits: configuration.limits))
            if settings.isImplied { impliedRoute = routes.last }
        }
    }

    /// Adds what an app serves: a pool of one target, which the group of its workers becomes, and the route to it. Of a
    /// later stage of a pipeline, which comes after the first one, there are workers alone.
    ///
    /// - Parameters:
    ///   - all: What apps serve, this one included.
    ///   - key: What its clients must show; nil: nothing.
    mutating func serve(
        _ api: ServedAPI, among all: [ServedAPI], key: Secret?, limits: LimitsConfiguration,
        labels: LabelRegistry, observer: any PoolObserver, present: [Pool]
    ) {
        workers.append(api.process)
        if let head = api.head {
            stages.append(api)
            backendTargets[api.name] = backendTargets[head]?.map { first in
                BackendTarget(pool: first.pool, kind: .stage(api.group, of: head))
            }
            return
        }
        let policy = api.poolPolicy
        let pool = Self.pool(api.name, policy, labels, observer, present)
        add(pool, policy)
        own.append(OwnPool(pool: pool, key: key))
        backendTargets[api.name] = [BackendTarget(pool: pool, kind: .group(api.group))]
        served.append(api)
        let index = labels.index(of: api.path, in: .route)
        routes.append(api.route(to: pool, index: index, policy: policy, limits, among: all, key: key))
    }

    /// Adds what this process serves itself: a pool of one target, and the route to it.
    ///
    /// - Parameter key: What its clients must show; nil: nothing.
    mutating func serve(
        _ entry: InProcessTargets.Entry, key: Secret?, limits: LimitsConfiguration, labels: LabelRegistry,
        observer: any PoolObserver, present: [Pool]
    ) {
        let (served, policy) = (entry.served, entry.served.policy)
        let pool = Self.pool(served.path, policy, labels, observer, present)
        add(pool, policy)
        own.append(OwnPool(pool: pool, key: key))
        inProcess.append(served)
        specs.append((TargetSpec(entry.target, named: "this process", policy: served.targetPolicy), pool))
        let rules = RequestRules(timeouts: policy.timeouts, retry: policy.retry)
        routes.append(
            Route(
                index: labels.index(of: served.path, in: .route), path: served.path, destination: .pool(pool),
                bodyLimit: limits.body, rules: [pool.index: rules], isExact: !served.path.hasSuffix("/"),
                key: key))
    }

    /// All that is asked at paths of its own: what apps serve, then what this process serves.
    var apis: [APIDescription] { served.filter { !$0.isForTasks }.map { APIDescription($0) } + inProcess.map(\.api) }

    /// Those that clients ask: runs of tasks come from queues alone.
    var publicRoutes: [Route] {
        let inner = innerPaths
        return routes.filter { !inner.contains($0.name) }
    }

    /// Those that only this server asks.
    var innerRoutes: [Route] {
        let inner = innerPaths
        return routes.filter { inner.contains($0.name) }
    }

    private var innerPaths: Set<String> { Set(served.filter(\.isForTasks).map(\.path)) }

    /// The pools that the file names. One of them may be called like one of ``own``, and is another.
    var configured: [Pool] { pools.filter { pool in !own.contains { $0.pool === pool } } }

    /// The pool of that name which is there already, or a new one.
    private static func pool(
        _ name: String, _ policy: PoolPolicy, _ labels: LabelRegistry, _ observer: any PoolObserver, _ present: [Pool]
    ) -> Pool {
        present.first { $0.name == name }
            ?? Pool(name: name, index: labels.index(of: name, in: .pool), policy: policy, observer: observer)
    }

    private mutating func add(_ pool: Pool, _ policy: PoolPolicy) {
        pools.append(pool)
        policies.append((pool, policy))
    }

    private mutating func place(
        _ target: TargetConfiguration, in pool: Pool, _ keepAlive: UpstreamKeepAlive, _ backends: [BackendSpec]
    ) throws {
        switch target.location {
        case .url(let url): specs.append((try TargetSpec(target, origin: url.origin, keepAlive), pool))
        case .backend(let name):
            let hasFixedPort = backends.contains { $0.name == name && $0.port != nil }
            backendTargets[name, default: []].append(
                BackendTarget(pool: pool, kind: .server(target, keepAlive), hasFixedPort: hasFixedPort))
        }
    }
}

extension UpstreamURL {
    var origin: Origin { Origin(scheme: isTLS ? .https : .http, host: host, port: port) }
}

extension TargetSpec {
    init(_ settings: TargetConfiguration, origin: Origin, _ keepAlive: UpstreamKeepAlive) throws {
        var tls: TLSClient?
        if origin.scheme == .https {
            tls = try TLSClient(verify: settings.tls.verify, ca: settings.tls.ca, serverName: settings.tls.serverName)
        }
        var edits = HeaderEdits(settings.headers)
        if let key = settings.apiKey {
            edits = HeaderEdits(settings.headers, authorization: key)
        }
        let authority: String? =
            switch settings.host {
            case .target: origin.authority
            case .preserve: nil
            case .literal(let text): text
            }
        self.init(
            origin: origin, policy: settings.policy, edits: edits, tls: tls, authority: authority,
            version: settings.version ?? "", keepAlive: keepAlive)
    }
}

extension UpstreamKeepAlive {
    /// What is kept for a target is shared among the event loops.
    init(_ settings: UpstreamKeepalive, loops: Int) {
        self.init(idle: settings.idle, connections: (settings.connections + loops - 1) / loops)
    }
}

extension HeaderEdits {
    init(_ rules: HeaderRules, authorization key: Secret? = nil) {
        var set = rules.set.map { ($0.name, $0.value.exposed) }
        if let key { set.append(("Authorization", "Bearer \(key.exposed)")) }
        self.init(set: set, add: rules.add.map { ($0.name, $0.value.exposed) }, remove: rules.remove)
    }
}

extension Route {
    convenience init(
        _ settings: RouteConfiguration, index: UInt16, to destination: Destination,
        policies: [(pool: Pool, policy: PoolPolicy)], limits: LimitsConfiguration
    ) {
        let rules = policies.map { pool, policy in
            (pool.index, RequestRules(
                timeouts: settings.timeouts.applied(to: policy.timeouts),
                retry: settings.retry.applied(to: policy.retry), hash: policy.hashKey, limit: policy.limit,
                isModelAPI: settings.isModelAPI))
        }
        self.init(
            index: index, path: settings.path, host: settings.host, destination: destination,
            shape: settings.api == .openai ? .openAI : .plain, strip: settings.strip ?? "",
            requestEdits: HeaderEdits(settings.headers), responseEdits: HeaderEdits(settings.responseHeaders),
            bodyLimit: settings.body ?? limits.body, priority: settings.priority,
            hostHeader: settings.hostHeader.flatMap(HostHeader.init),
            rules: Dictionary(rules) { first, _ in first }, isLogged: settings.isLogged)
    }
}

extension Route.HostHeader {
    /// nil: the target's own rule holds.
    init?(_ rule: HostRule) {
        switch rule {
        case .target: return nil
        case .preserve: self = .preserve
        case .literal(let text): self = .literal(ByteBuffer(string: text))
        }
    }
}
