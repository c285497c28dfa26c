public import MartletBase

/// All that decides whether one target may be picked.
///
/// What is asked first decides; the first row that holds is the answer of ``availability(now:)``:
///
/// | | holds while | answer | ended by |
/// |---|---|---|---|
/// | 1 | the operator removed it | down(removed) | nothing |
/// | 2 | the operator drains it | down(draining) | the operator |
/// | 3 | `unhealthy` checks in a row failed | down(check) | `healthy` passing checks in a row |
/// | 4 | its breaker is open | down(breaker) | time, or a passing check: then row 7 |
/// | 5 | `max_fails` was reached | down(failures) | `fail_timeout`: then row 7; a passing check: then row 8 |
/// | 6 | it answered 429 with `Retry-After` | down(rateLimited) | that time |
/// | 7 | row 4 or 5 ran out of time | halfOpen; down while its one trial runs | the trial |
/// | 8 | it came back less than `slow_start` ago | up, with a growing share | time |
/// | 9 | | up | |
///
/// A *trial* is a request picked while row 4 or 5 is not ended. Its success (the head of its answer is enough) ends
/// both; its failure starts them anew; a client that leaves, and a 429, free the place for another trial. A trial that
/// takes longer than `fail_timeout` (or the breaker's `open`) no longer keeps others out, as in nginx. Results that
/// arrive while a row holds and no trial runs belong to requests picked before: failures prolong row 5 as in nginx,
/// successes say nothing.
///
/// `max_fails` counts as nginx does: a failure adds to those before it while no more than `fail_timeout` passes from
/// one to the next. What blames a target is said by ``FailureClass/blamesTarget``; a 4xx is a success.
public struct TargetHealth: Sendable {
    /// How often each class of failure was met.
    public private(set) var failures = FailureCounts()
    /// How often `max_fails` took it out, trials that failed included.
    public private(set) var ejections: UInt64 = 0
    /// What the operator wants of it.
    public internal(set) var operatorState = OperatorState.inService {
        didSet { settle() }
    }
    /// Whether row 9 holds: the answer without a look at the clock.
    private(set) var isPlainlyUp = true

    private(set) var policy: TargetPolicy
    private(set) var checks: HealthPolicy
    private(set) var breaker: Breaker?
    private var passive = Passive.counting(fails: 0, last: Instant(nanoseconds: 0))
    private(set) var isCheckFailing = false
    private var checksPassed = 0
    private var checksFailed = 0
    private(set) var heldUntil: Instant?
    private var trialStart: Instant?
    private var rampStart: Instant?

    private enum Passive: Equatable {
        case counting(fails: Int, last: Instant)
        case ejected(until: Instant)
    }

    /// The longest time that a `Retry-After` is believed.
    static let longestHold = Duration.seconds(300)

    public init(_ policy: TargetPolicy, checks: HealthPolicy, breaker: BreakerPolicy?) {
        self.policy = policy
        self.checks = checks
        self.breaker = breaker.map { Breaker($0) }
    }

    /// Other rules for the same target: what is known about it stays, unless nobody would look into it any more.
    mutating func adopt(_ policy: TargetPolicy, checks: HealthPolicy, breaker: BreakerPolicy?) {
        self.policy = policy
        self.checks = checks
        if checks.kind == .off { isCheckFailing = false }
        if policy.maxFails == 0, ejectedUntil != nil { passive = .counting(fails: 0, last: Instant(nanoseconds: 0)) }
        if let breaker {
            if self.breaker == nil { self.breaker = Breaker(breaker) } else { self.breaker?.adopt(breaker) }
        } else {
            self.breaker = nil
        }
        settle()
    }
}

// MARK: - Questions

extension TargetHealth {
    /// Whether it may be picked now.
    public func availability(now: Instant) -> Availability {
        if isPlainlyUp { return .up }
        switch operatorState {
        case .removed: return .down(.removed, until: .never)
        case .draining: return .down(.draining, until: .never)
        case .inService: break
        }
        if isCheckFailing { return .down(.check, until: .never) }
        if let until = breakerOpenUntil, now < until { return .down(.breaker, until: until) }
        if let until = ejectedUntil, now < until { return .down(.failures, until: until) }
        if let heldUntil, now < heldUntil { return .down(.rateLimited, until: heldUntil) }
        guard let suspicion else { return .up }
        guard let trialStart else { return .halfOpen }
        let patience = trialStart + (suspicion == .breaker ? breakerOpenDuration : policy.failTimeout)
        return now < patience ? .down(suspicion, until: patience) : .halfOpen
    }

    /// How it stands, for people.
    public func state(now: Instant) -> TargetState {
        switch availability(now: now) {
        case .up: sharePercent(now: now) < 100 ? .slowStart : .up
        case .halfOpen: .halfOpen
        case .down(let reason, _): .down(reason)
        }
    }

    /// The share of its weight that it has now, in percent: from 10 to 100 in slow start.
    public func sharePercent(now: Instant) -> Int {
        guard let rampStart else { return 100 }
        let full = policy.slowStart.wholeNanoseconds
        let elapsed = (now - rampStart).wholeNanoseconds
        guard full > 0, elapsed < full else { return 100 }
        return 10 + Int(90 * Double(max(elapsed, 0)) / Double(full))
    }

