/// Martlet's own scripts, natively: each does what its Lua does (`OwnScript.text`), and has the queues' keeper know it.
extension BrokerMachine {
    mutating func run(
        _ script: OwnScript, keys: [Bytes], _ arguments: ArraySlice<Bytes>, of id: ClientID, in database: Int,
        now: Int64
    ) -> Answer {
        guard let leases = Leases(keys, client: id, database: database, now: now) else {
            return BrokerRefusal.error("Martlet's scripts need five keys")
        }
        switch script {
        case .take: return take(arguments, from: keys.dropFirst(Leases.keyCount), leases)
        case .finish: return finish(arguments, leases)
        case .renew: return renew(arguments, leases)
        case .giveBack: return giveBack(arguments, leases)
        case .bury: return bury(arguments, leases)
        case .restore: return restore(arguments, leases)
        }
    }

    /// Where leases are, and who asks.
    private struct Leases {
        static let keyCount = 5

        let unacked: Bytes
        let index: Bytes
        let leases: Bytes
        let counter: Bytes
        let client: ClientID
        let database: Int
        /// Milliseconds since 1970.
        let now: Int64

        init?(_ keys: [Bytes], client: ClientID, database: Int, now: Int64) {
            guard keys.count >= Self.keyCount else { return nil }
            (unacked, index, leases, counter) = (keys[0], keys[1], keys[2], keys[3])
            self.client = client
            self.database = database
            self.now = now
        }

        /// As kombu writes times.
        var time: Bytes { NumberText.text(Double(now) / 1000) }
    }

    private mutating func run(_ command: KeyspaceCommand, _ arguments: [Bytes], _ leases: Leases) -> Answer {
        keyspace.run(command, arguments, in: leases.database, now: leases.now)
    }

    private mutating func isMine(_ tag: Bytes, _ lease: Bytes, _ leases: Leases) -> Bool {
        run(.hget, [leases.leases, tag], leases) == .bulk(lease)
            && run(.hexists, [leases.unacked, tag], leases) == .integer(1)
    }

    /// Messages are no longer taken.
    private mutating func letGo(_ tags: [Bytes], _ leases: Leases) {
        guard !tags.isEmpty else { return }
        _ = run(.zrem, [leases.index] + tags, leases)
        _ = run(.hdel, [leases.unacked] + tags, leases)
        _ = run(.hdel, [leases.leases] + tags, leases)
    }

    /// Asks each group of arguments for its answer; nil: they are no such groups.
    private mutating func answers(
        _ arguments: ArraySlice<Bytes>, by size: Int, _ answer: (inout BrokerMachine, ArraySlice<Bytes>) -> Answer
    ) -> Answer {
        guard arguments.count.isMultiple(of: size) else { return BrokerRefusal.syntax }
        var answers: [Answer] = []
        for start in stride(from: arguments.startIndex, to: arguments.endIndex, by: size) {
            answers.append(answer(&self, arguments[start..<(start + size)]))
        }
        return .array(answers)
    }

    // MARK: Taking

    /// What one take of many messages may be long, in bytes: it is one record of the journal, and one answer.
    private static let takenBytes = 8 << 20

    private mutating func take(
        _ arguments: ArraySlice<Bytes>, from lists: ArraySlice<Bytes>, _ leases: Leases
    ) -> Answer {
        guard let wanted = arguments.first.flatMap(NumberText.integer) else { return BrokerRefusal.notInteger }
        var (rest, room) = (Int(clamping: wanted), Self.takenBytes)
        var lease: Int64?
        var answer: [Answer] = []
        var refusal: Answer?
        for (place, list) in lists.enumerated() {
            while rest > 0, room > 0 {
                let popped = run(.rpop, [list, Bytes("\(min(rest, 16))")], leases)
                if popped.isError { refusal = refusal ?? popped }
                let messages = read(popped.asList, from: list, leases)
                guard !messages.isEmpty else {
                    if popped.asList.isEmpty { break }
                    continue
                }
                let number = lease ?? run(.incr, [leases.counter], leases).asInteger
                lease = number
                writeDown(messages, from: list, lease: number, leases)
                if answer.isEmpty { answer.append(.integer(number)) }
                for (bytes, message) in messages {
                    let deliveries = queues.leased(
                        message, from: list, in: leases.database, hash: leases.unacked, index: leases.index,
                        by: leases.client, &keyspace, now: leases.now)
                    answer += [
                        .integer(Int64(place + 1)), .bulk(message.tag), .integer(Int64(deliveries)), .bulk(bytes),
                    ]
                    room -= bytes.count
                }
                rest -= messages.count
            }
        }
        return answer.isEmpty ? refusal ?? .array([]) : .array(answer)
    }

    /// What is no message is put aside: it must not stand in the way of others, nor be lost.
    private mutating func read(
        _ popped: [Bytes], from list: Bytes, _ leases: Leases
    ) -> [(bytes: Bytes, message: BrokerMessage)] {
        popped.compactMap { bytes in
            if case .message(let message) = queues.reader.read(bytes) { return (bytes, message) }
            let place = Place(database: leases.database, key: "")
            queues.bury(bytes, place, from: list, &keyspace, now: leases.now)
            return nil
        }
    }

    private mutating func writeDown(
        _ messages: [(bytes: Bytes, message: BrokerMessage)], from list: Bytes, lease: Int64, _ leases: Leases
    ) {
        let text = Bytes(LeaseText.of(lease, list: list))
        var (scores, notes, tokens) = ([leases.index], [leases.unacked], [leases.leases])
        for (bytes, message) in messages {
            scores += [leases.time, message.tag]
            notes += [message.tag, queues.reader.reservation(bytes, message)]
            tokens += [message.tag, text]
        }
        _ = run(.zadd, scores, leases)
        _ = run(.hset, notes, leases)
        _ = run(.hset, tokens, leases)
    }

