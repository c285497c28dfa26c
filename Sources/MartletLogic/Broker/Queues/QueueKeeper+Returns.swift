import MartletBase

extension QueueKeeper {
    /// A connection is gone. What it was given and never wrote down goes back, and what its worker had taken, when it
    /// was the last of that worker.
    mutating func left(_ client: ClientID, _ keyspace: inout Keyspace, now: Int64) {
        giveBackLimbo(limbo(of: client), isFailure: true, &keyspace, now: now)
        leave(workers.left(client), isFailure: true, &keyspace, now: now)
    }

    /// What was taken goes back, in pieces when it is much: what comes later is still taken, and acknowledged as ever.
    mutating func leave(_ places: [Place], isFailure: Bool, _ keyspace: inout Keyspace, now: Int64) {
        guard !places.isEmpty else { return }
        let ordered = places.compactMap { place in rooms[place.database].taken[place.key].map { (place, $0.order) } }
            .sorted { $0.1 < $1.1 }
        leaving = ordered.map { (place: $0.0, isFailure: isFailure) } + leaving
        leaveOn(&keyspace, now: now)
    }

    mutating func leaveOn(_ keyspace: inout Keyspace, now: Int64) {
        var room = policy.bytesAtOnce
        while room > 0, let first = leaving.last {
            var places: [Place] = []
            while room > 0, let next = leaving.last, next.isFailure == first.isFailure {
                leaving.removeLast()
                guard let taken = rooms[next.place.database].taken[next.place.key], !workers.isHeld(next.place) else {
                    continue
                }
                room -= Int(
                    keyspace.run(.hstrlen, [taken.hash, next.place.key], in: next.place.database, now: now).asInteger)
                places.append(next.place)
            }
            giveBackTaken(places, isFailure: first.isFailure, &keyspace, now: now)
        }
    }

    /// Messages in limbo go back to where they were popped, the last one first: the oldest is served first again.
    mutating func giveBackLimbo(_ places: [Place], isFailure: Bool, _ keyspace: inout Keyspace, now: Int64) {
        let ordered = places.compactMap { place in rooms[place.database].limbo[place.key].map { (place, $0) } }
            .sorted { $0.1.order > $1.1.order }
        for (place, limbo) in ordered {
            forgetLimbo(place, &keyspace, now: now)
            giveBack(limbo.message, place, to: limbo.list, isFailure: isFailure, &keyspace, now: now)
        }
        tell(ordered.map(\.0))
    }

    /// Messages that were taken go back, marked as delivered before.
    mutating func giveBackTaken(_ places: [Place], isFailure: Bool, _ keyspace: inout Keyspace, now: Int64) {
        let ordered = places.compactMap { place in rooms[place.database].taken[place.key].map { (place, $0) } }
            .sorted { $0.1.order > $1.1.order }
        for (place, taken) in ordered {
            rooms[place.database].taken[place.key] = nil
            workers.gave(place)
            forgetList(place, &keyspace, now: now)
            let note = keyspace.run(.hget, [taken.hash, place.key], in: place.database, now: now).asBytes
            _ = keyspace.run(.hdel, [taken.hash, place.key], in: place.database, now: now)
            let leases = Self.key(OwnScript.leases, beside: taken.hash)
            _ = keyspace.run(.hdel, [leases, place.key], in: place.database, now: now)
            if let index = taken.index, !index.isEmpty {
                _ = keyspace.run(.zrem, [index, place.key], in: place.database, now: now)
            }
            guard let message = note.flatMap(reader.taken) else { continue }
            giveBack(
                reader.redelivered(message), place, to: taken.list, isFailure: isFailure, &keyspace, now: now)
        }
        tell(ordered.map(\.0))
    }

    /// The consumer of a message that went back wants it after all: it is taken off its list, unless somebody else has
    /// it by now. Its list.
    mutating func recall(_ place: Place, _ keyspace: inout Keyspace, now: Int64) -> Bytes? {
        guard let returned = rooms[place.database].returned.removeValue(forKey: place.key) else { return nil }
        let (list, message) = (returned.list, returned.message)
        if keyspace.run(.lrem, [list, "-1", message], in: place.database, now: now).asInteger > 0 { return list }
        let held = [HiddenKey.held(list), message]
        return keyspace.run(.zrem, held, in: Self.hidden(place.database), now: now).asInteger > 0 ? list : nil
    }

