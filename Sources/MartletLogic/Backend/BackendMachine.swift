public import MartletBase

/// Decides the life of one process that Martlet runs: when to start it, when to call it ready, hung or hopeless, when
/// to try again.
///
/// ```
///             start               check passes            failing checks: SIGKILL
///   idle ───────────▶ starting ─────────────────▶ ready ──────────────┐
///                      ▲   │ too late: SIGKILL      │ exits           ▼
///                      │   ├───────────────────────────────────▶ ending ──┐
///          time passed │   │ exits                  │                     │ exits
///                      └─ backingOff ◀──────────────┴─────────────────────┘
///
///   stop, in any state: SIGTERM, after the grace (`hurry`: at once) SIGKILL, then finished
///   retire: as before, but finished in place of backingOff
/// ```
///
/// The driver carries out the actions in order, and feeds back what happens. It may deliver wake-ups late, twice or
/// for times that no longer matter.
public struct BackendMachine: Sendable {
    /// What happens to the process.
    public enum Event: Sendable, Equatable {
        /// Begin to run it.
        case start
        /// A check asked for by `.probe(run:)` came back.
        case probed(run: Int, passed: Bool)
        /// The process says that it still gets ready.
        case gotOn(run: Int)
        /// The process must end, for that reason.
        case condemned(run: Int, String)
        /// The process ended, or could not be started.
        case exited(BackendExit)
        /// A time asked for by `.wake(at:)` has come.
        case woken
        /// It is to be stopped soon: should it end before, it is not started again.
        case retire
        /// Stop it for good.
        case stop
        /// Stop it for good, at once.
        case hurry
    }

    /// What the driver must do.
    public enum Action: Sendable, Equatable {
        /// Start the process.
        case spawn
        /// Ask the process whether it is ready, and answer with `.probed` of the same run.
        case probe(run: Int)
        /// Tell the process to end (SIGTERM, or as it understands it better).
        case terminate
        /// End the process and its group (SIGKILL).
        case kill
        /// It serves from now on.
        case announceReady
        /// It served, and no longer does.
        case announceGone(BackendExit)
        /// Send `.woken` at that time.
        case wake(at: Instant)
        /// It is stopped for good; no more events are wanted.
        case finish
    }

    public enum State: Sendable, Equatable {
        /// Not told to start yet.
        case idle
        /// The process lives, or is about to, and has passed no check yet.
        case starting(deadline: Instant, nextProbe: Instant)
        /// It serves. `failures` counts failed checks in a row.
        case ready(since: Instant, failures: Int, nextProbe: Instant)
        /// It was killed for that reason and has not gone yet.
        case ending(BackendExit)
        /// It is gone, and is started again at that time. `isSlow`: the breaker holds it down.
        case backingOff(until: Instant, isSlow: Bool)
        /// Told to stop, not gone yet.
        case stopping(killAt: Instant)
        /// Stopped for good.
        case finished

        /// Whether it serves, or may be expected to within moments.
        public var isHopeful: Bool {
            switch self {
            case .idle, .starting, .ready, .ending, .backingOff(_, isSlow: false): true
            case .backingOff(_, isSlow: true), .stopping, .finished: false
            }
        }

        /// The word in `/status`.
        public var text: String {
            switch self {
            case .idle: "idle"
            case .starting: "starting"
            case .ready: "ready"
            case .ending: "ending"
            case .backingOff(_, isSlow: false): "backing_off"
            case .backingOff(_, isSlow: true): "broken"
            case .stopping: "stopping"
            case .finished: "stopped"
            }
        }
    }

    public let policy: BackendPolicy
    public private(set) var state: State = .idle
    /// Which process this is, counted from 1; 0 before the first.
    public private(set) var run = 0
    /// Why the last process ended.
    public private(set) var lastExit: BackendExit?
    /// When `state` last took another name.
    public private(set) var since: Instant
    /// The exits that the breaker remembers, oldest first.
    private var exits: [Instant] = []
    /// Exits since it last was stable: the exponent of the back-off.
    private var failuresInARow = 0
    /// When a process that had served for a while was started again at once, oldest first.
    private var freeRestarts: [Instant] = []
    /// The process that was condemned had served for a while.
    private var wasStable = false
    private var isRetired = false

