/// Tasks of one name are run together: one call for so many of them.
public struct BatchRule: Sendable, Equatable {
    /// A task that was served more often is run by itself: whoever kills a process takes the others of its batch along
    /// twice, and no more.
    public static let sharedDeliveries = 2

    /// At most so many in one call; at least 1.
    public let size: Int
    /// So long the first of them waits for others.
    public let timeout: Duration

    public init(size: Int, timeout: Duration) {
        self.size = min(max(size, 1), 100_000)
        self.timeout = min(max(timeout, .zero), .seconds(86_400))
    }

    /// As apps say it, in seconds; what makes no sense is no time. Nil: tasks are run one by one.
    public init?(size: Int?, seconds: Double?) {
        guard let size, size > 0 else { return nil }
        let seconds = seconds.flatMap { $0 > 0 ? min($0, 86_400) : nil } ?? 0
        self.init(size: size, timeout: .seconds(seconds))
    }
}
