public import MartletBase

/// How many requests a target may hold, found from how long it takes to begin its answers: `limit: adaptive`.
///
/// What counts is the time to the first byte, not the time of the whole answer: a long stream says nothing about load.
/// While a target has room that time stays what it is; once requests wait inside the target it grows with each one
/// more. So it is compared, one round of answers after the other, with a *base*: what it is when little is in flight.
/// A round has as many answers as the limit allows requests, all of them begun in it: those from before it would tell
/// about another limit, and the first few of it about the quickest alone.
///
/// - A round in which it is no more than `tolerance` times the base: the limit grows by its square root.
/// - A slower one: the limit shrinks in proportion, at most by half, and keeps that much headroom.
/// - The limit grows only while it is used by half: an idle target proves nothing.
/// - The base is measured anew after some rounds, twice as many each time, and when shrinking does not help: for one
///   round, a *probe*, the limit is a quarter, and its answers say what the base is now.
/// - An answer that asks for less (429) counts as a round that was a tenth too full.
///
/// Never less than 1, never more than the cap.
public struct AdaptiveLimit: Sendable, Equatable {
    /// Requests that the target may hold now.
    public private(set) var limit = AdaptiveLimit.firstLimit
    /// `max_inflight`, or ``standardCap``.
    public private(set) var cap = AdaptiveLimit.standardCap

    private var base: Double?
    private var sum = 0.0
    private var count = 0
    private var busiest = 0
    private var rounds = 0
    private var roundsToProbe = AdaptiveLimit.probeIntervals.lowerBound
    private var halvings = 0
    private var refusals = 0
    private var roundStart = Instant(nanoseconds: 0)
    /// While it is probed: what the limit goes back to.
    private var limitAfterProbe: Int?

    static let standardCap = 1000
    private static let firstLimit = 4
    private static let tolerance = 1.25
    private static let shortestRound = 8
    /// Rounds from one probe to the next.
    private static let probeIntervals = 5...80
    /// So many rounds in a row that halved the limit and made nothing better: the base is out of date.
    private static let halvingsBeforeProbe = 3

    /// - Parameter known: what was found under another cap.
    public init(cap: Int?, after known: AdaptiveLimit? = nil) {
        if let known { self = known }
        self.cap = max(cap ?? Self.standardCap, 1)
        limit = min(limit, self.cap)
        limitAfterProbe = limitAfterProbe.map { min($0, self.cap) }
    }

    /// The target began an answer, `after` so long, with `inflight` requests at it. True: the limit changed.
    public mutating func answered(after: Interval, inflight: Int, now: Instant) -> Bool {
        let before = limit
        let begun = now.nanoseconds > after.nanoseconds ? now.nanoseconds - after.nanoseconds : 0
        guard begun >= roundStart.nanoseconds else { return false }
        sum += Double(after.nanoseconds)
        count += 1
        busiest = max(busiest, inflight)
        guard count >= max(Self.shortestRound, limit) else { return false }
        endRound(mean: sum / Double(count))
        roundStart = now
        return limit != before
    }

    /// The target asked for less; as many refusals as it holds requests count once.
    public mutating func refused() {
        if refusals == 0 { limit = max(1, limit * 9 / 10) }
        refusals = (refusals + 1) % (limit + 1)
    }

    private mutating func endRound(mean: Double) {
        defer {
            sum = 0
            count = 0
            busiest = 0
            refusals = 0
        }
        if let limitAfterProbe {
            base = mean
            limit = limitAfterProbe
            self.limitAfterProbe = nil
            return
        }
        let known = base ?? mean
        // Answers that come sooner than ever are the better base; but a few lucky ones are not the rule.
        base = mean < known ? known + (mean - known) / 4 : known
        let headroom = max(1, Double(limit).squareRoot())
        let gradient = min(1, max(0.5, Self.tolerance * known / max(mean, 1)))
        halvings = gradient == 0.5 ? halvings + 1 : 0
        rounds += 1
        guard rounds < roundsToProbe, halvings < Self.halvingsBeforeProbe else { return beginProbe() }
        let next = min(max(Int(Double(limit) * gradient + headroom), 1), cap)
        if next <= limit || busiest * 2 >= limit { limit = next }
    }

    private mutating func beginProbe() {
        let isOutOfDate = halvings >= Self.halvingsBeforeProbe
        roundsToProbe =
            isOutOfDate ? Self.probeIntervals.lowerBound : min(2 * roundsToProbe, Self.probeIntervals.upperBound)
        rounds = 0
        halvings = 0
        limitAfterProbe = limit
        limit = max(1, limit / 4)
    }
}
