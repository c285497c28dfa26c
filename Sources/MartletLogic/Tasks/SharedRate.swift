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

    /// - Parameters:
    ///   - next: What was kept; nil: nothing yet.
    ///   - now: In microseconds, by the clock of whoever keeps the number.
    public func decide(next: Int64?, now: Int64) -> Verdict {
        let next = max(next ?? now, now)
        // Saturated: a clock may say anything.
        let ahead = distance.multipliedReportingOverflow(by: burst - 1)
        let earliest = next.subtractingReportingOverflow(ahead.overflow ? .max : ahead.partialValue)
        if !earliest.overflow, earliest.partialValue > now { return .wait(until: earliest.partialValue) }
        let following = next.addingReportingOverflow(distance)
        return .go(next: following.overflow ? .max : following.partialValue)
    }
}
