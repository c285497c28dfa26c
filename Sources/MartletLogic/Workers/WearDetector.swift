/// `recycle`: when a worker that serves is replaced all the same.
public struct RecyclePolicy: Sendable, Equatable {
    /// `requests`: after so many; nil: as many as there are.
    public var requests: Int?
    /// `memory`: with more resident bytes than this; nil: whatever it has.
    public var memory: Int?
    /// `descriptors`: when it leaks file descriptors.
    public var descriptors = true

    public init() {}
}

/// Why a worker that serves is replaced.
public enum RecycleReason: String, Sendable, CaseIterable {
    case requests, memory, descriptors
}

/// Decides from what a worker's process holds, and how much it has served, that another one should take its place.
///
/// A leak is told from use by its floors, see ``FloorTrend``: whatever comes and goes with requests, what was leaked
/// stays. A leak at each request shows within hundreds of them, one at each hundredth among thousands: so there are
/// trends over short stretches and over long ones.
///
/// The driver looks every few hundred milliseconds while the worker serves, and needs not while it does not.
public struct WearDetector: Sendable {
    public struct Sample: Sendable, Equatable {
        /// Requests that it has ended so far.
        public var served: Int
        public var descriptors: Int
        /// How many descriptors it may have.
        public var limit: Int
        public var residentBytes: Int

        public init(served: Int, descriptors: Int, limit: Int, residentBytes: Int) {
            self.served = served
            self.descriptors = descriptors
            self.limit = limit
            self.residentBytes = residentBytes
        }
    }

    public enum Verdict: Sendable, Equatable {
        case sound
        /// Another one should take its place; it can serve until then.
        case worn(RecycleReason)
        /// As `worn`, and it must be given nothing more: soon it could not answer.
        case spent(RecycleReason)
    }

    /// A part of the limit that is never used up knowingly.
    static let reserve = 0.2

    private let policy: RecyclePolicy
    private var trends = [50, 500, 5_000].map { FloorTrend(stretch: $0) }
    private var last: Sample?
    private var first: Sample?
    /// Looks in a row that found more descriptors than the one before.
    private var rises = 0

    public init(policy: RecyclePolicy) { self.policy = policy }

    public mutating func look(_ sample: Sample) -> Verdict {
        defer { last = sample }
        if first == nil { first = sample }
        if policy.descriptors {
            note(sample)
            if isNearItsLimit(sample) { return .spent(.descriptors) }
            if isLeaking(sample) { return .worn(.descriptors) }
        }
        // Who begins with more than is allowed would only be replaced by the like.
        if let most = policy.memory, let first, first.residentBytes <= most, sample.residentBytes > most {
            return .worn(.memory)
        }
        if let most = policy.requests, sample.served >= most { return .worn(.requests) }
        return .sound
    }

    private mutating func note(_ sample: Sample) {
        rises = last.map { sample.descriptors > $0.descriptors ? rises + 1 : 0 } ?? 0
        for index in trends.indices { trends[index].look(served: sample.served, held: sample.descriptors) }
    }

    /// Where half of the limit is used, less evidence has to do.
    private func isLeaking(_ sample: Sample) -> Bool {
        let isPressed = sample.descriptors >= sample.limit / 2
        return trends.contains { $0.isRising } || isPressed && trends[0].rises(byAtLeast: sample.limit / 8)
    }

    /// Whether descriptors that have become many more since its start, and still do, would run out before long.
    private func isNearItsLimit(_ sample: Sample) -> Bool {
        guard let first, let last, rises >= 2, sample.descriptors - first.descriptors >= sample.limit / 4 else {
            return false
        }
        let next = sample.descriptors + (sample.descriptors - last.descriptors)
        return Double(next) >= Double(sample.limit) * (1 - Self.reserve)
    }
}
