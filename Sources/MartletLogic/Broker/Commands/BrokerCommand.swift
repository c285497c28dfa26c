/// Every command that the broker knows: those on data are the keyspace's, the others concern connections.
enum BrokerCommand: Sendable, Equatable {
    case data(KeyspaceCommand)
    case own(OwnCommand)

    static func named(_ name: Bytes) -> BrokerCommand? {
        if let command = KeyspaceCommand.named(name) { return .data(command) }
        return OwnCommand.named(name).map { .own($0) }
    }

    /// Whether it may have so many arguments, its name not counted.
    func accepts(_ count: Int) -> Bool {
        switch self {
        case .data(let command): command.accepts(count)
        case .own(let command): command.arguments.contains(count)
        }
    }

    var name: String {
        switch self {
        case .data(let command): command.rawValue
        case .own(let command): command.rawValue
        }
    }

    static let count = KeyspaceCommand.allCases.count + OwnCommand.allCases.count
}

/// A command that is not the keyspace's.
enum OwnCommand: String, Sendable, CaseIterable {
    case auth, hello, ping, echo, select, client, quit, reset
    case info, command, config, time, save, bgsave, lastsave
    case multi, exec, discard, watch, unwatch
    case subscribe, psubscribe, unsubscribe, punsubscribe, publish, pubsub
    case blpop, brpop, blmove, brpoplpush, bzpopmin, bzpopmax
    case eval, evalsha, script
    case martlet

    static func named(_ name: Bytes) -> OwnCommand? {
        guard name.count <= 12 else { return nil }
        return byName[Bytes(name.array.map(ASCII.lowercased))]
    }

    /// Without its name.
    var arguments: ClosedRange<Int> {
        switch self {
        case .auth: 1...2
        case .hello, .info, .command, .ping, .quit, .unsubscribe, .punsubscribe: 0...Int.max
        case .bgsave: 0...1
        case .echo, .select: 1...1
        case .client, .config, .pubsub, .script: 1...Int.max
        case .reset, .time, .save, .lastsave, .multi, .exec, .discard, .unwatch: 0...0
        case .watch, .subscribe, .psubscribe: 1...Int.max
        case .publish: 2...2
        case .blpop, .brpop, .bzpopmin, .bzpopmax: 2...Int.max
        case .blmove: 5...5
        case .brpoplpush: 3...3
        case .eval, .evalsha: 2...Int.max
        case .martlet: 1...4
        }
    }

    /// Who has not authenticated may say only this.
    var needsNoPassword: Bool { [.auth, .hello, .quit, .reset].contains(self) }

    /// What ends or checks a transaction is done at once; the rest is queued.
    var isQueued: Bool { ![.exec, .discard, .multi, .watch, .quit, .reset].contains(self) }

    /// Makes no sense among commands whose answers are one array.
    var isRefusedInTransaction: Bool {
        [.subscribe, .psubscribe, .unsubscribe, .punsubscribe, .auth, .hello, .save].contains(self)
    }

    /// What a RESP2 connection may still say once it subscribed: all else would be taken for what was published.
    var isAllowedWhileSubscribed: Bool {
        [.subscribe, .psubscribe, .unsubscribe, .punsubscribe, .ping, .quit, .reset].contains(self)
    }

    private static let byName = Dictionary(uniqueKeysWithValues: allCases.map { (Bytes($0.rawValue), $0) })
}
