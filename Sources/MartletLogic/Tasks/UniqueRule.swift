/// Until when a task keeps others with its key out.
public struct UniqueRule: Sendable, Equatable {
    public enum Until: String, Sendable, CaseIterable {
        /// It begins to run.
        case started
        /// It is over, whatever its end.
        case finished
        /// `milliseconds` are over, and nothing else.
        case ttl
    }

    public var until: Until
    /// After so long the key is free in any case: a task that is lost does not keep it for ever.
    public var milliseconds: Int64

    public init(until: Until, milliseconds: Int64 = 86_400_000) {
        self.until = until
        self.milliseconds = max(milliseconds, 1)
    }

    /// As messages and apps say it; what is nil or makes no sense: until it is over, a day at most.
    public init(until: String?, seconds: Double?) {
        let bounded = seconds.flatMap { $0 > 0 ? min($0, 1e9) : nil } ?? 86_400
        self.init(until: until.flatMap(Until.init) ?? .finished, milliseconds: Int64(bounded * 1000))
    }
}
