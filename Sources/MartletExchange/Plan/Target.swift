package import MartletBase
package import MartletNet
package import NIOCore

/// One place that can do the work: fixed for its life. What changes about it lives in its pool's machine.
package final class Target: Sendable {
    package let id: TargetID
    /// As the operator wrote it, with the address a name resolved to when there are several.
    package let url: String
    package let place: Place
    /// The scheme, host and port of the URL, before the host was resolved.
    package let origin: Origin
    /// nil: plain text.
    package let tls: TLSClient?
    /// What `Host` says: nil keeps the client's.
    package let authority: ByteBuffer?
    /// For its requests: the target's own `headers:` and `api_key:`.
    package let edits: HeaderEdits
    /// The version label it carries in the metrics; empty without one.
    package let version: String
    package let keepAlive: UpstreamKeepAlive

    /// How it is reached.
    package enum Place: Sendable {
        /// By HTTP/1 over a connection.
        case address(SocketAddress)
        /// Through what opens the legs itself.
        case maker(any LegMaker)
    }

    /// nil: it is no place on a network.
    package var address: SocketAddress? {
        if case .address(let address) = place { address } else { nil }
    }

    /// Whether a connection to it can serve `other`, which a reload put in its place.
    package func isReachedLike(_ other: Target) -> Bool {
        guard let address, address == other.address else { return false }
        switch (tls, other.tls) {
        case (nil, nil): return true
        case (let own?, let others?): return own.believesAs(others)
        default: return false
        }
    }

    package init(
        id: TargetID, url: String, place: Place, origin: Origin, tls: TLSClient?, authority: String?,
        edits: HeaderEdits, version: String, keepAlive: UpstreamKeepAlive = UpstreamKeepAlive()
    ) {
        self.id = id
        self.url = url
        self.place = place
        self.origin = origin
        self.tls = tls
        self.authority = authority.map { ByteBuffer(string: $0) }
        self.edits = edits
        self.version = version
        self.keepAlive = keepAlive
    }
}

/// How idle connections to a target are kept, by each event loop.
package struct UpstreamKeepAlive: Sendable {
    package let idle: Interval
    package let connections: Int

    package init(idle: Duration = .seconds(4), connections: Int = 1024) {
        self.idle = Interval(idle)
        self.connections = connections
    }
}
