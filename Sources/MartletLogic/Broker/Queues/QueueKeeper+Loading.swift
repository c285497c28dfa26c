extension QueueKeeper {
    /// Reads its notes after a start. What was in limbo goes back at once: nobody can write it down any more. What was
    /// taken waits a while for its worker to come back.
    mutating func load(_ keyspace: inout Keyspace, now: Int64) {
        for database in 0..<Keyspace.databaseCount {
            loadBindings(database, &keyspace, now: now)
            let hidden = Self.hidden(database)
            guard keyspace.count(in: hidden) > 0 else { continue }
            for (tag, count) in fields(of: HiddenKey.failures, in: hidden, &keyspace, now: now) {
                rooms[database].failures[tag] = Int(count.text)
            }
            for key in keyspace.run(.keys, [HiddenKey.heldPattern], in: hidden, now: now).asList.sorted() {
                lookForNext(
                    Place(database: database, key: HiddenKey.list(ofHeld: key)), &keyspace, now: now)
            }
            loadTaken(database, &keyspace, now: now)
            returnLimbo(database, &keyspace, now: now)
        }
        if rooms.contains(where: { !$0.taken.isEmpty }) { graceEnd = now + policy.returnGraceMilliseconds }
    }

    /// Gives back what was taken before the start and is nobody's.
    mutating func endGrace(_ keyspace: inout Keyspace, now: Int64) {
        guard let end = graceEnd, end <= now else { return }
        graceEnd = nil
        for database in rooms.indices {
            let orphans = rooms[database].taken.keys.map { Place(database: database, key: $0) }
                .filter { !workers.isHeld($0) }
            leave(orphans, isFailure: false, &keyspace, now: now)
        }
    }

    private mutating func loadBindings(_ database: Int, _ keyspace: inout Keyspace, now: Int64) {
        guard keyspace.count(in: database) > 0 else { return }
        for key in keyspace.run(.keys, ["*_kombu.binding.*"], in: database, now: now).asList {
            let members = keyspace.run(.smembers, [key], in: database, now: now).asList
            rooms[database].bindings.add(members, to: key)
        }
    }

    private mutating func returnLimbo(_ database: Int, _ keyspace: inout Keyspace, now: Int64) {
        var places: [Place] = []
        for (tag, packed) in fields(of: HiddenKey.limbo, in: Self.hidden(database), &keyspace, now: now) {
            guard let parts = Record.unpack(packed, 2) else { continue }
            rooms[database].limbo[tag] = QueueRoom.Limbo(
                list: parts[0], message: parts[1], owner: ClientID(0), order: nextOrder())
            places.append(Place(database: database, key: tag))
        }
        giveBackLimbo(places, isFailure: false, &keyspace, now: now)
    }

    private mutating func loadTaken(_ database: Int, _ keyspace: inout Keyspace, now: Int64) {
        let noted = Dictionary(
            fields(of: HiddenKey.lists, in: Self.hidden(database), &keyspace, now: now)) { first, _ in first }
        rooms[database].noted = Set(noted.keys)
        for (hash, index) in fields(of: HiddenKey.hashes, in: Self.hidden(database), &keyspace, now: now) {
            rooms[database].hashes[hash] = index
            // In the order in which they were taken, as far as the index tells it.
            let byTime = keyspace.run(.zrange, [index, "0", "-1"], in: database, now: now).asList
            let places = Dictionary(byTime.enumerated().map { ($1, $0) }) { first, _ in first }
            let entries = fields(of: hash, in: database, &keyspace, now: now)
                .sorted { (places[$0.0] ?? .max, $0.0) < (places[$1.0] ?? .max, $1.0) }
            for (tag, note) in entries {
                guard let list = noted[tag] ?? usualList(of: note, in: hash) else { continue }
                rooms[database].taken[tag] = QueueRoom.Taken(
                    list: list, hash: hash, index: index, order: nextOrder())
            }
        }
    }

    /// Where a taken message came from, as far as it tells that itself.
    private func usualList(of note: Bytes, in hash: Bytes) -> Bytes? {
        guard let message = reader.taken(note), case .message(let read) = reader.read(message) else { return nil }
        return read.usualList.map { Self.key($0, beside: hash) }
    }

    /// What stands before the names of all keys (`global_keyprefix`).
    private static func prefix(of hash: Bytes) -> ArraySlice<UInt8> {
        let name = Array("unacked".utf8)
        return hash.array.suffix(name.count).elementsEqual(name) ? hash.array.dropLast(name.count) : []
    }

    /// The key of that name, with what stands before the hash's own.
    static func key(_ name: Bytes, beside hash: Bytes) -> Bytes { Bytes(prefix(of: hash) + name.array) }

    private func fields(
        of key: Bytes, in database: Int, _ keyspace: inout Keyspace, now: Int64
    ) -> [(Bytes, Bytes)] {
        keyspace.run(.hgetall, [key], in: database, now: now).asPairs.compactMap { pair in
            guard let name = pair.first.asBytes, let value = pair.second.asBytes else { return nil }
            return (name, value)
        }
    }
}
