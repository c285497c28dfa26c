import Logging
import MartletBase
import MartletNet
import Synchronization

/// What every managed process is given from outside.
struct BackendSurroundings: Sendable {
    let logger: Logger
    let now: @Sendable () -> Instant
    let probe: BackendService.Probe
    /// Variables that they do not inherit.
    let withheld: [String]
    let ports = PortLedger()
}

/// The ports that Martlet's own children were told to listen on, so that no two of them are told the same one while
/// neither has bound it yet.
final class PortLedger: Sendable {
    private struct State {
        var taken: Set<Int> = []
        /// Those that the configuration gives to somebody: nobody else picks one.
        var fixed: Set<Int> = []
    }

    private let state = Mutex(State())

    /// The fixed ports of the configuration from now on.
    func reserve(_ fixed: Set<Int>) {
        state.withLock { $0.fixed = fixed }
    }

    /// Marks `wanted`, or a free port when nil, as taken; nil when it is taken already, or no port is free.
    func claim(_ wanted: Int?) -> Int? {
        state.withLock { state in
            guard let port = wanted ?? LoopbackPort.free(besides: state.taken.union(state.fixed)) else { return nil }
            // Another child at this port would pass the checks of this one.
            return state.taken.insert(port).inserted ? port : nil
        }
    }

    func giveBack(_ port: Int) {
        _ = state.withLock { $0.taken.remove(port) }
    }
}
