public import MartletBase

/// How many requests a target may hold, found from how long it takes to begin its answers: `limit: adaptive`.
///
/// What counts is the time to the first byte, not the time of the whole answer: a long stream says nothing about load.
/// While a target has room that time stays what it is; once requests wait inside the target it grows. So it is
/// compared, one round of answers after the other, with a *base*: what it is when nobody waits there. By Little's law
/// what is beyond the base, times the answers that begin in a second, is how many requests wait inside the target: the
/// *line*, whatever an answer takes. (A mere ratio of the two times would take one request too many for twenty where
/// answers take minutes and begin in a moment.) A round has as many answers as the limit allows requests, all of them
/// begun in it: those from before it would tell about another limit, and the first few about the quickest alone. Where
/// even those are several times the base the round is over: a large limit would take long to hear what is plain.
///
/// - Up to `tolerance` times the base is no line. Then the limit grows: by one after it shrank, by twice as many in
///   each round that follows, at most by its square root.
/// - A line: the limit shrinks by its length, at most by half.
/// - The limit grows only while it is used by half: an idle target proves nothing.
/// - The base is looked at anew by a *probe*: after some rounds, twice as many each time, and when shrinking does not
///   help: every few rounds anew it should, since a line that there was at first may have gone since, and at a limit of
///   1, where there can be no line, it never does.
/// - Once answers have come that begin before they are all computed (streams), those that begin when they are whole
///   tell nothing any more: how long they take is how long they are. Alone they are better than nothing.
/// - An answer that asks for less (429) counts as a round that was a tenth too full, in a probe as well.
///
/// A probe lowers the limit by what may be a line, and looks at a few answers that begin then. Are they no slower than
/// the base allows, that was all. Else the base may be out of date: the limit goes on down to a quarter, and what is
/// found there is the base. On its way down the limit loses a little with each answer that begins, never much at a
/// time: where answers take minutes, requests go on beginning, and what is kept out is bounded by the depth of the
/// probe, not by how long answers are.
///
/// Never less than 1, never more than the cap.
public struct AdaptiveLimit: Sendable, Equatable {
    private struct Probe: Equatable {
        /// What the limit goes back to.
        var limitAfter: Int
        /// Where it looks.
        var floor: Int
        /// What the limit loses with each answer on its way there.
        var step: Int
    }

    /// Rounds that shrank the limit, one after the other, since it was last seen to help.
    private struct Descent: Equatable {
        var rounds = 0
        var firstMean = 0.0
    }

    /// Requests that the target may hold now.
    public private(set) var limit = AdaptiveLimit.firstLimit
    /// `max_inflight`, or ``standardCap``.
    public private(set) var cap = AdaptiveLimit.standardCap

    private var base: Double?
    private var sum = 0.0
    private var count = 0
    private var busiest = 0
    private var roundStart = Instant(nanoseconds: 0)
    private var refusals = 0
    private var growth = AdaptiveLimit.standardCap
    private var descent = Descent()
    private var rounds = 0
    private var roundsToProbe = AdaptiveLimit.probeIntervals.lowerBound
    private var probe: Probe?
    private var hasSeenStreams = false

    static let standardCap = 1000
    private static let firstLimit = 4
    private static let tolerance = 1.25
    private static let shortestRound = 8
    /// So many answers, so many times the base in the mean, end a round early.
    private static let plainlySlow = (answers: 16, times: 3.0)
    /// Answers that a probe looks at, and in which it comes down.
    private static let probeRounds = 8...16
    /// Rounds from one probe to the next.
    private static let probeIntervals = 5...80
    /// After so many rounds in a row that shrank the limit, answers should begin much sooner than before.
    private static let roundsOfDescent = 3
    private static let betterAfterDescent = 0.7

    /// - Parameter known: what was found under another cap.
    public init(cap: Int?, after known: AdaptiveLimit? = nil) {
        if let known { self = known }
        self.cap = max(cap ?? Self.standardCap, 1)
        guard max(limit, probe?.limitAfter ?? 0) > self.cap else { return }
        probe = nil
        limit = self.cap
    }

    /// The target began an answer, `after` so long, with `inflight` requests at it. True: the limit changed.
    ///
    /// - Parameter isWhole: nothing of it could come before all of it was computed.
    public mutating func answered(after: Interval, inflight: Int, isWhole: Bool = false, now: Instant) -> Bool {
        let before = limit
        if isWhole {
            guard !hasSeenStreams else { return false }
        } else if !hasSeenStreams {
            hasSeenStreams = true
            if base != nil || count > 0 { forgetTimes(now) }
        }
        if let probe, limit > probe.floor {
            limit = max(limit - probe.step, probe.floor)
            if limit == probe.floor { beginRound(now) }
            return limit != before
        }
        let begun = now.nanoseconds > after.nanoseconds ? now.nanoseconds - after.nanoseconds : 0
        guard begun >= roundStart.nanoseconds else { return false }
        sum += Double(after.nanoseconds)
        count += 1
        busiest = max(busiest, inflight)
        guard count >= roundLength || isPlainlySlow else { return false }
        let mean = sum / Double(count)
        if let probe { end(probe, mean: mean) } else { endRound(mean: mean, now: now) }
        beginRound(now)
        return limit != before
    }

