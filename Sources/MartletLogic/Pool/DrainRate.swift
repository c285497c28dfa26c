import MartletBase

/// How fast a pool takes requests in, told by the requests that it serves.
///
/// By Little's law the mean time that a request holds its place is the time that all places were held together,
/// divided by the requests that ended meanwhile. It is measured on all traffic, not on those that waited, so it is
/// known before the first one has to. Places that hang count with every second, idle ones not at all, and it does not
/// matter whether requests end one by one or many at a time.
struct DrainRate: Sendable {
    private struct Span: Sendable {
        /// Places × nanoseconds.
        var held = 0.0
        var ended = 0
    }

    /// A span ends with so many requests, and not before every place was used twice.
    private static let shortestSpan = 16
    /// About a hundred years: longer predictions are all alike.
    private static let longestNanoseconds = 3e18

    /// Requests that hold a place which others get after them.
    private(set) var active = 0
    /// How many held one when there was last no room.
    private var width = 0
    private var current = Span()
    private var previous = Span()
    /// Places × nanoseconds since a request last ended.
    private var heldSinceEnd = 0.0
    private var last = Instant(nanoseconds: 0)

    /// A request was given a place.
    mutating func began(now: Instant) {
        advance(now)
        active += 1
    }

    /// A request gave its place back.
    mutating func ended(now: Instant) {
        advance(now)
        active -= 1
        heldSinceEnd = 0
        current.ended += 1
        guard current.ended >= max(Self.shortestSpan, 2 * active) else { return }
        previous = current
        current = Span()
    }

    /// So many more requests count as active, or fewer: they hold their places already, and their target came back into
    /// service, or left it.
    mutating func moved(_ places: Int, now: Instant) {
        advance(now)
        let before = active
        active += places
        width = max(width + min(places, 0), 0)
        if before > 0 { heldSinceEnd *= Double(active) / Double(before) }
    }

    /// There is no room: so many can be served at one time.
    mutating func filled() { width = active }

    /// How long a request holds its place; zero while nothing is known.
    ///
    /// When nothing ended for longer than the mean, that longer time is believed: targets that hang make it grow.
    func hold(now: Instant) -> Duration { .nanoseconds(Int64(min(meanHold(now: now), Self.longestNanoseconds))) }

    /// How long until `turns` requests are served and one more; zero for the first in line, who always measures anew.
    func wait(turns: Double, now: Instant) -> Duration {
        guard turns > 0 else { return .zero }
        let nanoseconds = meanHold(now: now) * (turns + 1) / Double(max(width, active, 1))
        return .nanoseconds(Int64(min(nanoseconds, Self.longestNanoseconds)))
    }

    private func meanHold(now: Instant) -> Double {
        let pending = heldSinceLast(now)
        let ended = previous.ended + current.ended
        // While little is known, those that still hold a place have held it at least so long.
        let mean = (previous.held + current.held + pending) / Double(max(ended, active, 1))
        return max(mean, (heldSinceEnd + pending) / Double(max(active, 1)))
    }

    /// The clocks of two loops may differ a little: time never runs back here.
    private func heldSinceLast(_ now: Instant) -> Double {
        now > last ? Double(now.nanoseconds - last.nanoseconds) * Double(active) : 0
    }

    private mutating func advance(_ now: Instant) {
        let held = heldSinceLast(now)
        current.held += held
        heldSinceEnd += held
        last = max(last, now)
    }
}
