/// How the descriptors that a process may open are shared out: to clients, to targets, to everything else, and a
/// reserve that no request ever gets.
///
/// The reserve keeps the console, health checks, names, logs and certificates working while every place is taken, and
/// holds the connections that are told so. A process that never reaches its limit never meets `EMFILE`.
public struct FileBudget: Sendable, Equatable {
    /// The soft limit on open files.
    public let limit: Int
    /// Kept back: a 64th, at least 64, never more than a quarter.
    public let reserve: Int
    /// Connections of clients that are served.
    public let clients: Int
    /// Connections to targets.
    public let upstreams: Int
    /// Event loops, listeners, logs, managed backends, checks.
    public let other: Int

    /// The most that `other` grows to with the limit: what it is for does not grow with it.
    private static let mostOther = 512

    /// - Parameters:
    ///   - limit: The soft limit on open files; less than 32 is treated as 32.
    ///   - standing: Descriptors open before the first client came; those stay.
    public init(limit: Int, standing: Int) {
        self.limit = max(limit, 32)
        reserve = min(max(64, self.limit / 64), self.limit / 4)
        let spendable = self.limit - reserve
        let share = min(spendable / 100 * 6, Self.mostOther)
        other = min(max(share, standing + 8), spendable - 2)
        clients = (spendable - other) / 2
        upstreams = spendable - other - clients
    }

    /// What the three shares add up to.
    public var spendable: Int { limit - reserve }
    /// Of the reserve: connections that are accepted only to be told that there is no place.
    public var refusals: Int { max(1, min(64, reserve / 4)) }
    /// Of the reserve: connections to the console.
    public var console: Int { max(2, min(64, reserve / 4)) }
    /// Connections that a listener accepts in one go. Several listeners can each be that much ahead of the count.
    public var batch: Int { max(1, min(64, reserve / 16)) }
}