    /// Fields are removed from a hash: a consumer that lost its connections acknowledges what went back meanwhile.
    mutating func acknowledgesLate(
        _ fields: some Sequence<Bytes>, in database: Int, _ keyspace: inout Keyspace, now: Int64
    ) {
        guard !rooms[database].returned.isEmpty else { return }
        for field in fields {
            let place = Place(database: database, key: field)
            if recall(place, &keyspace, now: now) != nil { forgetFailures(place, &keyspace, now: now) }
        }
    }

    // MARK: Failures

    /// One more delivery of a message failed. Whether it may be served again.
    mutating func countFailure(_ place: Place, _ keyspace: inout Keyspace, now: Int64) -> Bool {
        let failures = rooms[place.database].failures[place.key, default: 0] + 1
        guard failures < policy.maximumDeliveries else { return false }
        rooms[place.database].failures[place.key] = failures
        _ = keyspace.run(
            .hset, [HiddenKey.failures, place.key, Bytes("\(failures)")], in: Self.hidden(place.database), now: now)
        return true
    }

    mutating func forgetFailures(_ place: Place, _ keyspace: inout Keyspace, now: Int64) {
        guard !rooms[place.database].failures.isEmpty,
            rooms[place.database].failures.removeValue(forKey: place.key) != nil
        else { return }
        _ = keyspace.run(.hdel, [HiddenKey.failures, place.key], in: Self.hidden(place.database), now: now)
    }

    /// Puts a message aside, on a list that looks like a queue: a worker may be told to consume it, or an operator
    /// moves its messages back. They then count as new ones.
    mutating func bury(_ message: Bytes, _ place: Place, from list: Bytes, _ keyspace: inout Keyspace, now: Int64) {
        forgetFailures(place, &keyspace, now: now)
        let queue = rooms[place.database].bindings.queue(of: list)
        _ = keyspace.run(.lpush, [Self.deadLetters(of: queue), message], in: place.database, now: now)
        var task = ""
        if case .message(let read) = reader.read(message) { task = read.task }
        notes.append(.deadLettered(queue: queue, task: task, deliveries: policy.maximumDeliveries))
    }

    /// Where the dead letters of a queue are.
    static func deadLetters(of queue: Bytes) -> Bytes { Bytes(queue.array + Array(".dead".utf8)) }

    private mutating func giveBack(
        _ message: Bytes, _ place: Place, to list: Bytes, isFailure: Bool, _ keyspace: inout Keyspace, now: Int64
    ) {
        let mayLive = !isFailure || countFailure(place, &keyspace, now: now)
        if mayLive, isFailure, let delay = delay(place),
            hold(message, until: now + delay, for: list, in: place.database, &keyspace, now: now)
        {
            return remember(message, place, list)
        }
        guard mayLive, !keyspace.run(.rpush, [list, message], in: place.database, now: now).isError else {
            // Too often, or something else is under the list's name now.
            return bury(message, place, from: list, &keyspace, now: now)
        }
        remember(message, place, list)
    }

    private mutating func remember(_ message: Bytes, _ place: Place, _ list: Bytes) {
        if rooms[place.database].returned.count >= QueueRoom.maximumReturned {
            rooms[place.database].returned.removeAll()
        }
        rooms[place.database].returned[place.key] = QueueRoom.Returned(list: list, message: message)
    }

    /// How long a message that failed must wait, in milliseconds; nil: not at all. The same message waits as long in
    /// every run.
    private func delay(_ place: Place) -> Int64? {
        let failures = rooms[place.database].failures[place.key, default: 0]
        guard failures >= policy.failuresBeforeDelay else { return nil }
        let doublings = min(failures - policy.failuresBeforeDelay, 20)
        let delay = min(policy.firstDelayMilliseconds << Int64(doublings), policy.longestDelayMilliseconds)
        let share = Int64(FNV1a.of(place.key.text + "\(failures)") % 1024)
        return delay / 2 + delay * share / 1024
    }

    private mutating func tell(_ places: [Place]) {
        for (database, group) in Dictionary(grouping: places, by: \.database).sorted(by: { $0.key < $1.key }) {
            notes.append(.returned(count: group.count, database: database))
        }
    }
}
