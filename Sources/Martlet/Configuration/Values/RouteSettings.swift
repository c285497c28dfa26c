package import MartletBase
package import MartletLogic

/// One entry of `routes`.
package struct RouteConfiguration: Sendable, Equatable {
    /// The shape of the errors that Martlet itself answers with.
    package enum API: String, Sendable, Equatable, CaseIterable {
        /// `{"error":{…}}`.
        case openai
        /// One line of text.
        case plain
    }
    /// `path`: the prefix, beginning with `/`; the longest that matches wins.
    package var path: String
    /// `host`: only requests for this name (lower case, no port; `*.name`: any one below it); nil: any.
    package var host: String?
    /// In metrics: unique among routes.
    package var label: String { (host ?? "") + path }
    /// `pool`; nil: the model API, whose pool follows from the request's `model`.
    package var pool: String?
    /// `strip`: what is taken off the front of the path before it goes upstream, never the last `/`; nil: nothing.
    package var strip: String?
    /// `headers`: changes to the request, before those of the target.
    package var headers = HeaderRules()
    /// `response_headers`: changes to the answer.
    package var responseHeaders = HeaderRules()
    /// `host_header`: in place of the target's `host`; nil: the target's rule holds.
    package var hostHeader: HostRule?
    /// `priority`: the highest class that its requests can have.
    package var priority = PriorityClass.interactive
    /// `body`: the largest request body in bytes; nil: `limits.body`.
    package var body: Int?
    /// `timeouts`: in place of the pool's, one by one.
    package var timeouts = TimeoutsOverride()
    /// `retry`: in place of the pool's, one by one.
    package var retry = RetryOverride()
    /// `access_log`: false: requests of this route leave no line.
    package var isLogged = true
    /// `cache`: replies of Langchain-Chatchat behind it are given again; nil: none.
    package var replies: ReplyCacheConfiguration?
    package var api: API
    /// The file does not say it: it serves what nothing else does.
    package var isImplied = false

    /// Whether the request's `model` decides where it goes.
    package var isModelAPI: Bool { pool == nil }
}

/// `cache` of a route.
package struct ReplyCacheConfiguration: Sendable, Equatable {
    /// `memory`: in bytes.
    package var memory = 64 << 20
    /// `ttl`.
    package var timeToLive: Duration = .seconds(600)
}

/// `timeouts` of a route.
package struct TimeoutsOverride: Sendable, Equatable {
    package var connect: Duration?
    package var queue: Duration?
    package var firstByte: Duration?
    package var idle: Duration?
    package var total: Duration?

    /// The pool's timeouts with those that the route states put in.
    package func applied(to pool: Timeouts) -> Timeouts {
        var timeouts = pool
        timeouts.connect = connect ?? pool.connect
        timeouts.queue = queue ?? pool.queue
        timeouts.firstByte = firstByte ?? pool.firstByte
        timeouts.idle = idle ?? pool.idle
        timeouts.total = total ?? pool.total
        return timeouts
    }
}

/// `retry` of a route.
package struct RetryOverride: Sendable, Equatable {
    package var attempts: Int?
    package var budget: Double?
    package var on: RetryConditions?

    /// The pool's retry policy with what the route states put in.
    package func applied(to pool: RetryPolicy) -> RetryPolicy {
        var policy = pool
        policy.attempts = attempts ?? pool.attempts
        policy.budget = budget ?? pool.budget
        policy.on = on ?? pool.on
        policy.isOnStated = on != nil || pool.isOnStated
        return policy
    }
}

/// One entry of `models`.
package struct ModelConfiguration: Sendable, Equatable {
    /// A pool and its share of the model's requests.
    package struct Share: Sendable, Equatable {
        package var pool: String
        /// Against the other shares' weights; 0: none.
        package var weight: Int
    }
    /// What clients write as `model`; `*`: any model that has no entry of its own.
    package var name: String
    /// `pool` or `pools`: at least one, and one of them with a weight above 0.
    package var shares: [Share]
    /// `as`: the name sent upstream; nil: the client's.
    package var upstreamName: String?
    /// `fallback`: the pool that takes over while the others cannot.
    package var fallback: String?
}
