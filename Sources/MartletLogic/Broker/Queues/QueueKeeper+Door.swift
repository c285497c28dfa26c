extension QueueKeeper {
    /// What becomes of a push.
    enum Admission: Sendable {
        /// Push these, which may be none; so many others wait for their time, or are dead letters.
        case push([Bytes], kept: Int)
        case refuse(Answer)
    }

    /// Looks at what is pushed on a list: messages that workers could not read are refused, those whose time has not
    /// come are kept back.
    ///
    /// - Parameters:
    ///   - values: what is to be pushed.
    ///   - isAtTail: where producers push, and where a worker puts a message that it rejects.
    mutating func admit(
        _ values: [Bytes], to list: Bytes, isAtTail: Bool, in database: Int, _ keyspace: inout Keyspace, now: Int64
    ) -> Admission {
        let isQueue = rooms[database].bindings.isQueue(list)
        var messages: [(value: Bytes, message: BrokerMessage?)] = []
        for value in values {
            switch look(at: value, on: list, isQueue: isQueue) {
            case .fit(let message): messages.append((value, message))
            case .refuse(let refusal): return .refuse(refusal)
            }
        }
        let pushed = messages.filter { value, message in
            guard let message, message.isTask else { return true }
            if let eta = message.eta, eta > now {
                return !hold(value, until: eta, for: list, in: database, &keyspace, now: now)
            }
            return !buries(value, message, list: list, isAtTail: isAtTail, in: database, &keyspace, now: now)
        }
        return .push(pushed.map(\.value), kept: messages.count - pushed.count)
    }

    /// Why a message would not be let in; nil: it would.
    func refusal(of value: Bytes, on list: Bytes, in database: Int) -> Answer? {
        let isQueue = rooms[database].bindings.isQueue(list)
        return if case .refuse(let refusal) = look(at: value, on: list, isQueue: isQueue) { refusal } else { nil }
    }

    private enum Look {
        /// nil: no message of Celery's, on a list of somebody else's.
        case fit(BrokerMessage?)
        case refuse(Answer)
    }

    private func look(at value: Bytes, on list: Bytes, isQueue: Bool) -> Look {
        // Cheap for lists that have nothing to do with Celery.
        guard isQueue || value.array.first == UInt8(ascii: "{") else { return .fit(nil) }
        switch reader.read(value) {
        case .broken(let flaw): return .refuse(BrokerRefusal.message(list, flaw))
        case .foreign(let flaw): return isQueue ? .refuse(BrokerRefusal.message(list, flaw)) : .fit(nil)
        case .message(let message):
            guard value.count <= policy.maximumMessageBytes else {
                let flaw = "it is longer than \(policy.maximumMessageBytes) bytes"
                return .refuse(BrokerRefusal.message(list, flaw))
            }
            return .fit(message)
        }
    }

    /// A worker rejects a message: it removed it from what it had taken, and pushes it where the youngest are. It did
    /// not say why; when it does so again and again, the message is at fault.
    private mutating func buries(
        _ value: Bytes, _ message: BrokerMessage, list: Bytes, isAtTail: Bool, in database: Int,
        _ keyspace: inout Keyspace, now: Int64
    ) -> Bool {
        let place = Place(database: database, key: message.tag)
        guard acknowledged.remove(place) != nil, isAtTail, message.isRedelivered else { return false }
        forgetList(place, &keyspace, now: now)
        guard !countFailure(place, &keyspace, now: now) else { return false }
        bury(value, place, from: list, &keyspace, now: now)
        return true
    }

    // MARK: Until their time

    /// Keeps a message back. False: it could not be.
    mutating func hold(
        _ message: Bytes, until eta: Int64, for list: Bytes, in database: Int, _ keyspace: inout Keyspace, now: Int64
    ) -> Bool {
        let answer = keyspace.run(
            .zadd, [HiddenKey.held(list), Bytes("\(eta)"), message], in: Self.hidden(database), now: now)
        guard !answer.isError else { return false }
        if rooms[database].held[list].map({ eta < $0 }) ?? true {
            rooms[database].held[list] = eta
            due.insert(Place(database: database, key: list), at: eta)
        }
        return true
    }

    /// Pushes messages whose time has come on their lists, as many as `limit`, and not too many bytes of them.
    mutating func serveDue(_ keyspace: inout Keyspace, now: Int64, limit: Int = 512) {
        var (rest, room) = (limit, policy.bytesAtOnce)
        while rest > 0, room > 0, let place = due.take(until: now) {
            // Notes of an earlier first message are still in the heap when another one took its place.
            guard let earliest = rooms[place.database].held[place.key], earliest <= now else { continue }
            let held = HiddenKey.held(place.key)
            let hidden = Self.hidden(place.database)
            let messages = keyspace.run(
                .zrangebyscore, [held, "-inf", Bytes("\(now)"), "LIMIT", "0", Bytes("\(rest)")], in: hidden, now: now
            ).asList
            rest -= messages.count
            for message in messages where room > 0 {
                room -= message.count
                _ = keyspace.run(.zrem, [held, message], in: hidden, now: now)
                if keyspace.run(.lpush, [place.key, message], in: place.database, now: now).isError {
                    bury(message, place, from: place.key, &keyspace, now: now)
                }
            }
            lookForNext(place, &keyspace, now: now)
        }
    }

    /// Finds the first of those that wait for a list.
    mutating func lookForNext(_ place: Place, _ keyspace: inout Keyspace, now: Int64) {
        let first = keyspace.run(
            .zrange, [HiddenKey.held(place.key), "0", "0", "WITHSCORES"], in: Self.hidden(place.database), now: now)
        let eta = first.asPairs.first?.second.asDouble.map { Int64($0) }
        rooms[place.database].held[place.key] = eta
        if let eta { due.insert(place, at: eta) }
    }

    /// Lists are deleted: what waits for them goes, too.
    mutating func purge(_ lists: [Bytes], in database: Int, _ keyspace: inout Keyspace, now: Int64) -> Int {
        var count = 0
        for list in lists where rooms[database].held.removeValue(forKey: list) != nil {
            let held = HiddenKey.held(list)
            count += Int(keyspace.run(.zcard, [held], in: Self.hidden(database), now: now).asInteger)
            _ = keyspace.run(.del, [held], in: Self.hidden(database), now: now)
        }
        return count
    }
}
