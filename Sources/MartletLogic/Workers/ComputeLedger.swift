/// What calling requests off saved of the workers' time, and what it did not save, in seconds.
///
/// How long a request would have taken nobody knows: what counts is the mean of those that were answered, where a batch
/// of n items that took t seconds counts t / n for each. One that never began saved the mean, one that was stopped
/// half-way what is left of it.
public struct ComputeLedger: Sendable, Equatable {
    /// Where a request was when it was called off: the `phase` label.
    public enum Phase: String, Sendable, CaseIterable {
        /// No worker had it.
        case queued
        /// Its worker had not begun with it.
        case waiting
        /// Its worker computed its answer, or its first piece.
        case computing
        /// Pieces of its answer had come.
        case streaming
    }

    /// Batches that the mean remembers, roughly.
    private static let memory = 64.0

    /// Seconds for one request.
    public private(set) var mean = 0.0
    private var batches = 0.0
    private var savings: [Phase: Double] = [:]
    /// Seconds that went into requests before, or although, they were called off.
    public private(set) var wasted = 0.0

    public init() {}

    /// Seconds saved by calling off requests in this phase.
    public func saved(_ phase: Phase) -> Double { savings[phase, default: 0] }

    mutating func answered(_ items: Int, after seconds: Double) {
        guard items > 0 else { return }
        batches = min(batches + 1, Self.memory)
        mean += (seconds / Double(items) - mean) / batches
    }

    /// A request was called off before it began.
    mutating func spared(_ phase: Phase) { savings[phase, default: 0] += mean }

    /// Its worker gave up a request, after so many seconds of computing. What a worker says may be anything.
    public mutating func givenUp(_ phase: Phase, after seconds: Double) {
        let spent = seconds.isFinite ? min(max(seconds, 0), 86_400) : 0
        savings[phase, default: 0] += max(mean - spent, 0)
        wasted += spent
    }

    /// A request was computed to its end although it was called off.
    mutating func wastedOne() { wasted += mean }
}
