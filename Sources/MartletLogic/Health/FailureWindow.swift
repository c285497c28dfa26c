import MartletBase

/// Successes and failures of the last while, in ten buckets that roll as time passes.
struct FailureWindow: Sendable {
    private struct Bucket {
        var failures: UInt32 = 0
        var total: UInt32 = 0
    }

    private static let bucketCount = 10
    private var buckets = InlineArray<10, Bucket>(repeating: Bucket())
    private var current = 0
    private var currentEnd = Instant(nanoseconds: 0)
    private let bucketNanoseconds: UInt64

    init(length: Duration) {
        bucketNanoseconds = UInt64(max(length.wholeNanoseconds / Int64(Self.bucketCount), 1))
    }

    mutating func record(failed: Bool, now: Instant) {
        roll(to: now)
        buckets[current].total &+= 1
        if failed { buckets[current].failures &+= 1 }
    }

    /// What the window holds at `now`.
    mutating func sums(now: Instant) -> (failures: Int, total: Int) {
        roll(to: now)
        var failures = 0
        var total = 0
        for index in 0..<Self.bucketCount {
            failures += Int(buckets[index].failures)
            total += Int(buckets[index].total)
        }
        return (failures, total)
    }

    mutating func clear() {
        buckets = InlineArray<10, Bucket>(repeating: Bucket())
    }

    private mutating func roll(to now: Instant) {
        guard now >= currentEnd else { return }
        let behind = (now.nanoseconds - currentEnd.nanoseconds) / bucketNanoseconds
        let (steps, isForever) = behind.addingReportingOverflow(1)
        for _ in 0..<min(behind, UInt64(Self.bucketCount) - 1) + 1 {
            current = (current + 1) % Self.bucketCount
            buckets[current] = Bucket()
        }
        let (advance, tooFar) = steps.multipliedReportingOverflow(by: bucketNanoseconds)
        let (end, overflow) = currentEnd.nanoseconds.addingReportingOverflow(advance)
        currentEnd = isForever || tooFar || overflow ? .never : Instant(nanoseconds: end)
    }
}
