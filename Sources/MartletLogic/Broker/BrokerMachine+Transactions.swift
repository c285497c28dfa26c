extension BrokerMachine {
    mutating func multi(_ id: ClientID) -> Answer {
        guard clients[id]?.transaction == nil else { return BrokerRefusal.error("MULTI calls can not be nested") }
        clients[id]?.transaction = BrokerClient.Transaction()
        return .ok
    }

    mutating func queue(_ command: BrokerCommand, _ arguments: [Bytes], of id: ClientID) -> Answer {
        let length = clients[id]?.transaction?.commands.count ?? 0
        let bytes = arguments.reduce(clients[id]?.transaction?.bytes ?? 0) { $0 + $1.count }
        if case .own(let own) = command, own.isRefusedInTransaction {
            clients[id]?.transaction?.isFlawed = true
            return BrokerRefusal.notInTransaction
        }
        guard length < policy.maximumTransaction else {
            clients[id]?.transaction?.isFlawed = true
            return BrokerRefusal.error(
                "a transaction holds \(policy.maximumTransaction) commands at most: send several")
        }
        guard bytes <= policy.maximumTransactionBytes else {
            clients[id]?.transaction?.isFlawed = true
            return BrokerRefusal.error(
                "a transaction holds \(policy.maximumTransactionBytes) bytes at most: send several")
        }
        clients[id]?.transaction?.commands.append((command, arguments))
        clients[id]?.transaction?.bytes = bytes
        return .simple("QUEUED")
    }

    mutating func exec(_ id: ClientID, now: Int64) -> Answer {
        guard let transaction = clients[id]?.transaction else { return BrokerRefusal.error("EXEC without MULTI") }
        clients[id]?.transaction = nil
        // A watched key whose time is over has changed, even when nobody noticed yet.
        for place in clients[id]?.watched ?? [] {
            _ = keyspace.run(.exists, [place.key], in: place.database, now: now)
        }
        absorb(id, now: now)
        let isDirty = clients[id]?.isDirty == true
        let watched = clients[id]?.watched ?? []
        unwatch(id)
        if transaction.isFlawed { return BrokerRefusal.execAbort }
        if isDirty { return .nullArray }
        isProvisional = transaction.commands.allSatisfy { $0.isProvisional($1) }
        (isInTransaction, watchedBefore) = (true, watched)
        defer { (isInTransaction, watchedBefore) = (false, []) }
        var answers: [Answer] = []
        answers.reserveCapacity(transaction.commands.count)
        for (command, arguments) in transaction.commands {
            answers.append(perform(command, arguments, of: id, now: now) ?? .null)
        }
        return .array(answers)
    }

    mutating func discard(_ id: ClientID) -> Answer {
        guard clients[id]?.transaction != nil else { return BrokerRefusal.error("DISCARD without MULTI") }
        clients[id]?.transaction = nil
        unwatch(id)
        return .ok
    }

    /// An `EXEC` that makes no sense ends its transaction.
    mutating func abort(_ id: ClientID) -> Answer {
        clients[id]?.transaction = nil
        unwatch(id)
        return .error(
            code: "EXECABORT", text: "Transaction discarded because of: wrong number of arguments for 'exec' command")
    }

    // MARK: Watching

    mutating func watch(_ keys: [Bytes], of id: ClientID) -> Answer {
        guard let client = clients[id] else { return .null }
        guard client.transaction == nil else { return BrokerRefusal.error("WATCH inside MULTI is not allowed") }
        for key in keys {
            let place = Place(database: client.database, key: key)
            clients[id]?.watched.insert(place)
            watchers[place, default: []].insert(id)
        }
        return .ok
    }

    mutating func unwatch(_ id: ClientID) {
        guard let client = clients[id] else { return }
        for place in client.watched {
            guard var others = watchers.removeValue(forKey: place) else { continue }
            others.remove(id)
            if !others.isEmpty { watchers[place] = others }
        }
        clients[id]?.watched = []
        clients[id]?.isDirty = false
    }

    mutating func touch(_ place: Place) {
        guard !watchers.isEmpty else { return }
        for id in watchers[place] ?? [] { clients[id]?.isDirty = true }
    }

    mutating func touchAll(in database: Int) {
        for (place, ids) in watchers where place.database == database {
            for id in ids { clients[id]?.isDirty = true }
        }
    }
}
