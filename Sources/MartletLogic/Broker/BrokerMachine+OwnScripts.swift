/// Martlet's own scripts, natively: each does what its Lua does (`OwnScript.text`), and has the queues' keeper know it.
extension BrokerMachine {
    mutating func run(
        _ script: OwnScript, keys: [Bytes], _ arguments: ArraySlice<Bytes>, of id: ClientID, in database: Int,
        now: Int64
    ) -> Answer {
        guard let leases = LeaseKeys(keys, client: id, database: database, now: now) else {
            return BrokerRefusal.error("Martlet's scripts need five keys")
        }
        switch script {
        case .take: return take(arguments, from: keys.dropFirst(LeaseKeys.count), leases)
        case .finish: return finish(arguments, leases)
        case .tell: return tell(arguments, leases)
        case .renew: return renew(arguments, leases)
        case .giveBack: return giveBack(arguments, leases)
        case .bury: return bury(arguments, leases)
        case .withdraw: return withdraw(arguments, keys.dropFirst(LeaseKeys.count), leases)
        case .restore: return restore(arguments, leases)
        case .rate: return rate(arguments, keys.dropFirst(LeaseKeys.count), leases)
        case .claim: return claim(arguments, keys.dropFirst(LeaseKeys.count), leases)
        case .free: return free(arguments, keys.dropFirst(LeaseKeys.count), leases)
        case .enter: return enter(arguments, keys.dropFirst(LeaseKeys.count), leases)
        }
    }

    mutating func run(_ command: KeyspaceCommand, _ arguments: [Bytes], _ leases: LeaseKeys) -> Answer {
        keyspace.run(command, arguments, in: leases.database, now: leases.now)
    }

    mutating func isMine(_ tag: Bytes, _ lease: Bytes, _ leases: LeaseKeys) -> Bool {
        let (database, now) = (leases.database, leases.now)
        return keyspace.field(tag, of: leases.leases, in: database, now: now) == lease
            && keyspace.field(tag, of: leases.unacked, in: database, now: now) != nil
    }

    /// Messages are no longer taken.
    ///
    /// - Parameter tags: Each once.
    private mutating func letGo(_ tags: [Bytes], _ leases: LeaseKeys) {
        guard !tags.isEmpty else { return }
        let (database, now) = (leases.database, leases.now)
        keyspace.unscore(tags, in: leases.index, of: database, now: now)
        keyspace.remove(fields: tags, of: leases.unacked, in: database, now: now)
        keyspace.remove(fields: tags, of: leases.leases, in: database, now: now)
    }

    /// The answers to the arguments, so many of which belong together.
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

    // MARK: Ending

    private mutating func finish(_ arguments: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
        var answers: [Answer] = []
        var done: [Bytes] = []
        var seen: Set<Bytes> = []
        var rest = arguments
        while !rest.isEmpty {
            guard rest.count >= 8, let count = NumberText.integer(rest[rest.startIndex + 7]),
                0...Int64(rest.count) ~= count, rest.count >= 8 + 2 * Int(count)
            else { return BrokerRefusal.syntax }
            let group = Array(rest.prefix(8 + 2 * Int(count)))
            rest = rest.dropFirst(group.count)
            let tag = group[0]
            guard !seen.contains(tag), isMine(tag, group[1], leases) else {
                answers.append(.integer(0))
                continue
            }
            if let refusal = publish(group[8...], leases) ?? storeResult(group, leases) {
                answers.append(refusal)
                continue
            }
            if !group[5].isEmpty { _ = freeUnique(group[5], of: group[6], leases) }
            seen.insert(tag)
            done.append(tag)
            answers.append(.integer(1))
        }
        letGo(done, leases)
        return .array(answers)
    }

