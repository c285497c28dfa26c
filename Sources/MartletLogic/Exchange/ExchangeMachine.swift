public import MartletBase

/// One request's life, as decisions.
///
/// ```
/// collecting ──▶ queued ──▶ connecting ──▶ waiting ──▶ streaming ──▶ closed
///      │            ▲           │  ▲          │            │
///      └────────────┴───────────┤  └──────────┤            │
///                               ▼             ▼            │
///                            backingOff ◀─────┘            │
///   every state ── gone, expired, refused ─────────────────┴──▶ closed
/// ```
///
/// The commit point is the move to `streaming`: before it an attempt may be repeated, after it never. Impossible
/// events are answered with `.ignore`; the driver counts them.
public struct ExchangeMachine: Sendable, Equatable {
    public enum Phase: UInt8, Sendable, CaseIterable {
        /// The body is read as far as routing needs it. Next: queued, connecting, closed.
        case collecting
        /// Every target is at its limit. Next: connecting, closed.
        case queued
        /// A target is picked; nothing was sent. Next: waiting, backingOff, connecting, queued, closed.
        case connecting
        /// The request was sent, no byte of the answer came. Next: streaming, backingOff, connecting, queued, closed.
        case waiting
        /// The head of the answer was passed on. Next: closed.
        case streaming
        /// An attempt failed and the next one is due later. Next: connecting, queued, closed.
        case backingOff
        /// The books are closed.
        case closed

        public var text: String {
            switch self {
            case .collecting: "collecting"
            case .queued: "queued"
            case .connecting: "connecting"
            case .waiting: "waiting"
            case .streaming: "streaming"
            case .backingOff: "backing_off"
            case .closed: "closed"
            }
        }
    }

    /// What an attempt's failure asks for.
    public enum OnFailure: Sendable, Equatable {
        /// Pick again at once; no attempt is counted (stale connection).
        case replay
        /// Pick again, now or after a pause.
        case retry(after: Duration)
        /// Tell the client: the head has not been sent.
        case answer(ErrorCode)
        /// Break the answer off, visibly.
        case abort(ErrorCode)
        case ignore
    }

    /// What a passed deadline asks for.
    public enum OnTimer: Sendable, Equatable {
        /// Nothing is due before this instant.
        case rearm(Instant)
        /// The pause before the next attempt is over.
        case pickAgain
        /// The attempt failed; report it as a failure of this class.
        case failAttempt(FailureClass)
        /// Waited too long for a place: tell the client.
        case refuse(ErrorCode)
        /// The whole request took too long: tell the client, or break off.
        case expire(ErrorCode)
        /// Nothing flowed for a while on an event stream: send a comment.
        case heartbeat
    }

    public private(set) var phase: Phase = .collecting
    /// Attempts begun.
    public private(set) var attempts = 0
    private var hasReplayed = false
    private var timeouts: TimeoutIntervals
    private var retry: RetryPolicy
    private let isIdempotent: Bool
    private let started: Instant
    /// `timeouts.total`, from the start.
    private var totalDeadline: Instant
    /// The deadline the caller stated.
    private let callerDeadline: Instant
    /// When the present phase has lasted too long.
    private var phaseDeadline: Instant = .never
    /// When the answer last moved; `lastHeard` also counts our own comments.
    private var lastProgress: Instant
    private var lastHeard: Instant
    private var heartbeat: Interval?
    private var isClientStalled = false

    /// A request that started at `now` and whose caller gives up at `callerDeadline`.
    public init(
        timeouts: TimeoutIntervals, retry: RetryPolicy, isIdempotent: Bool, callerDeadline: Instant, now: Instant
    ) {
        self.timeouts = timeouts
        self.retry = retry
        self.isIdempotent = isIdempotent
        self.callerDeadline = callerDeadline
        started = now
        totalDeadline = now + self.timeouts.total
        lastProgress = now
        lastHeard = now
    }

    /// When the request has to be over.
    public var deadline: Instant { min(totalDeadline, callerDeadline) }

    /// Until when waiting for a place makes sense. `timeouts.queue: 0` still allows a place that is free.
    public func queueDeadline(now: Instant) -> Instant {
        min(deadline, now + max(timeouts.queue, Interval(.milliseconds(1))))
    }

    /// The earliest instant at which `timerFired` may have something to say.
    public var nextDeadline: Instant {
        var next = min(deadline, phaseDeadline)
        if phase == .streaming, !isClientStalled {
            next = min(next, lastProgress + timeouts.idle)
            if let heartbeat { next = min(next, lastHeard + heartbeat) }
        }
        return next
    }

    // MARK: Progress

    /// No target is free: the request waits in the pool's queue.
    public mutating func queued(now: Instant) {
        guard phase != .closed, phase != .streaming else { return }
        phase = .queued
        phaseDeadline = now + timeouts.queue
    }

    /// A target is picked, an attempt begins.
    public mutating func picked(now: Instant) {
        guard phase != .closed, phase != .streaming else { return }
        phase = .connecting
        attempts += 1
        phaseDeadline = now + timeouts.connect
    }

    /// The request is on its way: from here it is not safe to replay.
    public mutating func accepted(now: Instant) {
        guard phase == .connecting else { return }
        phase = .waiting
        phaseDeadline = now + timeouts.firstByte
    }

    /// More of the request was sent: the target is not late yet.
    public mutating func uploaded(now: Instant) {
        guard phase == .waiting else { return }
        phaseDeadline = now + timeouts.firstByte
    }

