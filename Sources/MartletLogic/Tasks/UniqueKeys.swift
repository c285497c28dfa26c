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
}

/// Which task has which key, so that there is one at a time. Bounded in number and in time.
public struct UniqueKeys: Sendable {
    public enum Verdict: Sendable, Equatable {
        case fresh
        /// This one is there already.
        case duplicate(of: String)
    }

    private struct Claim: Sendable {
        var task: String
        var until: UniqueRule.Until
        var expires: Int64
    }

    /// Above it the claims that end first are given up.
    public let maximum: Int
    private var claims: [String: Claim] = [:]
    /// A task has one key.
    private var keyOf: [String: String] = [:]
    private var order = DueHeap<String>()

    public init(maximum: Int = 100_000) { self.maximum = max(maximum, 1) }

    public var count: Int { claims.count }

    /// A task with this key is sent. One that has the key itself, because it is tried again, is no duplicate.
    ///
    /// - Parameter now: In milliseconds since 1970.
    public mutating func claim(_ key: String, by task: String, _ rule: UniqueRule, now: Int64) -> Verdict {
        expire(now: now)
        if let claim = claims[key] { return claim.task == task ? .fresh : .duplicate(of: claim.task) }
        if let former = keyOf[task] { release(former) }
        while claims.count >= maximum, let earliest = order.earliest { expire(now: earliest) }
        let (end, overflow) = now.addingReportingOverflow(rule.milliseconds)
        claims[key] = Claim(task: task, until: rule.until, expires: overflow ? .max : end)
        keyOf[task] = key
        order.insert(key, at: overflow ? .max : end)
        return .fresh
    }

    /// The task runs.
    public mutating func started(_ task: String) {
        if let key = keyOf[task], claims[key]?.until == .started { release(key) }
    }

    /// The task is over: not when it is to be tried again.
    public mutating func finished(_ task: String) {
        if let key = keyOf[task], claims[key]?.until != .ttl { release(key) }
    }

    private mutating func release(_ key: String) {
        guard let claim = claims.removeValue(forKey: key) else { return }
        keyOf[claim.task] = nil
    }

    /// Those that were released before their time stay in the order until it comes.
    private mutating func expire(now: Int64) {
        while let end = order.earliest, end <= now, let key = order.take(until: now) {
            if claims[key]?.expires == end { release(key) }
        }
    }
}