    public init(policy: BackendPolicy, now: Instant) {
        self.policy = policy
        since = now
    }

    /// Takes what happened and says what to do.
    ///
    /// - Parameter jitter: A random number from 0 to 1, which spreads restarts out.
    public mutating func handle(_ event: Event, now: Instant, jitter: Double) -> [Action] {
        let before = state.text
        defer { if state.text != before { since = now } }
        return switch event {
        case .start: start(now: now)
        case .probed(let run, let passed): run == self.run ? probed(passed, now: now) : []
        case .gotOn(let run): run == self.run ? gotOn(now: now) : []
        case .condemned(let run, let reason): run == self.run ? condemned(reason, now: now) : []
        case .exited(let exit): exited(exit, now: now, jitter: jitter)
        case .woken: woken(now: now)
        case .retire: retire()
        case .stop: stop(now: now)
        case .hurry: hurry(now: now)
        }
    }

    private mutating func start(now: Instant) -> [Action] {
        guard state == .idle else { return [] }
        return spawn(now: now)
    }

    private mutating func spawn(now: Instant) -> [Action] {
        run += 1
        wasStable = false
        let nextProbe = now + policy.startingInterval
        let deadline = now + policy.readyWithin
        state = .starting(deadline: deadline, nextProbe: nextProbe)
        return [.spawn, .wake(at: nextProbe), .wake(at: deadline)]
    }

    private mutating func probed(_ passed: Bool, now: Instant) -> [Action] {
        switch (state, passed) {
        case (.starting, true):
            let nextProbe = now + policy.checkInterval
            state = .ready(since: now, failures: 0, nextProbe: nextProbe)
            return [.announceReady, .wake(at: nextProbe)]
        case (.starting(let deadline, _), false):
            let nextProbe = now + policy.startingInterval
            state = .starting(deadline: deadline, nextProbe: nextProbe)
            return [.wake(at: nextProbe)]
        case (.ready(let since, _, _), true):
            return awaitNextProbe(since: since, failures: 0, now: now)
        case (.ready(let since, let failures, _), false):
            guard failures + 1 < policy.hungAfter else {
                return hung(checks: failures + 1)
            }
            return awaitNextProbe(since: since, failures: failures + 1, now: now)
        case (.idle, _), (.ending, _), (.backingOff, _), (.stopping, _), (.finished, _):
            return []
        }
    }

    private mutating func awaitNextProbe(since: Instant, failures: Int, now: Instant) -> [Action] {
        let nextProbe = now + policy.checkInterval
        state = .ready(since: since, failures: failures, nextProbe: nextProbe)
        return [.wake(at: nextProbe)]
    }

    private mutating func gotOn(now: Instant) -> [Action] {
        guard case .starting(_, let nextProbe) = state else { return [] }
        let deadline = now + policy.readyWithin
        state = .starting(deadline: deadline, nextProbe: nextProbe)
        return [.wake(at: deadline)]
    }

    private mutating func condemned(_ reason: String, now: Instant) -> [Action] {
        switch state {
        case .starting:
            state = .ending(.condemned(reason))
            return [.kill]
        case .ready(let since, _, _):
            wasStable = now - since >= policy.stableAfter
            state = .ending(.condemned(reason))
            return [.announceGone(.condemned(reason)), .kill]
        case .idle, .ending, .backingOff, .stopping, .finished:
            return []
        }
    }

    private mutating func hung(checks: Int) -> [Action] {
        state = .ending(.hung(checks: checks))
        return [.announceGone(.hung(checks: checks)), .kill]
    }

    private mutating func exited(_ exit: BackendExit, now: Instant, jitter: Double) -> [Action] {
        switch state {
        case .starting:
            return backOff(after: exit, now: now, jitter: jitter)
        case .ready(let since, _, _):
            let wasStable = now - since >= policy.stableAfter
            return [.announceGone(exit)] + backOff(after: exit, wasStable: wasStable, now: now, jitter: jitter)
        case .ending(let reason):
            return backOff(after: reason, wasStable: wasStable, now: now, jitter: jitter)
        case .stopping:
            lastExit = .stopped
            state = .finished
            return [.finish]
        case .idle, .backingOff, .finished:
            return []
        }
    }

