public import MartletBase

/// When evidence is written down that descriptors are scarce: once, and not again for ten minutes. The trouble may
/// last, and one look at it says what a hundred say.
public struct CensusPace: Sendable {
    public static let pause: Duration = .seconds(600)
    /// After a write that came to nothing, since there is no evidence yet; twice as long after each that follows.
    public static let retry: Duration = .seconds(2)

    private var next: Instant?
    /// How long to wait after the next failure.
    private var patience = CensusPace.retry

    public init() {}

    /// Descriptors are scarce; whether that is to be written down now.
    public mutating func isDue(now: Instant) -> Bool {
        if let next, now < next { return false }
        next = now + Self.pause
        return true
    }

    /// What was due could not be written. True: the first time since it could, which is worth a word.
    public mutating func failed(now: Instant) -> Bool {
        defer { patience = min(patience * 2, Self.pause) }
        next = now + patience
        return patience == Self.retry
    }

    /// What was due is written. True: it could not be before.
    public mutating func written() -> Bool {
        defer { patience = Self.retry }
        return patience != Self.retry
    }
}
