extension BrokerMachine {
    /// Each channel is confirmed by a message of its own.
    mutating func changeSubscriptions(_ command: OwnCommand, _ arguments: [Bytes], of id: ClientID) {
        guard let client = clients[id] else { return }
        var names = arguments
        let isPattern = command == .psubscribe || command == .punsubscribe
        let isLeaving = command == .unsubscribe || command == .punsubscribe
        if isLeaving, names.isEmpty {
            names = isPattern ? client.patterns : client.channels
            if names.isEmpty { confirm(command, nil, to: id) }
        }
        for name in names {
            switch (isPattern, isLeaving) {
            case (false, false): subscribe(id, channel: name)
            case (true, false): subscribe(id, pattern: name)
            case (false, true): unsubscribe(id, channel: name)
            case (true, true): unsubscribe(id, pattern: name)
            }
            confirm(command, name, to: id)
        }
    }

    mutating func publish(_ message: Bytes, on channel: Bytes) -> Answer {
        let hearers = subscriptions.hearers(of: channel)
        counters.published += 1
        for (client, pattern) in hearers {
            if let pattern {
                push(client, [.bulk("pmessage"), .bulk(pattern), .bulk(channel), .bulk(message)])
            } else {
                push(client, [.bulk("message"), .bulk(channel), .bulk(message)])
            }
        }
        return .integer(Int64(hearers.count))
    }

    func pubsub(_ arguments: [Bytes]) -> Answer {
        let rest = arguments.dropFirst()
        switch arguments[0].text.uppercased() {
        case "CHANNELS" where rest.count <= 1:
            let names = subscriptions.channelNames.filter { name in rest.first.map { Glob.matches(name, $0) } ?? true }
            return .array(names.map { .bulk($0) })
        case "NUMSUB": return .array(rest.flatMap { [.bulk($0), .integer(Int64(subscriptions.count($0)))] })
        case "NUMPAT" where rest.isEmpty: return .integer(Int64(subscriptions.patternCount))
        default: return BrokerRefusal.unknownSubcommand(arguments[0], of: "pubsub")
        }
    }

    mutating func unsubscribeAll(_ id: ClientID) {
        for channel in clients[id]?.channels ?? [] { subscriptions.unsubscribe(id, channel: channel) }
        for pattern in clients[id]?.patterns ?? [] { subscriptions.unsubscribe(id, pattern: pattern) }
        clients[id]?.channels = []
        clients[id]?.patterns = []
    }

    private mutating func confirm(_ command: OwnCommand, _ name: Bytes?, to id: ClientID) {
        push(
            id,
            [
                .bulk(Bytes(command.rawValue)), name.map { .bulk($0) } ?? .null,
                .integer(Int64(clients[id]?.subscriptions ?? 0)),
            ])
    }

    private mutating func subscribe(_ id: ClientID, channel: Bytes) {
        guard clients[id]?.channels.contains(channel) == false else { return }
        clients[id]?.channels.append(channel)
        subscriptions.subscribe(id, channel: channel)
    }

    private mutating func subscribe(_ id: ClientID, pattern: Bytes) {
        guard clients[id]?.patterns.contains(pattern) == false else { return }
        clients[id]?.patterns.append(pattern)
        subscriptions.subscribe(id, pattern: pattern)
    }

    private mutating func unsubscribe(_ id: ClientID, channel: Bytes) {
        clients[id]?.channels.removeAll { $0 == channel }
        subscriptions.unsubscribe(id, channel: channel)
    }

    private mutating func unsubscribe(_ id: ClientID, pattern: Bytes) {
        clients[id]?.patterns.removeAll { $0 == pattern }
        subscriptions.unsubscribe(id, pattern: pattern)
    }
}
