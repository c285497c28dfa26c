/// How many revocations a worker remembers, and for how long.
public struct RevocationPolicy: Sendable, Equatable {
    /// Above it the ones that end first are forgotten.
    public var maximum = 50_000
    /// In milliseconds.
    public var expiresMilliseconds: Int64 = 3 * 3600 * 1000

    public init() {}
}

/// Tasks that are not to be run, known by their ids, whether they are here or have not come yet.
///
/// Bounded in number and in time, by the wall's clock: the broker keeps them as well, and they come back from there
/// after a restart.
public struct Revocations: Sendable {
    public private(set) var policy: RevocationPolicy
    /// When each ends, in milliseconds since 1970.
    private var ends: [String: Int64] = [:]
    /// By their ends. One that was revoked again stands in it twice, and counts with its later end.
    private var order = DueHeap<String>()
    private var orderCount = 0
    /// By header and value; Celery keeps these without an end, so they are bounded in number only.
    private var stamps: [String: Set<String>] = [:]
    private var stampCount = 0

    public init(policy: RevocationPolicy = RevocationPolicy()) { self.policy = policy }

    public var count: Int { ends.count }
    /// Ends that are kept, former ones included.
    public var rememberedEnds: Int { orderCount }

    /// The ids, and when each is forgotten, in milliseconds since 1970.
    public var entries: [(id: String, expires: Int64)] { ends.map { ($0.key, $0.value) } }

    /// Whether the task may not be run.
    public func contains(_ id: String, now: Int64) -> Bool { !ends.isEmpty && ends[id].map { $0 > now } ?? false }

    /// Whether a task with these stamps may not be run.
    public func contains(stamps: [String: [String]]) -> Bool {
        guard stampCount > 0 else { return false }
        return stamps.contains { header, values in self.stamps[header].map { !$0.isDisjoint(with: values) } ?? false }
    }

    /// Remembers the task from `now` on. When it is forgotten, in milliseconds since 1970.
    @discardableResult
    public mutating func insert(_ id: String, now: Int64) -> Int64 {
        let end = now &+ policy.expiresMilliseconds
        adopt(id, expires: end, now: now)
        return end
    }

    /// Takes over what the broker or another worker remembers; the later end counts.
    public mutating func adopt(_ id: String, expires: Int64, now: Int64) {
        guard expires > now, expires > ends[id] ?? .min else { return }
        ends[id] = expires
        order.insert(id, at: expires)
        orderCount += 1
        trim(now: now)
    }

    /// Remembers a stamp: all tasks that bear it are revoked.
    public mutating func insert(stamp header: String, _ values: [String]) {
        for value in values where stampCount < policy.maximum {
            if stamps[header, default: []].insert(value).inserted { stampCount += 1 }
        }
    }

    /// Forgets those whose time is over, and the ones that end first when there are too many.
    private mutating func trim(now: Int64) {
        while let earliest = order.earliest, earliest <= now || ends.count > policy.maximum {
            forgetEarliest()
        }
        // Those that were revoked again and again leave their former ends behind.
        if orderCount > 2 * ends.count + 64 { rebuild() }
    }

    private mutating func forgetEarliest() {
        guard let end = order.earliest, let id = order.take(until: end) else { return }
        orderCount -= 1
        if ends[id] == end { ends[id] = nil }
    }

    private mutating func rebuild() {
        order = DueHeap()
        orderCount = ends.count
        for (id, end) in ends { order.insert(id, at: end) }
    }
}
