/// Where the buckets of a histogram end.
package protocol BucketScale: Sendable {
    /// The upper end of each bucket but the last, which has none. Ascending, at most ``Histogram/maximumBounds``.
    static var bounds: [UInt64] { get }
    /// How many of these make one of the unit that is shown.
    static var perUnit: Double { get }
    /// The bucket of a value: the first whose upper end is not below it.
    static func bucket(of value: UInt64) -> Int
}

/// Counts in buckets, and their sum. Plain integers, no allocation.
package struct Histogram<Scale: BucketScale>: Sendable {
    package static var maximumBounds: Int { 22 }

    private var buckets = InlineArray<23, UInt64>(repeating: 0)
    /// In the scale's base unit; wraps, as Prometheus' counters may.
    package private(set) var sum: UInt64 = 0

    package init() {}

    package mutating func observe(_ value: UInt64) {
        buckets[min(Scale.bucket(of: value), Self.maximumBounds)] &+= 1
        sum &+= value
    }

    package mutating func merge(_ other: Self) {
        for index in buckets.indices {
            buckets[index] &+= other.buckets[index]
        }
        sum &+= other.sum
    }

    package var count: UInt64 {
        var total: UInt64 = 0
        for index in buckets.indices {
            total &+= buckets[index]
        }
        return total
    }

    /// For each bound of the scale, how many values were at or below it.
    package var cumulative: [UInt64] {
        var total: UInt64 = 0
        return Scale.bounds.indices.map { index in
            total &+= buckets[index]
            return total
        }
    }
}

/// Durations: nanoseconds inside, seconds outside, from 50 µs to 500 s in steps of 1, 2.5, 5.
package enum DurationScale: BucketScale {
    package static let bounds: [UInt64] = [
        50_000, 100_000, 250_000, 500_000,
        1_000_000, 2_500_000, 5_000_000, 10_000_000, 25_000_000, 50_000_000, 100_000_000, 250_000_000, 500_000_000,
        1_000_000_000, 2_500_000_000, 5_000_000_000, 10_000_000_000, 25_000_000_000, 50_000_000_000,
        100_000_000_000, 250_000_000_000, 500_000_000_000,
    ]

    package static let perUnit = 1e9

    /// How many bounds lie below 2^n, for each n. Neighbouring bounds are at least a factor of two apart, so no octave
    /// holds two of them, and one comparison after this look-up finds the bucket without a search.
    private static let boundsBelowOctave: [UInt8] = [
        0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 14,
        15, 16, 17, 18, 19, 20, 21, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22, 22,
        22, 22, 22, 22, 22, 22,
    ]

    package static func bucket(of nanoseconds: UInt64) -> Int {
        let octave = 63 - (nanoseconds | 1).leadingZeroBitCount
        let candidate = Int(boundsBelowOctave[octave])
        guard candidate < bounds.count else { return candidate }
        return nanoseconds > bounds[candidate] ? candidate + 1 : candidate
    }
}

/// Tokens of one call: the powers of four that OpenTelemetry's GenAI conventions advise, 1 to 67,108,864.
package enum TokenScale: BucketScale {
    package static let bounds: [UInt64] = (0..<14).map { 1 << (2 * $0) }
    package static let perUnit = 1.0

    package static func bucket(of tokens: UInt64) -> Int {
        guard tokens > 1 else { return 0 }
        let bits = 64 - (tokens - 1).leadingZeroBitCount
        return min((bits + 1) / 2, 14)
    }
}
