public import MartletBase

/// When evidence is written down that descriptors are scarce: once, and not again for ten minutes. The trouble may
/// last, and one look at it says what a hundred say.
public struct CensusPace: Sendable {
    public static let pause: Duration = .seconds(600)
    /// After a write that came to nothing: there is no evidence yet.
    public static let retry: Duration = .seconds(2)

    private var next: Instant?

    public init() {}

    /// Descriptors are scarce; whether that is to be written down now.
    public mutating func isDue(now: Instant) -> Bool {
        if let next, now < next { return false }
        next = now + Self.pause
        return true
    }

    /// What was due could not be written.
    public mutating func failed(now: Instant) {
        next = now + Self.retry
    }
}
