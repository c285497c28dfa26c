/// Pops that wait. Who waits longest for a key is served first; of several keys, the one that was named first.
extension BrokerMachine {
    mutating func blockingPop(
        _ command: OwnCommand, _ arguments: [Bytes], of id: ClientID, now: Int64
    ) -> Answer? {
        guard let database = clients[id]?.database else { return nil }
        let timeout: Int64?
        switch Self.timeout(arguments[arguments.count - 1]) {
        case .success(let milliseconds): timeout = milliseconds
        case .failure(let refusal): return refusal.answer
        }
        var pop = BlockedPop(
            keys: Array(arguments.dropLast()), kind: .least, deadline: timeout.map { now + $0 }, database: database)
        switch command {
        case .blpop: pop.kind = .list(.left)
        case .brpop: pop.kind = .list(.right)
        case .bzpopmax: pop.kind = .greatest
        case .brpoplpush:
            pop.keys = [arguments[0]]
            pop.kind = .move(from: .right, to: .left, destination: arguments[1])
        case .blmove:
            guard let from = ListEnd(arguments[2]), let to = ListEnd(arguments[3]) else { return BrokerRefusal.syntax }
            pop.keys = [arguments[0]]
            pop.kind = .move(from: from, to: to, destination: arguments[1])
        default: break
        }
        if command == .brpop, !isInTransaction { queues.asksAgain(id, &keyspace, now: now) }
        for key in pop.keys {
            if let answer = take(pop, from: key, for: id, now: now) { return answer }
        }
        if isInTransaction { return pop.nothing }
        clients[id]?.blocked = pop
        lines.join(id, pop)
        return nil
    }

    /// Something came: serves those who wait for it, as far as it goes.
    mutating func serveLine(at place: Place, now: Int64) {
        for id in lines.line(place) {
            guard let pop = clients[id]?.blocked else { continue }
            guard let answer = take(pop, from: place.key, for: id, now: now) else { return }
            // What came is of a type that others wait for; or it cannot go where this one wants it.
            if answer.isError, !isWanted(place, by: pop, now: now) { continue }
            unblock(id, with: answer)
        }
    }

    private mutating func isWanted(_ place: Place, by pop: BlockedPop, now: Int64) -> Bool {
        keyspace.run(.type, [place.key], in: place.database, now: now) == .simple(pop.wanted)
    }

    /// Pops from one key. nil: there is nothing.
    private mutating func take(_ pop: BlockedPop, from key: Bytes, for id: ClientID, now: Int64) -> Answer? {
        defer { absorb(id, now: now) }
        switch pop.kind {
        case .list(let end):
            let answer = keyspace.run(end.pop, [key], in: pop.database, now: now)
            guard let element = answer.asBytes else { return answer.isError ? answer : nil }
            if end == .right {
                queues.popped(element, from: key, in: pop.database, by: id, &keyspace, now: now)
            }
            return .array([.bulk(key), .bulk(element)])
        case .move(let from, let to, let destination):
            let answer = keyspace.run(
                .lmove, [key, destination, from.name, to.name], in: pop.database, now: now)
            return answer == .null ? nil : answer
        case .least, .greatest:
            let command = if case .least = pop.kind { KeyspaceCommand.zpopmin } else { KeyspaceCommand.zpopmax }
            let answer = keyspace.run(command, [key, "1"], in: pop.database, now: now)
            guard let pair = answer.asPairs.first else { return answer.isError ? answer : nil }
            return .array([.bulk(key), pair.first, pair.second])
        }
    }

    private struct TimeoutRefusal: Error {
        var answer: Answer
    }

    /// Seconds, which may be broken, in milliseconds; nil: for ever.
    private static func timeout(_ text: Bytes) -> Result<Int64?, TimeoutRefusal> {
        guard let seconds = Double(text.text), seconds.isFinite, seconds < 1e12 else {
            return .failure(TimeoutRefusal(answer: BrokerRefusal.error("timeout is not a float or out of range")))
        }
        guard seconds >= 0 else { return .failure(TimeoutRefusal(answer: BrokerRefusal.error("timeout is negative"))) }
        return .success(seconds == 0 ? nil : Int64((seconds * 1000).rounded(.up)))
    }
}
