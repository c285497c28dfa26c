extension Keyspace {
    /// The whole data as mutations that build it anew in an empty keyspace, none of them much larger than `size` bytes
    /// (but a single element that is). A copy of the keyspace costs nothing until one of both changes: walk the copy.
    public func forEachMutation<Failure: Error>(
        size: Int = 1 << 20, _ body: (Mutation) throws(Failure) -> Void
    ) throws(Failure) {
        for database in databases.indices {
            for entry in databases[database].items.entries {
                let expiry = entry.value.expiry == Database.never ? nil : entry.value.expiry
                if case .string(let value) = entry.value.stored {
                    try body(Mutation(database: database, key: entry.key, change: .set(value, expiry: expiry)))
                    continue
                }
                try forEachPart(of: entry.value.stored, size: size) { change throws(Failure) in
                    try body(Mutation(database: database, key: entry.key, change: change))
                }
                if let expiry { try body(Mutation(database: database, key: entry.key, change: .expire(expiry))) }
            }
        }
    }

    private func forEachPart<Failure: Error>(
        of stored: Database.Stored, size: Int, _ body: (Mutation.Change) throws(Failure) -> Void
    ) throws(Failure) {
        switch stored {
        case .string: break
        case .list(let ring):
            for part in ring.parts(of: size, \.count) { try body(.push(part, .right)) }
        case .hash(let table):
            let fields = table.entries.lazy.map { Mutation.Field($0.key, $0.value) }
            for part in fields.parts(of: size, { $0.name.count + $0.value.count }) { try body(.setFields(part)) }
        case .set(let table):
            for part in table.entries.lazy.map(\.key).parts(of: size, \.count) { try body(.addMembers(part)) }
        case .sortedSet(let sorted):
            let scored = sorted.table.entries.lazy.map { Mutation.Scored($0.key, $0.value.score) }
            for part in scored.parts(of: size, \.member.count) { try body(.score(part)) }
        }
    }
}

extension Sequence {
    /// The elements in arrays of about `size` bytes, one at a time. A few bytes for each length are counted in.
    fileprivate func parts(of size: Int, _ weight: @escaping (Element) -> Int) -> some Sequence<[Element]> {
        var rest = makeIterator()
        return AnyIterator {
            var part: [Element] = []
            var taken = 0
            while taken < size, let element = rest.next() {
                part.append(element)
                taken += weight(element) + 16
            }
            return part.isEmpty ? nil : part
        }
    }
}
