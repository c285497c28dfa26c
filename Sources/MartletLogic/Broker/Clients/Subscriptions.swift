/// Who hears what is published: by channel, and by pattern of channels. Who subscribed first hears first.
struct Subscriptions: Sendable {
    private var channels: [Bytes: [ClientID]] = [:]
    private var patterns: [(pattern: Bytes, clients: [ClientID])] = []

    /// The channels that somebody subscribed to by name.
    var channelNames: [Bytes] { channels.keys.sorted() }
    var patternCount: Int { patterns.count }

    func count(_ channel: Bytes) -> Int { channels[channel]?.count ?? 0 }

    mutating func subscribe(_ client: ClientID, channel: Bytes) {
        channels[channel, default: []].append(client)
    }

    mutating func unsubscribe(_ client: ClientID, channel: Bytes) {
        guard var clients = channels.removeValue(forKey: channel) else { return }
        clients.removeAll { $0 == client }
        if !clients.isEmpty { channels[channel] = clients }
    }

    mutating func subscribe(_ client: ClientID, pattern: Bytes) {
        if let index = patterns.firstIndex(where: { $0.pattern == pattern }) {
            patterns[index].clients.append(client)
        } else {
            patterns.append((pattern, [client]))
        }
    }

    mutating func unsubscribe(_ client: ClientID, pattern: Bytes) {
        guard let index = patterns.firstIndex(where: { $0.pattern == pattern }) else { return }
        patterns[index].clients.removeAll { $0 == client }
        if patterns[index].clients.isEmpty { patterns.remove(at: index) }
    }

    /// Who hears something on `channel`, with the pattern by which.
    func hearers(of channel: Bytes) -> [(client: ClientID, pattern: Bytes?)] {
        var hearers = (channels[channel] ?? []).map { (client: $0, pattern: Bytes?.none) }
        for (pattern, clients) in patterns where Glob.matches(channel, pattern) {
            hearers += clients.map { (client: $0, pattern: pattern) }
        }
        return hearers
    }
}