    /// How often the checker should look at it now; nil: not at all.
    ///
    /// A target that is down is looked at every second, whatever `interval` says, so that it serves again soon.
    public func probeInterval(now: Instant) -> Duration? {
        guard checks.kind != .off, operatorState != .removed else { return nil }
        let isTrusted = !isCheckFailing && suspicion == nil
        return isTrusted ? checks.interval : min(checks.interval, .seconds(1))
    }

    /// How its breaker stands.
    public func breakerState(now: Instant) -> BreakerState {
        guard let breaker else { return .off }
        guard case .open(let until) = breaker.state else { return .shut }
        return now < until ? .open : .halfOpen
    }

    /// Failures that count towards `max_fails`.
    public var consecutiveFails: Int {
        switch passive {
        case .counting(let fails, _): fails
        case .ejected: policy.maxFails
        }
    }

    private var ejectedUntil: Instant? {
        if case .ejected(let until) = passive { until } else { nil }
    }

    private var breakerOpenUntil: Instant? {
        if case .open(let until) = breaker?.state { until } else { nil }
    }

    private var breakerOpenDuration: Duration { breaker?.openDuration ?? .zero }

    /// What requests have to disprove before it is trusted again.
    private var suspicion: DownReason? {
        if breakerOpenUntil != nil { return .breaker }
        return ejectedUntil != nil ? .failures : nil
    }
}

// MARK: - Events

extension TargetHealth {
    /// A request was given to it.
    mutating func began(now: Instant) {
        guard !isPlainlyUp, suspicion != nil else { return }
        trialStart = now
    }

    /// An attempt reached its end, or an answer that is not the target's fault.
    public mutating func succeeded(now: Instant) {
        if isPlainlyUp || suspicion == nil {
            breaker?.succeeded(now: now)
        } else {
            answered(now: now)
        }
    }

    /// The head of an answer that does not blame it arrived: a trial need not wait for the end of a long answer.
    public mutating func answered(now: Instant) {
        guard suspicion != nil, trialStart != nil else { return }
        clearSuspicion(now: now)
        settle()
    }

    /// An attempt failed. `retryAfter` is what the target asked for, if it did.
    public mutating func failed(_ failure: FailureClass, retryAfter: Duration? = nil, now: Instant) {
        failures.count(failure)
        defer { settle() }
        guard failure.blamesTarget else {
            if failure == .status429 { hold(retryAfter, now: now) }
            trialStart = nil
            return
        }
        if suspicion == .breaker {
            if trialStart != nil { breaker?.trialFailed(now: now) }
        } else {
            breaker?.failed(now: now)
        }
        countTowardsMaxFails(now: now)
        trialStart = nil
    }

    /// An attempt ended in a way that says nothing, such as a client that left.
    public mutating func ended(now: Instant) {
        trialStart = nil
    }

    /// An active check passed.
    public mutating func checkPassed(now: Instant) {
        checksFailed = 0
        checksPassed = min(checksPassed + 1, max(checks.healthy, 1))
        guard checksPassed >= max(checks.healthy, 1) else { return }
        let wasDown = isCheckFailing || ejectedUntil != nil
        isCheckFailing = false
        breaker?.offerTrial(now: now)
        if ejectedUntil != nil { passive = .counting(fails: 0, last: now) }
        if wasDown, suspicion == nil { startRamp(now: now) }
        settle()
    }

    /// An active check failed.
    public mutating func checkFailed(now: Instant) {
        checksPassed = 0
        checksFailed = min(checksFailed + 1, max(checks.unhealthy, 1))
        guard checksFailed >= max(checks.unhealthy, 1) else { return }
        isCheckFailing = true
        settle()
    }

    /// Forgets what time has ended.
    mutating func refresh(now: Instant) {
        guard !isPlainlyUp else { return }
        if let heldUntil, now >= heldUntil { self.heldUntil = nil }
        if rampStart != nil, sharePercent(now: now) >= 100 { rampStart = nil }
        settle()
    }

    private mutating func hold(_ retryAfter: Duration?, now: Instant) {
        guard let retryAfter, retryAfter > .zero else { return }
        heldUntil = max(heldUntil ?? now, now + min(retryAfter, Self.longestHold))
    }

    private mutating func countTowardsMaxFails(now: Instant) {
        guard policy.maxFails > 0 else { return }
        guard case .counting(let fails, let last) = passive else { return eject(now: now) }
        let isInARow = fails > 0 && now <= last + policy.failTimeout
        let count = isInARow ? fails + 1 : 1
        if count >= policy.maxFails {
            eject(now: now)
        } else {
            passive = .counting(fails: count, last: now)
        }
    }

    private mutating func eject(now: Instant) {
        if ejectedUntil == nil || trialStart != nil { ejections &+= 1 }
        passive = .ejected(until: now + policy.failTimeout)
        checksPassed = 0
    }

    private mutating func clearSuspicion(now: Instant) {
        trialStart = nil
        breaker?.trialSucceeded()
        passive = .counting(fails: 0, last: now)
        startRamp(now: now)
    }

    private mutating func startRamp(now: Instant) {
        if policy.slowStart > .zero { rampStart = now }
    }

    private mutating func settle() {
        isPlainlyUp =
            operatorState == .inService && !isCheckFailing && suspicion == nil && heldUntil == nil && rampStart == nil
    }
}
