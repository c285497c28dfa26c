import MartletBase
package import MartletExchange
package import MartletLogic
package import MartletNet

/// What is stated about a target before its name is resolved: one spec stands for every address of its host.
package struct TargetSpec: Sendable {
    package var origin: Origin
    package var policy: TargetPolicy
    package var edits: HeaderEdits
    /// nil for plain HTTP.
    package var tls: TLSClient?
    /// `host:`; nil: the client's own is kept.
    package var authority: String?
    package var version: String
    package var keepAlive: UpstreamKeepAlive
    /// What opens its legs itself; nil: it is reached at `origin`.
    package var maker: (any LegMaker)?

    /// What `maker` stands for, called `name`: no place on a network.
    package init(_ maker: any LegMaker, named name: String, policy: TargetPolicy) {
        self.init(origin: Origin(host: "127.0.0.1", port: 0), policy: policy, authority: nil)
        self.maker = maker
        makerName = name
    }

    /// What it is called in place of its origin, where it is no place on a network.
    private(set) var makerName = ""

    package init(
        origin: Origin, policy: TargetPolicy = TargetPolicy(), edits: HeaderEdits = HeaderEdits(),
        tls: TLSClient? = nil, authority: String?, version: String = "",
        keepAlive: UpstreamKeepAlive = UpstreamKeepAlive()
    ) {
        self.origin = origin
        self.policy = policy
        self.edits = edits
        self.tls = tls
        self.authority = authority
        self.version = version
        self.keepAlive = keepAlive
    }

    /// The same rules for another place, such as one that an operator adds to the pool. Header fields, and a key among
    /// them, go along only to the same host: they were meant for it. The version label is the other's own.
    ///
    /// Throws when the system's certificate authorities do not load.
    package func moved(to origin: Origin, version: String) throws -> TargetSpec {
        var spec = self
        spec.version = version
        if origin.host != self.origin.host || origin.scheme != self.origin.scheme { spec.edits = HeaderEdits() }
        if origin.scheme != self.origin.scheme { spec.tls = origin.scheme == .https ? try TLSClient() : nil }
        if authority == self.origin.authority { spec.authority = origin.authority }
        spec.origin = origin
        return spec
    }
}