    // MARK: Ending

    private mutating func finish(_ arguments: ArraySlice<Bytes>, _ leases: Leases) -> Answer {
        var answers: [Answer] = []
        var done: [Bytes] = []
        var seen: Set<Bytes> = []
        var rest = arguments
        while !rest.isEmpty {
            guard rest.count >= 6, let count = NumberText.integer(rest[rest.startIndex + 5]),
                0...Int64(rest.count) ~= count, rest.count >= 6 + 2 * Int(count)
            else { return BrokerRefusal.syntax }
            let group = Array(rest.prefix(6 + 2 * Int(count)))
            rest = rest.dropFirst(group.count)
            let tag = group[0]
            guard !seen.contains(tag), isMine(tag, group[1], leases) else {
                answers.append(.integer(0))
                continue
            }
            if let refusal = publish(group[6...], leases) ?? storeResult(group, leases) {
                answers.append(refusal)
                continue
            }
            seen.insert(tag)
            done.append(tag)
            answers.append(.integer(1))
        }
        letGo(done, leases)
        return .array(answers)
    }

    /// Lists and messages by turns. Why one was refused.
    private mutating func publish(_ messages: ArraySlice<Bytes>, _ leases: Leases) -> Answer? {
        for place in stride(from: messages.startIndex, to: messages.endIndex, by: 2) {
            let pushed = pushOnList(
                .lpush, [messages[place], messages[place + 1]], in: leases.database, now: leases.now)
            if pushed.isError { return pushed }
        }
        return nil
    }

    /// Stores and announces the result in a group of `finish`, if there is one. Why that was refused.
    private mutating func storeResult(_ group: [Bytes], _ leases: Leases) -> Answer? {
        let (key, seconds, result) = (group[2], group[3], group[4])
        guard !key.isEmpty, !isSuccess(key, leases) else { return nil }
        let stored =
            seconds == "0" ? run(.set, [key, result], leases) : run(.setex, [key, seconds, result], leases)
        guard !stored.isError else { return stored }
        _ = publish(result, on: key)
        return nil
    }

    /// Whether a success is stored: Celery and Martlet write the state first.
    private mutating func isSuccess(_ key: Bytes, _ leases: Leases) -> Bool {
        guard let beginning = run(.getrange, [key, "0", "63"], leases).asBytes else { return false }
        return [#""status": "SUCCESS""#, #""status":"SUCCESS""#].contains { beginning.text.contains($0) }
    }

    private mutating func renew(_ arguments: ArraySlice<Bytes>, _ leases: Leases) -> Answer {
        answers(arguments, by: 2) { machine, group in
            let (tag, lease) = (group[group.startIndex], group[group.startIndex + 1])
            guard machine.isMine(tag, lease, leases) else { return .integer(0) }
            _ = machine.run(.zadd, [leases.index, leases.time, tag], leases)
            machine.queues.renewed(Place(database: leases.database, key: tag), by: leases.client)
            return .integer(1)
        }
    }

    private mutating func giveBack(_ arguments: ArraySlice<Bytes>, _ leases: Leases) -> Answer {
        answers(arguments, by: 4) { machine, group in
            let (tag, lease) = (group[group.startIndex], group[group.startIndex + 1])
            let (push, message) = (group[group.startIndex + 2], group[group.startIndex + 3])
            guard let list = LeaseText.list(lease), machine.isMine(tag, lease, leases) else { return .integer(0) }
            machine.letGo([tag], leases)
            machine.absorb(leases.client, now: leases.now)
            let place = Place(database: leases.database, key: tag)
            machine.queues.forgetList(place, &machine.keyspace, now: leases.now)
            let pushed = machine.pushOnList(
                push == "LPUSH" ? .lpush : .rpush, [list, message], in: leases.database, now: leases.now)
            if pushed.isError { machine.queues.bury(message, place, from: list, &machine.keyspace, now: leases.now) }
            return .integer(1)
        }
    }

    private mutating func bury(_ arguments: ArraySlice<Bytes>, _ leases: Leases) -> Answer {
        answers(arguments, by: 3) { machine, group in
            let (tag, lease) = (group[group.startIndex], group[group.startIndex + 1])
            guard let list = LeaseText.list(lease), machine.isMine(tag, lease, leases) else { return .integer(0) }
            machine.letGo([tag], leases)
            let place = Place(database: leases.database, key: tag)
            machine.queues.bury(
                group[group.startIndex + 2], place, from: list, &machine.keyspace, now: leases.now)
            return .integer(1)
        }
    }

    // MARK: Returning

    /// Looks at so many of the messages that were taken first.
    private static let lookedAt = 10_000

    private mutating func restore(_ arguments: ArraySlice<Bytes>, _ leases: Leases) -> Answer {
        let numbers = arguments.compactMap(NumberText.integer)
        guard numbers.count == 3, arguments.count == 3 else { return BrokerRefusal.notInteger }
        let end = NumberText.text(Double(leases.now / 1000) - Double(numbers[0]))
        let overdue = run(
            .zrangebyscore, [leases.index, "-inf", end, "LIMIT", "0", Bytes("\(Self.lookedAt)")], leases)
        var lapsed: [(tag: Bytes, list: Bytes)] = []
        // What workers of Celery's took returns when their connections are gone.
        for tag in overdue.asList where lapsed.count < numbers[2] {
            guard let lease = run(.hget, [leases.leases, tag], leases).asBytes, let list = LeaseText.list(lease)
            else { continue }
            lapsed.append((tag, list))
        }
        queues.lapsed(
            lapsed, in: leases.database, hash: leases.unacked, index: leases.index, &keyspace, now: leases.now)
        return .integer(Int64(lapsed.count))
    }
}
