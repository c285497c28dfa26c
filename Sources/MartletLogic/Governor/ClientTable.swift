public import MartletBase

/// What each client address holds and how fast it comes: the bounds that keep one of them from taking every place.
public struct ClientTable: Sendable {
    /// The address as bits; of an IPv6 client its network (the first 64), because one machine has all the rest.
    public typealias Key = UInt128

    public struct Limits: Sendable, Equatable {
        /// Open at one time; nil: no bound.
        public var connections: Int?
        /// New in a second, the same number in one burst; nil: no bound.
        public var perSecond: Int?

        public init(connections: Int? = nil, perSecond: Int? = nil) {
            self.connections = connections
            self.perSecond = perSecond
        }
    }

    private struct Client: Sendable {
        var open = 0
        /// Connections it may still open at `at`, in billionths.
        var credit: UInt64
        var at: Instant
    }

    /// Addresses beyond which those that hold nothing are looked through for some to forget.
    private static let usual = 4096

    /// May change at any time: who is in stays in.
    public var limits: Limits
    private var clients: [Key: Client] = [:]
    private var nextPurge = Instant(nanoseconds: 0)

    public init(_ limits: Limits) {
        self.limits = limits
    }

    /// Addresses that are remembered.
    public var count: Int { clients.count }

    /// A connection comes. False: it is one too many, and not counted; else `closed` follows.
    public mutating func opened(_ key: Key, now: Instant) -> Bool {
        purge(now: now)
        var client = clients[key] ?? Client(credit: burst, at: now)
        refill(&client, now: now)
        defer { clients[key] = client }
        if let connections = limits.connections, client.open >= connections { return false }
        if limits.perSecond != nil {
            guard client.credit >= Self.one else { return false }
            client.credit -= Self.one
        }
        client.open += 1
        return true
    }

    public mutating func closed(_ key: Key) {
        guard var client = clients[key], client.open > 0 else { return }
        client.open -= 1
        clients[key] = client.open == 0 && limits.perSecond == nil ? nil : client
    }

    /// The addresses that hold most connections, the first most of all.
    public func largest(_ count: Int) -> [(key: Key, open: Int)] {
        clients.filter { $0.value.open > 0 }.sorted { ($0.value.open, $1.key) > ($1.value.open, $0.key) }
            .prefix(count).map { ($0.key, $0.value.open) }
    }

    // MARK: The rate

    private static let one: UInt64 = 1_000_000_000

    private var burst: UInt64 { UInt64(max(0, limits.perSecond ?? 0)) * Self.one }

    private func refill(_ client: inout Client, now: Instant) {
        guard let perSecond = limits.perSecond, now > client.at else { return }
        // Longer than a second fills it whatever was left.
        let nanoseconds = min(now.nanoseconds - client.at.nanoseconds, Self.one)
        client.credit = min(burst, client.credit + nanoseconds * UInt64(perSecond))
        client.at = now
    }

    /// Forgets addresses that hold nothing and whose credit is whole again: new ones would be the same.
    private mutating func purge(now: Instant) {
        guard clients.count >= Self.usual, now >= nextPurge else { return }
        nextPurge = now + .seconds(1)
        clients = clients.filter { $0.value.open > 0 || $0.value.at.nanoseconds + Self.one > now.nanoseconds }
    }
}
