import MartletBase

/// How fast a queue moves, measured on the grants themselves: a smoothed time from one grant to the next.
struct DrainRate: Sendable {
    /// About a hundred years: longer predictions are all alike.
    private static let longestNanoseconds = 3e18
    private var meanNanoseconds: Double?
    private var last: Instant?

    /// The queue was empty and is no more: the time until its first grant counts.
    mutating func started(now: Instant) { last = now }

    /// The queue is empty: time that passes says nothing about its targets.
    mutating func paused() { last = nil }

    mutating func granted(now: Instant) {
        guard let last else { return }
        self.last = now
        let sample = Double((now - last).wholeNanoseconds)
        meanNanoseconds = meanNanoseconds.map { $0 + (sample - $0) / 8 } ?? sample
    }

    /// How long a request waits that has `ahead` others before it; zero while nothing is known.
    ///
    /// When no grant came for longer than the mean, that longer time is believed: targets that hang make the
    /// prediction grow. With nobody ahead the answer is zero, so that one waiter always measures anew.
    func wait(ahead: Int, now: Instant) -> Duration {
        guard ahead > 0, let meanNanoseconds else { return .zero }
        let sinceLast = last.map { Double((now - $0).wholeNanoseconds) } ?? 0
        let nanoseconds = max(meanNanoseconds, sinceLast) * Double(ahead + 1)
        return .nanoseconds(Int64(min(nanoseconds, Self.longestNanoseconds)))
    }
}
