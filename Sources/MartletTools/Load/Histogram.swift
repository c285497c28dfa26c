/// Counts values by size, each power of two cut into 128 steps: any quantile is right to within 0.8 %, in fixed memory.
package struct Histogram: Sendable, Equatable {
    private static let stepBits = 7
    private static let steps = 1 << stepBits
    /// Values are cut off at 2^42: in nanoseconds, 73 minutes.
    private static let limit: UInt64 = (1 << 42) - 1

    private var counts = [UInt64](repeating: 0, count: Histogram.index(of: Histogram.limit) + 1)
    package private(set) var count: UInt64 = 0
    package private(set) var maximum: UInt64 = 0
    private var sum = 0.0

    package init() {}

    private static func index(of value: UInt64) -> Int {
        let shift = max(63 - value.leadingZeroBitCount - stepBits, 0)
        return shift << stepBits + Int(value >> UInt64(shift))
    }

    /// The largest value that falls into the same step.
    private static func value(at index: Int) -> UInt64 {
        guard index >= 2 * steps else { return UInt64(index) }
        let shift = UInt64(index >> stepBits - 1)
        let base = UInt64(index & (steps - 1) | steps)
        return (base + 1) << shift - 1
    }

    package mutating func add(_ value: UInt64) {
        counts[Self.index(of: min(value, Self.limit))] += 1
        count += 1
        maximum = max(maximum, value)
        sum += Double(value)
    }

    package mutating func merge(_ other: Histogram) {
        for index in counts.indices { counts[index] += other.counts[index] }
        count += other.count
        maximum = max(maximum, other.maximum)
        sum += other.sum
    }

    package var mean: Double { count == 0 ? 0 : sum / Double(count) }

    /// The value that `fraction` of all values do not exceed; 0 when there are none.
    package func quantile(_ fraction: Double) -> UInt64 {
        guard count > 0 else { return 0 }
        let rank = UInt64((Double(count) * min(max(fraction, 0), 1)).rounded(.up))
        var seen: UInt64 = 0
        for index in counts.indices {
            seen += counts[index]
            if seen >= max(rank, 1) { return min(Self.value(at: index), maximum) }
        }
        return maximum
    }

    /// The usual quantiles, nanoseconds shown as microseconds.
    var json: JSONObject {
        var object = JSONObject()
        object.set("count", count)
        object.set("mean_us", mean / 1000)
        for row in Self.rows { object.set("\(row.name)_us", Double(quantile(row.fraction)) / 1000) }
        object.set("max_us", Double(maximum) / 1000)
        return object
    }

    static let rows = [
        (name: "p50", fraction: 0.5), (name: "p90", fraction: 0.9), (name: "p99", fraction: 0.99),
        (name: "p99_9", fraction: 0.999),
    ]
}
