package import MartletLogic

/// One instance of a backend under one spec: after a reload another one may have its place.
package struct BackendIdentity: Hashable, Sendable {
    package let backend: String
    /// Counted from 0.
    package let instance: Int
    /// Tells it from all others that have its place before and after it; never used again.
    package let number: Int

    package init(backend: String, instance: Int, number: Int) {
        self.backend = backend
        self.instance = instance
        self.number = number
    }
}

/// What the rest of Martlet must know about managed processes: where a target is, and that it is gone.
package enum BackendEvent: Sendable, Equatable {
    /// The instance serves from now on: on this loopback port, or as a worker of its group.
    case ready(BackendIdentity, port: Int?)
    /// The instance that served, on this port or as a worker, no longer does.
    case gone(BackendIdentity, port: Int?, reason: BackendExit)
    /// The backends that serve or may be expected to within moments, or when somebody asks for them: worth waiting for
    /// while none of their instances is there. Told before the `gone` that makes it matter.
    case hopeful(Set<String>)
}
