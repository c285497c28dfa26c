/// A point on the monotonic clock, in nanoseconds since an arbitrary start.
///
/// Everything inside Martlet reasons in instants; the wall clock appears only at the edges (logs, HTTP dates).
/// Decisions never read a clock: drivers pass `now` in.
public struct Instant: Hashable, Comparable, Sendable {
    /// Nanoseconds since the clock's start.
    public var nanoseconds: UInt64

    public init(nanoseconds: UInt64) {
        self.nanoseconds = nanoseconds
    }

    /// The far future: a deadline that never passes.
    public static let never = Instant(nanoseconds: .max)

    public static func < (lhs: Instant, rhs: Instant) -> Bool {
        lhs.nanoseconds < rhs.nanoseconds
    }

    /// The instant `duration` later; saturates at `never`, and at zero for negative durations.
    public static func + (lhs: Instant, duration: Duration) -> Instant {
        let delta = duration.wholeNanoseconds
        if delta >= 0 {
            let (sum, overflow) = lhs.nanoseconds.addingReportingOverflow(UInt64(delta))
            return overflow ? .never : Instant(nanoseconds: sum)
        }
        let back = delta.magnitude
        return Instant(nanoseconds: lhs.nanoseconds > back ? lhs.nanoseconds - back : 0)
    }

    public static func - (lhs: Instant, duration: Duration) -> Instant {
        lhs + (.zero - duration)
    }

    /// The time from `rhs` to `lhs`; negative when `lhs` comes first.
    public static func - (lhs: Instant, rhs: Instant) -> Duration {
        lhs >= rhs
            ? .wholeNanoseconds(lhs.nanoseconds - rhs.nanoseconds)
            : .zero - .wholeNanoseconds(rhs.nanoseconds - lhs.nanoseconds)
    }
}

extension Duration {
    /// This duration in nanoseconds, saturated to 64 bits.
    public var wholeNanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, overflowed) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflowed ? (seconds < 0 ? .min : .max) : sum
    }

    /// A duration of `count` nanoseconds, saturated to 64 signed bits.
    public static func wholeNanoseconds(_ count: UInt64) -> Duration {
        .nanoseconds(Int64(clamping: count))
    }

    /// This duration in seconds.
    public var inSeconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) + Double(attoseconds) * 1e-18
    }
}
