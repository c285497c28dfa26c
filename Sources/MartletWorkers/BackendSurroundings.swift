import Logging
import MartletBase
import MartletNet
import Synchronization

/// What every managed process is given from outside.
struct BackendSurroundings: Sendable {
    let logger: Logger
    let now: @Sendable () -> Instant
    let probe: BackendService.Probe
    let ports = PortLedger()
}

/// The ports that Martlet's own children were told to listen on, so that no two of them are told the same one while
/// neither has bound it yet.
final class PortLedger: Sendable {
    private let taken = Mutex<Set<Int>>([])

    /// Marks `wanted`, or a free port when nil, as taken; nil when it is taken already, or no port is free.
    func claim(_ wanted: Int?) -> Int? {
        taken.withLock { taken in
            guard let port = wanted ?? LoopbackPort.free(besides: taken) else { return nil }
            // Another child at this port would pass the checks of this one.
            return taken.insert(port).inserted ? port : nil
        }
    }

    func giveBack(_ port: Int) {
        _ = taken.withLock { $0.remove(port) }
    }
}
