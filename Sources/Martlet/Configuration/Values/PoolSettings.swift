package import MartletBase
package import MartletLogic

/// One entry of `pools`.
package struct PoolConfiguration: Sendable, Equatable {
    package var name: String
    /// `balance`, `hash`, `timeouts`, `retry`, `queue`, `health` and `breaker`.
    package var policy = PoolPolicy()
    /// In the order of the file, at least one.
    package var targets: [TargetConfiguration]
    package var keepalive = UpstreamKeepalive()
}

/// `pools.NAME.keepalive`: connections to targets that wait for the next request.
package struct UpstreamKeepalive: Sendable, Equatable {
    /// `idle`: closed after this long unused; keep it below the servers' own timeout.
    package var idle: Duration = .seconds(4)
    /// `connections`: idle ones kept for the whole pool; 0: none.
    package var connections = 1024
}

/// One entry of `pools.NAME.targets`.
package struct TargetConfiguration: Sendable, Equatable {
    /// Where a target is.
    package enum Location: Sendable, Equatable {
        /// `url`.
        case url(UpstreamURL)
        /// `backend`: every instance of that managed backend.
        case backend(String)
    }
    package var location: Location
    /// `weight`, `max_fails`, `fail_timeout`, `backup`, `max_inflight` and `slow_start`.
    package var policy = TargetPolicy()
    /// `headers`: changes to the request before it is sent.
    package var headers = HeaderRules()
    /// `api_key`: sent as `Authorization: Bearer …` in place of the client's.
    package var apiKey: Secret?
    package var host = HostRule.target
    /// `version`: a label on this target's metrics.
    package var version: String?
    /// `tls`, for `https`.
    package var tls = TLSClientConfiguration()
}

/// `tls` of a target.
package struct TLSClientConfiguration: Sendable, Equatable {
    /// `verify`: whether the server's certificate and name are checked.
    package var verify = true
    /// `ca`: a PEM file of authorities to trust in place of the system's.
    package var ca: String?
    /// `server_name`: the name to ask for and to check; nil: the host of the URL.
    package var serverName: String?
}

/// `headers` and `response_headers`: first `remove`, then `set`, then `add`. Names and values are valid HTTP.
package struct HeaderRules: Sendable, Equatable {
    package struct Field: Sendable, Equatable {
        /// As written; names are compared without regard to case.
        package var name: String
        package var value: Secret
    }
    /// Fields that replace all of the same name.
    package var set: [Field] = []
    /// Fields that come on top.
    package var add: [Field] = []
    /// Names that go.
    package var remove: [String] = []

    package var isEmpty: Bool { self.set.isEmpty && add.isEmpty && remove.isEmpty }
}

/// `host`: the `Host` that a target or route sends upstream.
package enum HostRule: Sendable, Equatable {
    /// `target`: the host and port of the target's own URL.
    case target
    /// `preserve`: what the client sent (nginx's `$host`).
    case preserve
    case literal(String)
}
