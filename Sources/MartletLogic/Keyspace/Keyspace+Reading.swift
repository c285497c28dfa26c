extension Keyspace {
    /// What a key holds now; nil when there is none.
    mutating func stored(_ key: Bytes, _ call: Call) -> Database.Stored? {
        find(key, in: call.database, now: call.now).map { databases[call.database].items.entries[$0].value.stored }
    }

    mutating func exists(_ key: Bytes, _ call: Call) -> Bool { find(key, in: call.database, now: call.now) != nil }

    /// When a key ends; `Database.never` too when there is none.
    mutating func expiry(of key: Bytes, _ call: Call) -> Int64 {
        find(key, in: call.database, now: call.now).map { databases[call.database].items.entries[$0].value.expiry }
            ?? Database.never
    }

    mutating func readString(_ key: Bytes, _ call: Call) throws(CommandRefusal) -> Bytes? {
        guard let stored = stored(key, call) else { return nil }
        guard case .string(let value) = stored else { throw .wrongType }
        return value
    }

    // Each of these lends a collection for reading, no longer than that: a change made while somebody else holds it too
    // would copy it first. They answer nil when there is no such key.

    mutating func readList<R>(_ key: Bytes, _ call: Call, _ read: (Ring) -> R) throws(CommandRefusal) -> R? {
        guard let stored = stored(key, call) else { return nil }
        guard case .list(let ring) = stored else { throw .wrongType }
        return read(ring)
    }

    mutating func readHash<R>(_ key: Bytes, _ call: Call, _ read: (Table<Bytes>) -> R) throws(CommandRefusal) -> R? {
        guard let stored = stored(key, call) else { return nil }
        guard case .hash(let table) = stored else { throw .wrongType }
        return read(table)
    }

    mutating func readSet<R>(_ key: Bytes, _ call: Call, _ read: (Table<Blank>) -> R) throws(CommandRefusal) -> R? {
        guard let stored = stored(key, call) else { return nil }
        guard case .set(let table) = stored else { throw .wrongType }
        return read(table)
    }

    mutating func readSortedSet<R>(_ key: Bytes, _ call: Call, _ read: (SortedSet) -> R) throws(CommandRefusal) -> R? {
        guard let stored = stored(key, call) else { return nil }
        guard case .sortedSet(let sorted) = stored else { throw .wrongType }
        return read(sorted)
    }

    /// Makes a change of a key of the call's database and appends it.
    mutating func perform(_ change: Mutation.Change, on key: Bytes, _ call: Call) {
        perform(change, on: key, in: call.database)
    }
}