    /// Lists and messages by turns. Why one was refused: then none was pushed, for all of them are told again.
    private mutating func publish(_ messages: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer? {
        let places = stride(from: messages.startIndex, to: messages.endIndex, by: 2)
        if messages.count > 2 {
            for place in places {
                let length = run(.llen, [messages[place]], leases)
                if length.isError { return length }
                let refusal = queues.refusal(of: messages[place + 1], on: messages[place], in: leases.database)
                if let refusal { return refusal }
            }
        }
        for place in places {
            let pushed = pushOnList(
                .lpush, [messages[place], messages[place + 1]], in: leases.database, now: leases.now)
            if pushed.isError { return pushed }
        }
        return nil
    }

    /// Stores and announces the result in a group of `finish`, if there is one. Why that was refused.
    private mutating func storeResult(_ group: [Bytes], _ leases: LeaseKeys) -> Answer? {
        guard !group[2].isEmpty, state(of: group[2], leases) != "SUCCESS" else { return nil }
        return store(group[2], group[3], group[4], leases)
    }

    private mutating func store(
        _ key: Bytes, _ seconds: Bytes, _ result: Bytes, _ leases: LeaseKeys
    ) -> Answer? {
        let stored =
            seconds == "0" ? run(.set, [key, result], leases) : run(.setex, [key, seconds, result], leases)
        guard !stored.isError else { return stored }
        _ = publish(result, on: key)
        return nil
    }

    private static let resultOpenings = [#"{"status": ""#, #"{"status":""#].map { Array($0.utf8) }

    /// The name of the state that is stored: Celery and Martlet write it first.
    private mutating func state(of key: Bytes, _ leases: LeaseKeys) -> Bytes? {
        guard let text = keyspace.string(of: key, in: leases.database, now: leases.now) else { return nil }
        let beginning = text.array.prefix(64)
        for opening in Self.resultOpenings {
            guard beginning.starts(with: opening) else { continue }
            let rest = beginning.dropFirst(opening.count)
            return rest.firstIndex(of: UInt8(ascii: "\"")).map { Bytes(rest[..<$0]) }
        }
        return nil
    }

    private mutating func tell(_ arguments: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
        answers(arguments, by: 6) { machine, group in
            let group = Array(group)
            guard group[0].isEmpty || machine.isMine(group[0], group[1], leases) else { return .integer(0) }
            if let state = machine.state(of: group[2], leases) {
                let staying = group[5].array.split(separator: UInt8(ascii: " "))
                if staying.contains(where: { $0.elementsEqual(state.array) }) { return .integer(0) }
            }
            return machine.store(group[2], group[3], group[4], leases) ?? .integer(1)
        }
    }

    private mutating func renew(_ arguments: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
        answers(arguments, by: 2) { machine, group in
            let (tag, lease) = (group[group.startIndex], group[group.startIndex + 1])
            guard machine.isMine(tag, lease, leases) else { return .integer(0) }
            _ = machine.run(.zadd, [leases.index, leases.time, tag], leases)
            machine.queues.renewed(Place(database: leases.database, key: tag), by: leases.client)
            return .integer(1)
        }
    }

    private mutating func giveBack(_ arguments: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
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

    private mutating func bury(_ arguments: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
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

    /// On the list, or kept back from it until its time.
    private mutating func withdraw(
        _ arguments: ArraySlice<Bytes>, _ lists: ArraySlice<Bytes>, _ leases: LeaseKeys
    ) -> Answer {
        guard let list = lists.first else { return BrokerRefusal.error("the script needs a list") }
        return answers(arguments, by: 5) { machine, group in
            let group = Array(group)
            var removed = machine.run(.lrem, [list, "-1", group[4]], leases)
            if removed == .integer(0) {
                removed = machine.keyspace.run(
                    .zrem, [HiddenKey.held(list), group[4]], in: QueueKeeper.hidden(leases.database), now: leases.now)
            }
            guard removed == .integer(1) else { return removed }
            let place = Place(database: leases.database, key: group[0])
            machine.queues.forgetFailures(place, &machine.keyspace, now: leases.now)
            guard !group[1].isEmpty, machine.state(of: group[1], leases) != "SUCCESS" else { return removed }
            return machine.store(group[1], group[2], group[3], leases) ?? removed
        }
    }

    // MARK: Returning

    /// Looks at so many of the messages that were taken first.
    private static let lookedAt = 10_000

    private mutating func restore(_ arguments: ArraySlice<Bytes>, _ leases: LeaseKeys) -> Answer {
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
