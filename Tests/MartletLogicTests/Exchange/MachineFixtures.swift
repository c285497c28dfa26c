import MartletBase
import MartletLogic

extension ExchangeMachine {
    /// A request that started at `at(0)`.
    static func started(
        isIdempotent: Bool = true, attempts: Int = 2, on conditions: RetryConditions = [.error, .timeout],
        callerDeadline: Instant = .never, _ change: (inout Timeouts) -> Void = { _ in }
    ) -> ExchangeMachine {
        var timeouts = Timeouts()
        change(&timeouts)
        var retry = RetryPolicy()
        retry.attempts = attempts
        retry.on = conditions
        return ExchangeMachine(
            timeouts: TimeoutIntervals(timeouts), retry: retry, isIdempotent: isIdempotent,
            callerDeadline: callerDeadline, now: at(0))
    }

    /// The same, taken at `at(0)` to a phase by the shortest way.
    func moved(to phase: Phase) -> ExchangeMachine {
        var machine = self
        switch phase {
        case .collecting: break
        case .queued: machine.queued(now: at(0))
        case .connecting: machine.picked(now: at(0))
        case .waiting:
            machine.picked(now: at(0))
            machine.accepted(now: at(0))
        case .streaming:
            machine.picked(now: at(0))
            machine.accepted(now: at(0))
            _ = machine.commits(now: at(0))
        case .backingOff:
            machine.picked(now: at(0))
            machine.accepted(now: at(0))
            machine.retryAfterStatus(now: at(0))
        case .closed: _ = machine.close()
        }
        return machine
    }

    mutating func commits(isEventStream: Bool = false, heartbeat: Duration? = nil, now: Instant) -> Bool {
        committed(isEventStream: isEventStream, heartbeat: heartbeat.map { Interval($0) }, now: now)
    }

    /// An attempt that is picked, sent and lost.
    mutating func loses(
        _ failure: FailureClass = .reset, wasSent: Bool = true, wasStale: Bool = false, mayRetry: Bool = true,
        jitter: Double = 1, now: Instant
    ) -> OnFailure {
        picked(now: now)
        if wasSent { accepted(now: now) }
        let attempt = FailedAttempt(failure, wasSent: wasSent, wasStaleConnection: wasStale)
        return failed(attempt, mayRetry: mayRetry, jitter: jitter, now: now)
    }
}
