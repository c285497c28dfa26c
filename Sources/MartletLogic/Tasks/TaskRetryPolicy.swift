import MartletBase

/// How often a task that failed is run again, and when: after a time that doubles each time, of which a random part is
/// waited ("full jitter"), so that tasks that failed together do not come back together.
public struct TaskRetryPolicy: Sendable, Equatable {
    /// Nil: without end.
    public var maximumRetries: Int? = 3
    /// The longest wait before the first retry; doubled for each further one.
    public var base: Duration = .seconds(180)
    /// The longest wait at all.
    public var longest: Duration = .seconds(3600)
    /// Whether any exception brings a retry (`autoretry_for`), and not only one that asks for it.
    public var retriesFailures = false

    public init() {}

    /// Whether a task that was run again `retries` times may be once more.
    public func allows(retries: Int) -> Bool { maximumRetries.map { retries < $0 } ?? true }

    /// How long a task that was run again `retries` times waits for the next time.
    public func delay(retries: Int, using random: inout some RandomNumberGenerator) -> Duration {
        let longest = max(self.longest, .zero)
        // Beyond 62 doublings any base is longer than the longest.
        let factor: Int64 = 1 << Int64(min(max(retries, 0), 62))
        let (product, overflow) = max(base, .zero).wholeNanoseconds.multipliedReportingOverflow(by: factor)
        let bound = overflow ? longest : min(longest, .nanoseconds(product))
        return .nanoseconds(Int64.random(in: 0...bound.wholeNanoseconds, using: &random))
    }
}