    /// The target asked for less; as many refusals as it holds requests count once.
    public mutating func refused() {
        if refusals == 0 {
            limit = max(1, limit * 9 / 10)
            growth = 1
            if var probe {
                probe.limitAfter = max(1, probe.limitAfter * 9 / 10)
                probe.floor = min(probe.floor, limit)
                self.probe = probe
            }
        }
        refusals = (refusals + 1) % (limit + 1)
    }

    /// What whole answers taught is of no use for streams, but for the limit itself.
    private mutating func forgetTimes(_ now: Instant) {
        if let probe { limit = probe.limitAfter }
        (base, probe, descent) = (nil, nil, Descent())
        beginRound(now)
    }

    // MARK: Rounds

    private var roundLength: Int {
        let length = max(Self.shortestRound, limit)
        return probe == nil ? length : min(length, Self.probeRounds.upperBound)
    }

    private var isPlainlySlow: Bool {
        guard probe == nil, count >= Self.plainlySlow.answers, let base else { return false }
        return sum > Self.plainlySlow.times * base * Double(count)
    }

    private mutating func beginRound(_ now: Instant) {
        roundStart = now
        sum = 0
        count = 0
        busiest = 0
        refusals = 0
    }

    private mutating func endRound(mean: Double, now: Instant) {
        let known = base ?? mean
        base = mean < known ? Self.blended(known, mean) : known
        rounds += 1
        let line = line(mean: mean, base: known, now: now)
        var isLost = false
        if line > 0 {
            isLost = !shrink(by: line, mean: mean)
        } else {
            descent.rounds = 0
            grow()
        }
        if isLost || rounds >= roundsToProbe { beginProbe(isBaseLost: isLost) }
    }

    /// Answers that come sooner than ever are the better base; but a few lucky ones are not the rule.
    private static func blended(_ base: Double, _ mean: Double) -> Double { base + (mean - base) / 4 }

    /// How many requests wait inside the target, about.
    private func line(mean: Double, base: Double, now: Instant) -> Int {
        let excess = mean - Self.tolerance * base
        // The requests of this round were sent while so long passed: the last ones had to be answered as well.
        let time = Double(now.nanoseconds &- roundStart.nanoseconds) - mean
        guard excess > 0 else { return 0 }
        guard time > 0 else { return limit }
        return Int(min(excess * Double(count) / time, Double(limit)).rounded())
    }

    private mutating func grow() {
        guard busiest * 2 >= limit else { return }
        limit = min(limit + min(growth, Self.headroom(limit)), cap)
        growth = min(2 * growth, Self.standardCap)
    }

    /// False: to shrink does not help, or cannot.
    private mutating func shrink(by line: Int, mean: Double) -> Bool {
        growth = 1
        limit = max(limit - line, limit / 2, 1)
        if descent.rounds == 0 { descent.firstMean = mean }
        descent.rounds += 1
        guard limit > 1 else { return false }
        guard descent.rounds >= Self.roundsOfDescent else { return true }
        let helps = mean <= Self.betterAfterDescent * descent.firstMean
        descent = Descent(rounds: 1, firstMean: mean)
        return helps
    }

    private static func headroom(_ limit: Int) -> Int { max(1, Int(Double(limit).squareRoot())) }

    // MARK: Probes

    private mutating func beginProbe(isBaseLost: Bool) {
        let next = isBaseLost ? Self.probeIntervals.lowerBound : 2 * roundsToProbe
        roundsToProbe = min(next, Self.probeIntervals.upperBound)
        rounds = 0
        descent.rounds = 0
        let depth = isBaseLost ? limit : Self.headroom(limit) * 3 / 2
        lower(to: limit - depth, limitAfter: limit)
    }

    private mutating func lower(to wanted: Int, limitAfter: Int) {
        let floor = max(wanted, limitAfter / 4, 1)
        probe = Probe(
            limitAfter: limitAfter, floor: floor, step: max((limit - floor) / Self.probeRounds.lowerBound, 1))
    }

    private mutating func end(_ probe: Probe, mean: Double) {
        let isAtTheBottom = probe.floor <= max(probe.limitAfter / 4, 1)
        let known = base ?? mean
        if isAtTheBottom {
            base = mean
        } else if mean < known {
            base = Self.blended(known, mean)
        } else if mean > Self.tolerance * known {
            return lower(to: 0, limitAfter: probe.limitAfter)
        }
        limit = probe.limitAfter
        self.probe = nil
    }
}
