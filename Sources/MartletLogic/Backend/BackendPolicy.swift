/// `backends.NAME`, as far as decisions go: when a process that Martlet runs counts as ready, hung or hopeless.
public struct BackendPolicy: Sendable, Equatable {
    /// How long it may take to pass its first ready check.
    public var readyWithin: Duration = .seconds(60)
    /// Between two checks while it starts.
    public var startingInterval: Duration = .milliseconds(100)
    /// Between two checks once it is ready.
    public var checkInterval: Duration = .seconds(5)
    /// Failed checks in a row that make a ready process a hung one.
    public var hungAfter = 3
    /// Between SIGTERM and SIGKILL.
    public var stopGrace: Duration = .seconds(10)
    /// The wait before the first restart; it doubles with each exit up to `backoffMaximum`.
    public var backoffFirst: Duration = .seconds(1)
    public var backoffMaximum: Duration = .seconds(30)
    /// This many exits within `breakerWindow` slow the restarts down to one each `breakerInterval`.
    public var breakerExits = 5
    public var breakerWindow: Duration = .seconds(60)
    public var breakerInterval: Duration = .seconds(60)
    /// Ready for this long, a process that ends is started again at once, as Martlet's own, and the back-off begins
    /// anew; ``freeRestarts`` times within `breakerWindow`.
    public var stableAfter: Duration = .seconds(1)
    /// Restarts without a wait within `breakerWindow`; the ends beyond count as those of a process that never served.
    public static let freeRestarts = 10

    public init() {}
}

/// Why a process that Martlet runs is not serving.
public enum BackendExit: Sendable, Equatable, CustomStringConvertible {
    /// It ended by itself.
    case exited(code: Int32)
    /// A signal that Martlet did not send ended it.
    case signalled(Int32)
    /// It could not be run at all.
    case notStarted(String)
    /// It lived, but passed no ready check in this time; it was killed.
    case notReady(within: Duration)
    /// It lived, but failed this many ready checks in a row; it was killed.
    case hung(checks: Int)
    /// It was killed for what it did.
    case condemned(String)
    /// It was told to stop.
    case stopped

    public var description: String {
        switch self {
        case .exited(code: 127): "exited with code 127 (command not found)"
        case .exited(code: 126): "exited with code 126 (command cannot be executed)"
        case .exited(let code): "exited with code \(code)"
        case .signalled(9): "killed by signal 9, not sent by Martlet (out of memory?)"
        // SIGXCPU, everywhere.
        case .signalled(24): "killed by signal 24: its processor time (limits.cpu) was used up"
        case .signalled(let signal): "killed by signal \(signal)"
        case .notStarted(let reason): "could not be started: \(reason)"
        case .notReady(let limit): "not ready within \(limit)"
        case .hung(let checks): "hung: \(checks) ready checks failed in a row"
        case .condemned(let reason): "killed: \(reason)"
        case .stopped: "stopped"
        }
    }
}
