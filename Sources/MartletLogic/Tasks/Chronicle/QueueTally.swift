/// How a queue did in the last minute, as far as events tell it.
public struct QueuePace: Sendable, Equatable {
    /// Tasks that ended, each second.
    public var rate = 0.0
    /// Of those, the ones that failed, each second.
    public var failureRate = 0.0
    /// Seconds from when a task was sent (or received, where nobody said when) to its start, on average; nil: none was.
    public var latency: Double?
    /// Seconds that a task ran, on average; nil: none was.
    public var runtime: Double?

    public init() {}
}

/// Counts by the second, for a minute.
struct QueueTally: Sendable {
    private struct Second: Sendable {
        var second: Int64 = .min
        var finished = 0
        var failed = 0
        var ran = (count: 0, seconds: 0.0)
        var waited = (count: 0, seconds: 0.0)
    }

    private static let window = 60
    private var seconds = [Second](repeating: Second(), count: Self.window)

    mutating func finished(seconds runtime: Double?, hasFailed: Bool, now: Double) {
        change(now) { second in
            second.finished += 1
            if hasFailed { second.failed += 1 }
            guard let runtime, runtime.isFinite, runtime >= 0 else { return }
            second.ran = (second.ran.count + 1, second.ran.seconds + runtime)
        }
    }

    mutating func waited(_ wait: Double, now: Double) {
        guard wait.isFinite else { return }
        change(now) { $0.waited = ($0.waited.count + 1, $0.waited.seconds + wait) }
    }

    func pace(now: Double) -> QueuePace {
        let current = Self.number(now)
        var pace = QueuePace()
        var (finished, failed) = (0, 0)
        var (ran, waited) = ((count: 0, seconds: 0.0), (count: 0, seconds: 0.0))
        for second in seconds where current - Int64(Self.window) < second.second && second.second <= current {
            finished += second.finished
            failed += second.failed
            ran = (ran.count + second.ran.count, ran.seconds + second.ran.seconds)
            waited = (waited.count + second.waited.count, waited.seconds + second.waited.seconds)
        }
        pace.rate = Double(finished) / Double(Self.window)
        pace.failureRate = Double(failed) / Double(Self.window)
        if ran.count > 0 { pace.runtime = ran.seconds / Double(ran.count) }
        if waited.count > 0 { pace.latency = waited.seconds / Double(waited.count) }
        return pace
    }

    private mutating func change(_ now: Double, _ body: (inout Second) -> Void) {
        let number = Self.number(now)
        let place = Int(((number % Int64(Self.window)) + Int64(Self.window)) % Int64(Self.window))
        if seconds[place].second != number {
            seconds[place] = Second()
            seconds[place].second = number
        }
        body(&seconds[place])
    }

    /// Clocks may say anything.
    private static func number(_ now: Double) -> Int64 { Int64(exactly: now.rounded(.down)) ?? 0 }
}
