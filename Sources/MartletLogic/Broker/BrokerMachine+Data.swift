extension BrokerMachine {
    /// Runs a command on data, and sees to what it means for queues.
    mutating func runData(
        _ command: KeyspaceCommand, _ arguments: [Bytes], of id: ClientID, now: Int64
    ) -> Answer {
        guard let database = clients[id]?.database else { return .null }
        if command.mayGrow, isFull(for: command) { return BrokerRefusal.outOfMemory }
        defer { absorb(id, now: now) }
        switch command {
        case .lpush, .rpush: return pushOnList(command, arguments, in: database, now: now)
        case .rpop:
            if !isInTransaction { queues.asksAgain(id, &keyspace, now: now) }
            let answer = keyspace.run(.rpop, arguments, in: database, now: now)
            for message in answer.asBytes.map({ [$0] }) ?? answer.asList {
                queues.popped(message, from: arguments[0], in: database, by: id, &keyspace, now: now)
            }
            return answer
        case .del, .unlink:
            _ = queues.purge(arguments, in: database, &keyspace, now: now)
        case .hdel:
            // Who watches the hash first gives back what is in it: kombu does that when it lost its connection, for
            // messages that it never began. An acknowledgement does not look.
            guard !watchedBefore.contains(Place(database: database, key: arguments[0])) else { break }
            queues.acknowledgesLate(arguments.dropFirst(), in: database, &keyspace, now: now)
        case .swapdb:
            guard queues.rooms.allSatisfy(\.isEmpty) else {
                return BrokerRefusal.error(
                    "SWAPDB is not possible where there are queues: let workers empty them, or select another database")
            }
        case .flushdb, .flushall:
            let answer = keyspace.run(command, arguments, in: database, now: now)
            guard !answer.isError else { return answer }
            absorb(id, now: now)
            for database in command == .flushdb ? [database] : Array(0..<Keyspace.databaseCount) {
                queues.clear(database, &keyspace, now: now)
            }
            return answer
        default: break
        }
        return keyspace.run(command, arguments, in: database, now: now)
    }

    /// Producers are refused before workers are.
    private func isFull(for command: KeyspaceCommand) -> Bool {
        switch command {
        case .lpush, .rpush: keyspace.bytes > policy.maximumBytes
        default: keyspace.bytes > policy.hardMaximumBytes
        }
    }

    mutating func pushOnList(
        _ command: KeyspaceCommand, _ arguments: [Bytes], in database: Int, now: Int64
    ) -> Answer {
        let list = arguments[0]
        let length = keyspace.run(.llen, [list], in: database, now: now)
        if length.isError { return length }
        let admission = queues.admit(
            Array(arguments.dropFirst()), to: list, isAtTail: command == .lpush, in: database, &keyspace, now: now)
        switch admission {
        case .refuse(let refusal): return refusal
        case .push(let values, let kept):
            guard !values.isEmpty else { return .integer(length.asInteger + Int64(kept)) }
            let answer = keyspace.run(command, [list] + values, in: database, now: now)
            return kept > 0 && !answer.isError ? .integer(answer.asInteger + Int64(kept)) : answer
        }
    }
}
