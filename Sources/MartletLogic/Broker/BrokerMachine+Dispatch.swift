extension BrokerMachine {
    /// Answers a command, queues it in a transaction, or refuses it. nil: the answer came by another way, or comes
    /// later.
    mutating func answer(to name: Bytes, _ arguments: [Bytes], of id: ClientID, now: Int64) -> Answer? {
        guard let client = clients[id] else { return nil }
        if Self.isOfHTTP(name) {
            close(id)
            return nil
        }
        let command = BrokerCommand.named(name)
        if !client.isAuthenticated, !(command?.needsNoPassword ?? false) { return BrokerRefusal.noAuth }
        guard let command else { return flawing(id, BrokerRefusal.unknown(name)) }
        activities[id]?.command = command.name
        guard command.accepts(arguments.count) else {
            if command == .own(.exec) { return abort(id) }
            return flawing(id, BrokerRefusal.wrongCount(command.name))
        }
        if client.version == .two, client.subscriptions > 0, !command.isAllowedWhileSubscribed {
            return BrokerRefusal.error(
                "Can't execute '\(command.name)': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are "
                    + "allowed in this context")
        }
        isProvisional = command.isProvisional(arguments)
        if client.transaction != nil, command.isQueued {
            isProvisional = true
            return queue(command, arguments, of: id)
        }
        return perform(command, arguments, of: id, now: now)
    }

    /// The beginning of a line of HTTP. A page in somebody's browser can send a request to this machine's ports, and
    /// the lines of its body would be commands: nothing more is read from there.
    private static func isOfHTTP(_ name: Bytes) -> Bool {
        (4...5).contains(name.count) && ["post", "host:"].contains(Bytes(name.array.map(ASCII.lowercased)))
    }

    mutating func perform(
        _ command: BrokerCommand, _ arguments: [Bytes], of id: ClientID, now: Int64
    ) -> Answer? {
        switch command {
        case .data(let command): runData(command, arguments, of: id, now: now)
        case .own(let command): runOwn(command, arguments, of: id, now: now)
        }
    }

    private mutating func runOwn(
        _ command: OwnCommand, _ arguments: [Bytes], of id: ClientID, now: Int64
    ) -> Answer? {
        switch command {
        case .auth: return auth(arguments, of: id)
        case .hello: return hello(arguments, of: id)
        case .ping: return ping(arguments, of: id)
        case .echo: return .bulk(arguments[0])
        case .select: return select(arguments[0], of: id)
        case .client: return clientCommand(arguments, of: id, now: now)
        case .quit:
            reply(id, .ok)
            close(id)
            return nil
        case .reset: return reset(id)
        case .info: return info(arguments, now: now)
        case .command: return commandCommand(arguments)
        case .config: return config(arguments)
        case .time: return .array([.bulk(Bytes("\(now / 1000)")), .bulk(Bytes("\(now % 1000 * 1000)"))])
        case .save:
            save()
            return .ok
        case .bgsave:
            save()
            return .simple("Background saving started")
        case .lastsave: return .integer(lastSave)
        case .multi: return multi(id)
        case .exec: return exec(id, now: now)
        case .discard: return discard(id)
        case .watch: return watch(arguments, of: id)
        case .unwatch:
            unwatch(id)
            return .ok
        case .subscribe, .psubscribe, .unsubscribe, .punsubscribe:
            changeSubscriptions(command, arguments, of: id)
            return nil
        case .publish: return publish(arguments[1], on: arguments[0])
        case .pubsub: return pubsub(arguments)
        case .blpop, .brpop, .blmove, .brpoplpush, .bzpopmin, .bzpopmax:
            return blockingPop(command, arguments, of: id, now: now)
        case .eval, .evalsha: return eval(command, arguments, of: id, now: now)
        case .script: return script(arguments)
        case .martlet: return martlet(arguments, of: id, now: now)
        }
    }

    /// A refused command spoils the transaction it would have been part of.
    private mutating func flawing(_ id: ClientID, _ refusal: Answer) -> Answer {
        clients[id]?.transaction?.isFlawed = true
        return refusal
    }
}

extension BrokerCommand {
    fileprivate var needsNoPassword: Bool {
        if case .own(let command) = self { command.needsNoPassword } else { false }
    }

    fileprivate var isAllowedWhileSubscribed: Bool {
        if case .own(let command) = self { command.isAllowedWhileSubscribed } else { false }
    }

    fileprivate var isQueued: Bool {
        if case .own(let command) = self { command.isQueued } else { true }
    }
}
