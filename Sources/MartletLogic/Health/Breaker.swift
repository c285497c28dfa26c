import MartletBase

/// The circuit breaker of one target: a share of failures in a window opens it.
///
/// - `shut`: requests pass and are counted. To `open` when the window holds at least `minimum` requests and at least
///   the share `failures` of them failed.
/// - `open(until:)`: no request passes. At `until`, or when an active check passes, it is half-open: one trial.
///   A trial that succeeds: to `shut`, with an empty window. One that fails: `open` anew.
struct Breaker: Sendable {
    enum State: Equatable, Sendable {
        case shut
        case open(until: Instant)
    }

    private(set) var state = State.shut
    /// How often it opened, trials that failed included.
    private(set) var openings: UInt64 = 0
    /// How long it stays open.
    var openDuration: Duration { policy.open }
    private var policy: BreakerPolicy
    private var window: FailureWindow

    init(_ policy: BreakerPolicy) {
        self.policy = policy
        window = FailureWindow(length: policy.window)
    }

    /// Other rules; what it counted stays unless the window has another length.
    mutating func adopt(_ policy: BreakerPolicy) {
        if policy.window != self.policy.window { window = FailureWindow(length: policy.window) }
        self.policy = policy
    }

    mutating func succeeded(now: Instant) {
        guard state == .shut else { return }
        window.record(failed: false, now: now)
    }

    mutating func failed(now: Instant) {
        guard state == .shut else { return }
        window.record(failed: true, now: now)
        let (failures, total) = window.sums(now: now)
        guard total >= policy.minimum, Double(failures) >= policy.failures * Double(total) else { return }
        open(now: now)
    }

    mutating func trialSucceeded() {
        state = .shut
        window.clear()
    }

    mutating func trialFailed(now: Instant) {
        if state != .shut { open(now: now) }
    }

    /// An active check passed: worth a trial now.
    mutating func offerTrial(now: Instant) {
        if case .open(let until) = state, until > now { state = .open(until: now) }
    }

    private mutating func open(now: Instant) {
        state = .open(until: now + policy.open)
        openings &+= 1
    }
}
