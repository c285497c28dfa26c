/// A rate that all workers share: a token bucket whose whole state is one number, so that a script of the broker can
/// keep it (the "generic cell rate" algorithm).
///
/// The number is when the next one would come if everybody kept the distance; whoever is not more than `burst` ahead of
/// that may go now.
public struct SharedRate: Sendable, Equatable {
    /// Between two, in microseconds.
    public let distance: Int64
    /// How many may go at once after a rest.
    public let burst: Int64

    public enum Verdict: Sendable, Equatable {
        /// Go, and keep this number.
        case go(next: Int64)
        /// Not before this time, in microseconds. The number stays.
        case wait(until: Int64)
    }

    public init(_ limit: RateLimit, burst: Int = 1) {
        distance = Int64(min(max((1e6 / limit.perSecond).rounded(), 1), 1e15))
        self.burst = Int64(min(max(burst, 1), 1_000_000))
    }

    /// As a script is told it.
    init(distance: Int64, burst: Int64) {
        self.distance = max(distance, 1)
        self.burst = max(burst, 1)
    }

    /// - Parameters:
    ///   - next: What was kept; nil: nothing yet.
    ///   - now: In microseconds, by the clock of whoever keeps the number.
    public func decide(next: Int64?, now: Int64) -> Verdict {
        // Further ahead nobody can be by this rate: it was another one before, or the clock was set back.
        let (farthest, isBeyond) = distance.multipliedReportingOverflow(by: burst)
        let bound = now.addingReportingOverflow(isBeyond ? .max : farthest)
        let next = min(max(next ?? now, now), bound.overflow ? .max : bound.partialValue)
        // Saturated: a clock may say anything.
        let ahead = distance.multipliedReportingOverflow(by: burst - 1)
        let earliest = next.subtractingReportingOverflow(ahead.overflow ? .max : ahead.partialValue)
        if !earliest.overflow, earliest.partialValue > now { return .wait(until: earliest.partialValue) }
        let following = next.addingReportingOverflow(distance)
        return .go(next: following.overflow ? .max : following.partialValue)
    }
}

/// A rate that tasks say they share, whichever workers run them.
public struct SharedRateRule: Sendable, Equatable {
    /// Tasks of one key have one rate together.
    public var key: String
    public var limit: RateLimit

    public init(key: String, limit: RateLimit) {
        self.key = key
        self.limit = limit
    }

    /// What 50 milliseconds bring may go at once: a worker asks now and then, and what it comes late for is not lost.
    public var rate: SharedRate { SharedRate(limit, burst: Int(min(limit.perSecond / 20, 1e6))) }
}
