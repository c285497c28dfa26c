/// A duration made ready for hot paths: adding it to an instant is one addition, where a `Duration` costs divisions of
/// 128-bit numbers.
public struct Interval: Hashable, Comparable, Sendable {
    public let nanoseconds: UInt64

    /// Negative durations count as zero.
    public init(_ duration: Duration) {
        nanoseconds = UInt64(max(0, duration.wholeNanoseconds))
    }

    public static func < (lhs: Interval, rhs: Interval) -> Bool { lhs.nanoseconds < rhs.nanoseconds }

    /// The instant `interval` later; saturates at `never`.
    @inline(__always)
    public static func + (lhs: Instant, interval: Interval) -> Instant {
        let (sum, overflow) = lhs.nanoseconds.addingReportingOverflow(interval.nanoseconds)
        return overflow ? .never : Instant(nanoseconds: sum)
    }
}
