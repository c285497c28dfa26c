/// The few steps that Martlet's own scripts take for every message: what the commands of the same effect do, without
/// their words and their answers. A key that holds something else is left alone.
extension Keyspace {
    /// What a key holds as a string; nil: nothing.
    mutating func string(of key: Bytes, in database: Int, now: Int64) -> Bytes? {
        lend(key, in: database, now: now) { if case .string(let value) = $0 { value } else { nil } }
    }

    /// A field of a hash; nil: there is none.
    mutating func field(_ name: Bytes, of key: Bytes, in database: Int, now: Int64) -> Bytes? {
        lend(key, in: database, now: now) { stored in
            guard case .hash(let table) = stored else { return nil }
            return table.find(name).map { table.entries[$0].value }
        }
    }

    /// - Parameter fields: Each name once.
    mutating func set(_ fields: [Mutation.Field], of key: Bytes, in database: Int, now: Int64) {
        let fits = lend(key, in: database, now: now) { if case .hash = $0 { true } else { false } }
        if fits ?? true { perform(.setFields(fields), on: key, in: database) }
    }

    /// - Parameter names: Each once.
    mutating func remove(fields names: [Bytes], of key: Bytes, in database: Int, now: Int64) {
        let here = lend(key, in: database, now: now) { stored -> [Bytes] in
            guard case .hash(let table) = stored else { return [] }
            return names.filter { table.find($0) != nil }
        }
        if let here, !here.isEmpty { perform(.removeFields(here), on: key, in: database) }
    }

    mutating func score(_ members: [Mutation.Scored], in key: Bytes, of database: Int, now: Int64) {
        let fits = lend(key, in: database, now: now) { if case .sortedSet = $0 { true } else { false } }
        if fits ?? true { perform(.score(members), on: key, in: database) }
    }

    /// - Parameter members: Each once.
    mutating func unscore(_ members: [Bytes], in key: Bytes, of database: Int, now: Int64) {
        let here = lend(key, in: database, now: now) { stored -> [Bytes] in
            guard case .sortedSet(let sorted) = stored else { return [] }
            return members.filter { sorted.score(of: $0) != nil }
        }
        if let here, !here.isEmpty { perform(.unscore(here), on: key, in: database) }
    }

    /// Lends what a key holds for reading, no longer than that; nil: there is no such key.
    private mutating func lend<R>(
        _ key: Bytes, in database: Int, now: Int64, _ read: (Database.Stored) -> R?
    ) -> R? {
        guard let place = find(key, in: database, now: now) else { return nil }
        return read(databases[database].items.entries[place].value.stored)
    }
}
