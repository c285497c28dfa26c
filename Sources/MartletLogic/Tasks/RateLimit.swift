public import MartletBase

/// `rate_limit`: how many tasks of one name may begin in a time.
public struct RateLimit: Sendable, Equatable {
    public var count: Double
    public var period: Period

    public enum Period: String, Sendable, CaseIterable {
        case second = "s"
        case minute = "m"
        case hour = "h"

        var seconds: Double {
            switch self {
            case .second: 1
            case .minute: 60
            case .hour: 3600
            }
        }
    }

    /// Nil: no count above zero and below infinity.
    public init?(_ count: Double, per period: Period = .second) {
        guard count > 0, count.isFinite else { return nil }
        self.count = count
        self.period = period
    }

    public var perSecond: Double { count / period.seconds }

    /// As Celery says it: `10/m`.
    public var text: String {
        let whole = Int(exactly: count).map(String.init) ?? "\(count)"
        return "\(whole)/\(period.rawValue)"
    }
}

/// Reads what Celery's users write for a rate: `10/m`, `100/s`, `5/h`, `0.5`; `0` and nothing are no limit.
public enum TaskRateText {
    public struct Malformed: Error, Equatable {
        public var text: String
    }

    public static func parse(_ text: String) throws(Malformed) -> RateLimit? {
        if text.isEmpty { return nil }
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let unit = parts.count == 2 ? trimmed(parts[1]).lowercased() : "s"
        guard let count = Double(trimmed(parts[0])), count >= 0, count.isFinite,
            let period = RateLimit.Period(rawValue: unit)
        else { throw Malformed(text: text) }
        return RateLimit(count, per: period)
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// Tokens that come at a rate, of which so many can be saved up. Whoever takes one may begin.
///
/// A rate that all workers share is the same bucket, kept by the broker and asked with its own clock.
public struct TokenBucket: Sendable, Equatable {
    public private(set) var perSecond: Double
    /// How many can be saved up; at least 1.
    public private(set) var burst: Double
    private var tokens: Double
    private var countedAt: Instant

    /// Full at first.
    public init(perSecond: Double, burst: Double = 1, now: Instant) {
        self.perSecond = max(perSecond, 0)
        self.burst = max(burst, 1)
        tokens = self.burst
        countedAt = now
    }

    /// Another rate; what was saved up stays.
    public mutating func adopt(perSecond: Double, burst: Double = 1, now: Instant) {
        count(now: now)
        self.perSecond = max(perSecond, 0)
        self.burst = max(burst, 1)
        tokens = min(tokens, self.burst)
    }

    /// Takes so many tokens, if there are as many.
    public mutating func take(_ wanted: Double = 1, now: Instant) -> Bool {
        count(now: now)
        guard tokens + Self.tolerance >= wanted else { return false }
        tokens = max(tokens - wanted, 0)
        return true
    }

    /// When there will be so many; `.never` when so many never are.
    public func next(_ wanted: Double = 1, now: Instant) -> Instant {
        var counted = self
        counted.count(now: now)
        let missing = wanted - counted.tokens
        if missing <= Self.tolerance { return max(now, countedAt) }
        guard perSecond > 0, wanted <= burst else { return .never }
        let nanoseconds = (missing / perSecond * 1e9).rounded(.up)
        return nanoseconds < 9e18 ? max(now, countedAt) + .nanoseconds(Int64(nanoseconds)) : .never
    }

    /// Sums of parts of tokens are not exact: so little less is as good as a whole one.
    private static let tolerance = 1e-6

    private mutating func count(now: Instant) {
        guard now > countedAt else { return }
        tokens = min(burst, tokens + (now - countedAt).inSeconds * perSecond)
        countedAt = now
    }
}
