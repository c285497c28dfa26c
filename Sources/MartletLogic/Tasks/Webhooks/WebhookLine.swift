/// Which webhooks are told now, and which wait: so many at a time in all, and of one host no more than its share, so
/// that a slow one holds up nobody but itself. Hosts take turns. What has no room is not kept: whoever offers it offers
/// it again.
///
/// ```
/// add ──▶ told at once ─────────────▶ ended
///   └───▶ waits ── another ended ──▶ told ──▶ ended
/// ```
public struct WebhookLine: Sendable {
    public struct Limits: Sendable, Equatable {
        /// That are told at a time.
        public var told = 64
        public var toldOfHost = 4
        /// That wait.
        public var waiting = 1024
        public var waitingOfHost = 64

        public init() {}
    }

    private struct Host: Sendable {
        var told = 0
        var waiting: [String] = []
    }

    private let limits: Limits
    private var hosts: [String: Host] = [:]
    /// Those with something that waits; the one whose turn it is comes first.
    private var turns: [String] = []
    /// The host of each that is told or waits.
    private var known: [String: String] = [:]
    private var told = 0

    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// Whether there is room for one more, which is not there already.
    public func admits(_ id: String, host: String) -> Bool {
        guard known[id] == nil else { return false }
        let own = hosts[host] ?? Host()
        if mayBeTold(own) { return true }
        return known.count - told < limits.waiting && own.waiting.count < limits.waitingOfHost
    }

    /// One more, where there is room. Whether it is told now.
    public mutating func add(_ id: String, host: String) -> Bool {
        guard admits(id, host: host) else { return false }
        known[id] = host
        guard !mayBeTold(hosts[host] ?? Host()) else {
            begin(host)
            return true
        }
        if hosts[host]?.waiting.isEmpty ?? true { turns.append(host) }
        hosts[host, default: Host()].waiting.append(id)
        return false
    }

    /// One was told, or could not be. Which one is told next; nil: none may.
    public mutating func ended(_ id: String) -> String? {
        guard let host = known.removeValue(forKey: id), var own = hosts[host] else { return nil }
        told -= 1
        own.told -= 1
        hosts[host] = own.told == 0 && own.waiting.isEmpty ? nil : own
        guard let turn = turns.firstIndex(where: { mayBeTold(hosts[$0] ?? Host()) }) else { return nil }
        let next = turns.remove(at: turn)
        guard let first = hosts[next]?.waiting.removeFirst() else { return nil }
        if hosts[next]?.waiting.isEmpty == false { turns.append(next) }
        begin(next)
        return first
    }

    private func mayBeTold(_ host: Host) -> Bool { told < limits.told && host.told < limits.toldOfHost }

    private mutating func begin(_ host: String) {
        told += 1
        hosts[host, default: Host()].told += 1
    }
}
