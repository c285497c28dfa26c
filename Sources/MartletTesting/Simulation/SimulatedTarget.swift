import MartletBase
import MartletLogic

/// A target of the simulated world: what it is like at present.
struct SimulatedTarget {
    enum Mood: CaseIterable {
        case well, slow
        /// Answers with a 500 or 503.
        case failing
        /// Nothing listens.
        case refusing
        /// Accepts and says nothing any more.
        case blackHole
        /// Nobody answers, not even to the connection.
        case gone
        /// Asks for time.
        case busy
        /// Breaks connections off.
        case breaking
    }

    let id: TargetID
    var policy: TargetPolicy
    var mood = Mood.well
    var operatorState = OperatorState.inService
    /// Requests that were given to it and did not give it back.
    var leases = 0

    /// Whether a health check passes.
    var isHealthy: Bool {
        switch mood {
        case .well, .slow, .busy, .breaking: true
        case .failing, .refusing, .blackHole, .gone: false
        }
    }
}

/// A request of the simulated world, with its caller: a driver of `ExchangeMachine` without bytes.
final class SimulatedRequest {
    let number: Int
    let priority: PriorityClass
    let bytes: Int
    /// When the caller gives up; the machine knows it.
    let callerDeadline: Instant
    /// The answer is a stream of so many pieces; none: it comes in one.
    let pieces: Int
    let hashKey: UInt64
    var machine: ExchangeMachine
    var lease: TargetID?
    var attempt = 0
    var attemptStart = Instant.never
    var wasSent = false
    /// The head of an answer reached the caller.
    var isCommitted = false
    var isInQueue = false
    /// Until when the pool may let it wait.
    var queueDeadline = Instant.never
    var holdsRetry = false
    var tried: [TargetID] = []
    var outcome: Outcome?
    var timerAt = Instant.never

    init(
        number: Int, priority: PriorityClass, bytes: Int, callerDeadline: Instant, pieces: Int, hashKey: UInt64,
        machine: ExchangeMachine
    ) {
        self.number = number
        self.priority = priority
        self.bytes = bytes
        self.callerDeadline = callerDeadline
        self.pieces = pieces
        self.hashKey = hashKey
        self.machine = machine
    }
}