    /// The head of the answer goes to the client. False: the machine is past that point, drop it.
    public mutating func committed(isEventStream: Bool, heartbeat: Interval?, now: Instant) -> Bool {
        guard phase == .waiting || phase == .connecting else { return false }
        phase = .streaming
        phaseDeadline = .never
        lastProgress = now
        lastHeard = now
        self.heartbeat = isEventStream ? heartbeat : nil
        return true
    }

    /// A piece of the answer came.
    public mutating func progressed(now: Instant) {
        lastProgress = now
        lastHeard = now
    }

    /// The client stopped or resumed reading. While it does not read, the target is not to blame for silence.
    public mutating func clientStalled(_ isStalled: Bool, now: Instant) {
        isClientStalled = isStalled
        if !isStalled { lastProgress = now }
    }

    /// A comment went out on the event stream.
    public mutating func heartbeatSent(now: Instant) {
        lastHeard = now
    }

    /// The books are closed; true the first time only.
    public mutating func close() -> Bool {
        guard phase != .closed else { return false }
        phase = .closed
        phaseDeadline = .never
        return true
    }

    // MARK: Trouble

    /// An attempt failed before or after the commit point.
    ///
    /// - Parameters:
    ///   - hasUntriedTarget: a target that this request has not tried can take it.
    ///   - mayRetry: the request's bytes are all still at hand and the retry budget has room; asked only when the rules
    ///     want a retry.
    ///   - jitter: 0 to 1, spreads the pause before a second retry.
    public mutating func failed(
        _ attempt: FailedAttempt, hasUntriedTarget: Bool = false, mayRetry: @autoclosure () -> Bool, jitter: Double,
        now: Instant
    ) -> OnFailure {
        switch phase {
        case .streaming: return .abort(Self.code(for: attempt.failure))
        case .connecting, .waiting: break
        case .collecting, .queued, .backingOff, .closed: return .ignore
        }
        if attempt.wasStaleConnection, !hasReplayed {
            hasReplayed = true
            attempts -= 1
            return .replay
        }
        // A refused connection cost nothing: it keeps no request from the targets that are left.
        if attempt.failure == .connect, !attempt.wasSent, hasUntriedTarget, retry.attempts > 1 {
            phase = .backingOff
            phaseDeadline = now
            return .retry(after: .zero)
        }
        let isAllowed = RetryRule.allows(attempt, isIdempotent: isIdempotent, policy: retry.on)
        guard isAllowed, attempts < retry.attempts, mayRetry() else { return .answer(Self.code(for: attempt.failure)) }
        // The first retry goes elsewhere at once; the ones after it give the targets time.
        let pause: Duration =
            attempts == 1 ? .zero : .milliseconds(100) * (1 << min(attempts - 2, 6)) * (0.5 + jitter / 2)
        phase = .backingOff
        phaseDeadline = now + pause
        return .retry(after: pause)
    }

    /// True when a target's answer with `status` is to be tried elsewhere instead of passed on.
    public func wouldRetry(status: Int) -> Bool {
        guard let condition = RetryRule.condition(forStatus: status), retry.on.contains(condition) else { return false }
        return attempts < retry.attempts && (isIdempotent || retry.on.contains(.nonIdempotent))
    }

    /// True when an attempt that waits for its first byte at a lost target may be repeated.
    public var wouldRetryElsewhere: Bool {
        let lost = FailedAttempt(.ejected, wasSent: true, isTargetEjected: true)
        return phase == .waiting && attempts < retry.attempts
            && RetryRule.allows(lost, isIdempotent: isIdempotent, policy: retry.on)
    }

    /// The attempt that was answered with a retriable status is over: pick again after a pause.
    public mutating func retryAfterStatus(now: Instant) {
        guard phase == .waiting || phase == .connecting else { return }
        phase = .backingOff
        phaseDeadline = now
    }

    /// A pool takes the request over, the first or a fallback: its rules hold and attempts start afresh.
    public mutating func adopt(timeouts: TimeoutIntervals, retry: RetryPolicy) {
        self.timeouts = timeouts
        self.retry = retry
        totalDeadline = started + timeouts.total
        attempts = 0
        hasReplayed = false
        if phase != .closed, phase != .streaming {
            phase = .collecting
            phaseDeadline = .never
        }
    }

    /// `nextDeadline` may have passed.
    public mutating func timerFired(now: Instant) -> OnTimer {
        guard phase != .closed else { return .rearm(.never) }
        if now >= callerDeadline { return .expire(.deadlineExceeded) }
        if now >= totalDeadline { return .expire(.totalTimeout) }
        if now >= phaseDeadline {
            switch phase {
            case .queued: return .refuse(.queueTimeout)
            case .connecting: return .failAttempt(.connectTimeout)
            case .waiting: return .failAttempt(.firstByteTimeout)
            case .backingOff: return .pickAgain
            case .collecting, .streaming, .closed: break
            }
        }
        if phase == .streaming, !isClientStalled {
            if now >= lastProgress + timeouts.idle { return .failAttempt(.stall) }
            if let heartbeat, now >= lastHeard + heartbeat { return .heartbeat }
        }
        return .rearm(nextDeadline)
    }

    /// The error a client is told when its last attempt failed like this.
    public static func code(for failure: FailureClass) -> ErrorCode {
        switch failure {
        case .connect, .tls: .connectFailed
        case .connectTimeout: .connectTimeout
        case .reset, .ejected: .upstreamReset
        case .firstByteTimeout: .firstByteTimeout
        case .stall: .idleTimeout
        case .truncated: .upstreamTruncated
        case .malformed: .upstreamMalformed
        case .status5xx, .status429: .noTarget
        case .deadline: .deadlineExceeded
        case .noDescriptor: .overloaded
        }
    }
}
