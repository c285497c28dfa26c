public import MartletBase

/// Decides for the parent of the serving process: when to start it again, when to give up, when to end with it.
///
/// ```
///   starting ──ready──▶ serving ──ended──▶ (at once, or waiting for the pause to pass) ──▶ starting
///       │ ended before any child ever served: finish with its status (a mistake of the configuration, say)
///   told to end, in any state: passed on to the child, then finish with its status
/// ```
///
/// A child that ends with status 0 was told to end by somebody; the parent ends with it.
public struct SupervisorMachine: Sendable {
    public enum Event: Sendable, Equatable {
        /// The child serves.
        case ready
        /// The child ended.
        case ended(ChildEnding)
        /// Someone told the parent to end, with this signal.
        case told(signal: Int32)
        /// Someone told the parent to read the configuration anew, with this signal.
        case reload(signal: Int32)
        /// The time of a `.wake` came, or any other: harmless.
        case woken
    }

    public enum Action: Sendable, Equatable {
        /// Start a child.
        case spawn
        /// Give the child this signal.
        case signal(Int32)
        /// Have the child end at once: who asked for the end asks again.
        case hurry
        /// Send `.woken` at that time.
        case wake(at: Instant)
        /// The parent's own end.
        case finish(status: Int32)
    }

    public enum State: Sendable, Equatable {
        case starting
        case serving(since: Instant)
        /// No child; the next one starts then.
        case waiting(until: Instant)
        /// Told to end; the child may take its time.
        case ending(since: Instant)
        case finished
    }

    /// Signals to end that come within this are one: `timeout` and some shells send theirs to a process and then to its
    /// whole group.
    public static let moment: Duration = .milliseconds(250)
    /// A child that served for this long starts with a clean slate.
    public static let stable: Duration = .seconds(1)
    /// The pause before the second start in a row that came to nothing; each further one doubles it.
    public static let firstPause: Duration = .milliseconds(100)
    public static let longestPause: Duration = .seconds(5)

    public private(set) var state = State.starting
    private var hasServed = false
    /// What a child that is not ready yet would die of, and hears when it is.
    private var owedReload: Int32?
    /// Children in a row that did not become stable.
    private var failures = 0

    public init() {}

    /// The parent has begun.
    public mutating func start() -> [Action] { [.spawn] }

    public mutating func handle(_ event: Event, now: Instant) -> [Action] {
        switch event {
        case .ready:
            guard state == .starting else { return [] }
            hasServed = true
            state = .serving(since: now)
            defer { owedReload = nil }
            return owedReload.map { [.signal($0)] } ?? []
        case .ended(let ending): return ended(ending, now: now)
        case .told(let signal): return told(signal, now: now)
        case .reload(let signal): return reload(signal)
        case .woken:
            guard case .waiting(let until) = state else { return [] }
            guard now >= until else { return [.wake(at: until)] }
            state = .starting
            return [.spawn]
        }
    }

    private mutating func reload(_ signal: Int32) -> [Action] {
        switch state {
        case .serving: return [.signal(signal)]
        case .starting: owedReload = signal
        // The next child reads the file of that moment.
        case .waiting, .ending, .finished: break
        }
        return []
    }

    private mutating func told(_ signal: Int32, now: Instant) -> [Action] {
        switch state {
        case .starting, .serving:
            state = .ending(since: now)
            return [.signal(signal)]
        case .ending(let since): return now - since >= Self.moment ? [.hurry] : []
        case .waiting:
            state = .finished
            return [.finish(status: 0)]
        case .finished: return []
        }
    }

    private mutating func ended(_ ending: ChildEnding, now: Instant) -> [Action] {
        guard !isLast(ending) else {
            state = .finished
            return [.finish(status: ending.status)]
        }
        switch state {
        case .serving(let since) where now - since >= Self.stable: failures = 0
        case .starting, .serving: failures += 1
        case .waiting, .ending, .finished: return []
        }
        guard failures > 0 else {
            state = .starting
            return [.spawn]
        }
        let until = now + pause
        state = .waiting(until: until)
        return [.wake(at: until)]
    }

    private func isLast(_ ending: ChildEnding) -> Bool {
        switch state {
        case .ending: true
        case .starting: !hasServed
        case .serving: ending == .exited(0)
        case .waiting, .finished: false
        }
    }

    private var pause: Duration {
        min(Self.longestPause, Self.firstPause * (1 << min(failures - 1, 10)))
    }
}

/// How a child ended.
public enum ChildEnding: Sendable, Equatable, CustomStringConvertible {
    case exited(Int32)
    case signalled(Int32)

    /// As a shell tells it.
    public var status: Int32 {
        switch self {
        case .exited(let status): status
        case .signalled(let signal): 128 + signal
        }
    }

    public var description: String {
        switch self {
        case .exited(let status): "exit status \(status)"
        case .signalled(let signal): "signal \(signal)"
        }
    }
}