    /// - Parameter wasStable: whether it ended by itself or from outside, having served for a while. One that hung
    ///   never was: hanging takes longer than that to be seen, so how long it served says nothing.
    private mutating func backOff(
        after exit: BackendExit, wasStable: Bool = false, now: Instant, jitter: Double
    ) -> [Action] {
        lastExit = exit
        guard !isRetired else {
            state = .finished
            return [.finish]
        }
        if wasStable, mayStartFreely(now: now) { return startAtOnce(now: now) }
        exits.append(now)
        exits.removeAll { now - $0 > policy.breakerWindow }
        exits = exits.suffix(policy.breakerExits)
        let isSlow = exits.count >= policy.breakerExits
        let doubled = policy.backoffFirst * (1 << min(failuresInARow, 16))
        failuresInARow += 1
        let base = isSlow ? policy.breakerInterval : min(doubled, policy.backoffMaximum)
        let until = now + base + base * (min(max(jitter, 0), 1) * 0.2)
        state = .backingOff(until: until, isSlow: isSlow)
        return [.wake(at: until)]
    }

    /// Whether a process that served for a while may start again without a wait. One that keeps dying soon after it got
    /// ready is ill, however well it served in between.
    private mutating func mayStartFreely(now: Instant) -> Bool {
        freeRestarts.removeAll { now - $0 > policy.breakerWindow }
        return freeRestarts.count < BackendPolicy.freeRestarts
    }

    /// What served well is started again at once: whatever ended it came from outside, as far as anybody can tell. The
    /// exits before are not forgotten for it: the window does that.
    private mutating func startAtOnce(now: Instant) -> [Action] {
        freeRestarts.append(now)
        failuresInARow = 0
        state = .backingOff(until: now, isSlow: false)
        return [.wake(at: now)]
    }

    private mutating func woken(now: Instant) -> [Action] {
        switch state {
        case .starting(let deadline, _) where now >= deadline:
            state = .ending(.notReady(within: policy.readyWithin))
            return [.kill]
        case .starting(let deadline, let nextProbe) where now >= nextProbe:
            // The answer sets the next time; until then only the deadline counts.
            state = .starting(deadline: deadline, nextProbe: .never)
            return [.probe(run: run)]
        case .ready(let since, let failures, let nextProbe) where now >= nextProbe:
            state = .ready(since: since, failures: failures, nextProbe: .never)
            return [.probe(run: run)]
        case .backingOff(let until, _) where now >= until:
            return spawn(now: now)
        case .stopping(let killAt) where now >= killAt:
            state = .stopping(killAt: .never)
            return [.kill]
        case .idle, .starting, .ready, .ending, .backingOff, .stopping, .finished:
            return []
        }
    }

    private mutating func retire() -> [Action] {
        isRetired = true
        switch state {
        case .idle, .backingOff:
            state = .finished
            return [.finish]
        case .starting, .ready, .ending, .stopping, .finished:
            return []
        }
    }

    private mutating func stop(now: Instant) -> [Action] {
        switch state {
        case .idle, .backingOff:
            state = .finished
            return [.finish]
        case .starting:
            return terminate(now: now)
        case .ready:
            return [.announceGone(.stopped)] + terminate(now: now)
        case .ending:
            state = .stopping(killAt: .never)
            return []
        case .stopping, .finished:
            return []
        }
    }

    private mutating func hurry(now: Instant) -> [Action] {
        let actions = stop(now: now)
        guard case .stopping(let killAt) = state, killAt != .never else { return actions }
        state = .stopping(killAt: .never)
        return actions + [.kill]
    }

    private mutating func terminate(now: Instant) -> [Action] {
        let killAt = now + policy.stopGrace
        state = .stopping(killAt: killAt)
        return [.terminate, .wake(at: killAt)]
    }
}
