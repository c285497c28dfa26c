package import MartletBase
package import MartletLogic

/// One managed process as `/status` shows it.
package struct BackendStatus: Sendable, Equatable {
    package let backend: String
    /// Counted from 0.
    package let instance: Int
    /// `idle` (waits for the one before it to go), `starting`, `ready`, `ending`, `backing_off`, `broken` (the breaker
    /// slows the restarts), `stopping` or `stopped`.
    package private(set) var state: String
    /// The process id while a process lives.
    package private(set) var pid: Int32?
    /// The port while a process lives.
    package private(set) var port: Int?
    /// Starts after the first.
    package private(set) var restarts: Int
    /// Why the last process ended; nil before the first end.
    package private(set) var lastExit: BackendExit?
    /// When `state` last changed.
    package private(set) var since: Instant
    /// Whether the configuration no longer asks for it: it serves until its successor does, or ends its requests.
    package var isOutgoing = false
    private(set) var isHopeful = true

    init(_ identity: BackendIdentity, machine: BackendMachine) {
        backend = identity.backend
        instance = identity.instance
        state = machine.state.text
        restarts = 0
        since = machine.since
    }

    mutating func take(_ machine: BackendMachine) {
        state = machine.state.text
        isHopeful = machine.state.isHopeful
        restarts = max(0, machine.run - 1)
        lastExit = machine.lastExit
        since = machine.since
    }

    mutating func spawned(port: Int?) {
        self.port = port
    }

    mutating func started(pid: Int32) {
        self.pid = pid
    }

    mutating func ended() {
        pid = nil
        port = nil
    }
}
