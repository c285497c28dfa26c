package import MartletBase
import MartletLogic
package import MartletWire
package import NIOCore

/// One entry of `routes:`, compiled. Immutable: a new configuration brings new routes.
package final class Route: Sendable {
    package enum Destination: Sendable {
        /// A pool, by path alone.
        case pool(Pool)
        /// The pool that the body's `model` names.
        case models(ModelTable)
        /// A handler inside this process.
        case local(any LocalHandler)
    }

    /// What a route makes of `Host`.
    package enum HostHeader: Sendable {
        case preserve
        case literal(ByteBuffer)
    }

    /// Its place in the metrics.
    package let index: UInt16
    /// Its path prefix.
    package let name: String
    /// Lower case, without port; nil matches every host.
    package let host: String?
    package let prefix: [UInt8]
    package let destination: Destination
    package let shape: ErrorShape
    /// What is taken off the front of the path before it is sent on; empty: nothing.
    package let strip: [UInt8]
    package let requestEdits: HeaderEdits
    package let responseEdits: HeaderEdits
    /// Bytes of request body that are accepted.
    package let bodyLimit: Int
    /// The highest class that its requests can have.
    package let priority: PriorityClass
    /// `Host` upstream; nil: the target's rule.
    package let hostHeader: HostHeader?
    /// By the index of the pool.
    private let rules: [UInt16: RequestRules]
    /// Lines of ours in every answer, and in every event stream.
    let answerLines: HeaderLines
    let eventStreamLines: HeaderLines
    let eventStreamDropped: [String]
    package let isLogged: Bool
    /// Only the very path, not what begins with it.
    package let isExact: Bool
    /// The only methods that are served; empty: any.
    package let methods: [String]
    /// What a client is told whose method is not served: the methods of all routes of its path.
    let allowed: [String]
    /// A body is read before a target is picked: a slow upload takes no place. Model APIs do so in any case.
    let readsBodyFirst: Bool
    /// What its clients must show as `X-API-Key`; nil: nothing.
    private let key: Secret?
    /// What is asked later, in the name of this server, for a client of now.
    private let later: LaterRule

    package init(
        index: UInt16, path: String, host: String? = nil, destination: Destination, shape: ErrorShape = .plain,
        strip: String = "", requestEdits: HeaderEdits = HeaderEdits(), responseEdits: HeaderEdits = HeaderEdits(),
        bodyLimit: Int, priority: PriorityClass = .interactive, hostHeader: HostHeader? = nil,
        rules: [UInt16: RequestRules] = [:], isLogged: Bool = true, isExact: Bool = false,
        methods: [String] = [], allowed: [String]? = nil, readsBodyFirst: Bool = false, key: Secret? = nil,
        later: LaterRule = .asServed
    ) {
        self.index = index
        name = path
        self.host = host
        prefix = Array(path.utf8)
        self.destination = destination
        self.shape = shape
        self.strip = Array(strip.utf8)
        self.requestEdits = requestEdits
        self.responseEdits = responseEdits
        self.bodyLimit = bodyLimit
        self.priority = priority
        self.hostHeader = hostHeader
        self.rules = rules
        answerLines = responseEdits.lines
        var lines = responseEdits.lines
        // Proxies in front of us must not hold the stream back either.
        lines.append("X-Accel-Buffering", "no")
        eventStreamLines = lines
        eventStreamDropped = responseEdits.dropped + ["x-accel-buffering"]
        self.isLogged = isLogged
        self.isExact = isExact
        self.methods = methods
        self.allowed = allowed ?? methods
        self.readsBodyFirst = readsBodyFirst
        self.key = key
        self.later = later
    }

    /// What holds for its requests in `pool`.
    func rules(in pool: Pool) -> RequestRules { rules[pool.index] ?? RequestRules(pool, isModelAPI: isModelAPI) }

    /// Whether the request shows the key that is asked for.
    package func admits(_ head: RequestHead?) -> Bool { key == nil || shows(head, key) }

    private func shows(_ head: RequestHead?, _ key: Secret?) -> Bool {
        key.map { head?.headers.show($0) ?? false } ?? true
    }

    /// Whether the request's method is served.
    package func takes(_ head: RequestHead) -> Bool { methods.isEmpty || methods.contains(head.methodText) }

    /// Whether a request that is asked again later, by its path alone, comes to this route and means the same.
    var canAnswerLater: Bool {
        if case .local = destination { return false }
        return host == nil && strip.isEmpty
    }

    /// Whether who sent `head` may have it asked later: what is queued passes the same door as what is served at once.
    package func admitsLater(_ head: RequestHead?) -> Bool {
        guard admits(head) else { return false }
        return switch later {
        case .asServed: true
        case .shownKey(let key): shows(head, key)
        case .never: false
        }
    }

    /// Whether nobody can have it asked later.
    package var asksForMoreThanKeys: Bool {
        if case .never = later { return true }
        return false
    }

    /// Whether requests of this route name a model in their body.
    package var isModelAPI: Bool {
        if case .models = destination { return true }
        return false
    }
}

/// Who may have a route asked later. Whoever is asked then sees this server, not the client.
package enum LaterRule: Sendable {
    /// Whoever is served at once.
    case asServed
    /// Who shows the key that the workers behind the route ask for by themselves; nil: there is none.
    case shownKey(Secret?)
    /// Nobody: the workers have rules of their own for who may ask, and what they go by is not kept.
    case never
}

/// `models:`: what the body's `model` means.
package struct ModelTable: Sendable {
    package struct Entry: Sendable {
        package var name: String
        /// Its place in the metrics.
        package var index: UInt16
        /// Pools and their weights; one of them is drawn for each request.
        package var pools: [(pool: Pool, weight: Int)]
        /// The name sent upstream; nil: as the client said it.
        package var upstreamName: String?
        package var fallback: Pool?

        package init(
            name: String, index: UInt16, pools: [(pool: Pool, weight: Int)], upstreamName: String?, fallback: Pool?
        ) {
            self.name = name
            self.index = index
            self.pools = pools
            self.upstreamName = upstreamName
            self.fallback = fallback
        }

        /// The pool for a draw in 0..<1.
        package func pool(draw: Double) -> Pool? {
            var rest = draw * Double(pools.reduce(0) { $0 + $1.weight })
            for (pool, weight) in pools {
                rest -= Double(weight)
                if rest < 0 { return pool }
            }
            return pools.last?.pool
        }
    }

    package let named: [String: Entry]
    /// `*`: every other model.
    package let wildcard: Entry?
    /// Names in the order of the file.
    package let names: [String]

    package init(_ entries: [Entry]) {
        named = Dictionary(entries.filter { $0.name != "*" }.map { ($0.name, $0) }) { first, _ in first }
        wildcard = entries.first { $0.name == "*" }
        names = entries.map(\.name).filter { $0 != "*" }
    }

    package func entry(for model: String) -> Entry? { named[model] ?? wildcard }
}

extension HeaderBlock {
    /// Whether they show `key`: in `X-API-Key`, or as `Authorization: Bearer`, which is where OpenAI's clients and
    /// Dify have it.
    package func show(_ key: Secret) -> Bool {
        key.matches(value(.xAPIKey) ?? "") || Secret("Bearer \(key.exposed)").matches(value(.authorization) ?? "")
    }
}
