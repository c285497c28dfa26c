import MartletBase

/// How long the batches of a group take, and so how far ahead of time to send them.
///
/// What counts is the time from one end of a batch to the next while the worker has some. Where it is short, a worker
/// that must wait for each next batch idles for the way there and back, and both sides are woken for every single one:
/// it gets so many more that it is busy for a while. Where it is long nothing is sent ahead: any worker may be free
/// first.
struct BatchPace: Sendable {
    /// For so long a worker is kept busy; a batch that takes longer is not short.
    private static let supply: Duration = .milliseconds(1)
    /// Ends of batches before anything is believed.
    private static let fewest = 8

    private static let short = Interval(supply)
    private let maxAhead: Int
    private var mean = 0.0
    private var ends = 0
    /// Batches that each worker may have beyond those it works on.
    private(set) var ahead = 0

    init(maxAhead: Int) { self.maxAhead = max(maxAhead, 0) }

    /// A batch ended `nanoseconds` after the one before it, or after it was sent.
    mutating func ended(after nanoseconds: UInt64) {
        ends = min(ends + 1, Self.fewest)
        mean += (Double(nanoseconds) - mean) / Double(ends)
        let isShort = ends == Self.fewest && mean <= Double(Self.short.nanoseconds)
        ahead = isShort ? min(Int((Double(Self.short.nanoseconds) / max(mean, 1)).rounded(.up)), maxAhead) : 0
    }

    /// Whether a worker that last ended a batch then, or was given one, may be with a long one now.
    static func isSlow(since lastProgress: Instant, now: Instant) -> Bool { now > lastProgress + short }
}
