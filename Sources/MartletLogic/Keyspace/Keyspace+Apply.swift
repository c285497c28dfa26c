extension Keyspace {
    /// Makes a change that another keyspace made. It appends no mutation.
    ///
    /// - Returns: false, and nothing changed, when it does not fit the data (a push onto a string): the mutations
    ///   before it are not all here.
    @discardableResult
    public mutating func apply(_ mutation: Mutation) -> Bool {
        let database = mutation.database
        let key = mutation.key
        guard databases.indices.contains(database) else { return false }
        switch mutation.change {
        case .set(let value, let expiry):
            replace(key, in: database, with: .string(value), bytes: Weight.of(value), expiry: expiry ?? Database.never)
            return true
        case .append, .overwrite: return changeString(mutation)
        case .expire(let expiry):
            guard let place = databases[database].items.find(key) else { return false }
            databases[database].expire(place, at: expiry ?? Database.never)
            return true
        case .remove: return remove(key, in: database)
        case .move(let target, let name):
            return copy(key, in: database, to: name, in: target) && remove(key, in: database)
        case .copy(let target, let name): return copy(key, in: database, to: name, in: target)
        case .clear:
            bytes -= databases[database].items.entries.reduce(0) { $0 + $1.value.bytes }
            databases[database] = Database()
            return true
        case .swap(let other):
            guard databases.indices.contains(other) else { return false }
            databases.swapAt(database, other)
            return true
        case .push, .pop, .setElement, .insertElement, .removeElements, .keepElements: return changeList(mutation)
        case .setFields, .removeFields: return changeHash(mutation)
        case .addMembers, .removeMembers: return changeSet(mutation)
        case .score, .unscore: return changeSortedSet(mutation)
        }
    }

    // MARK: - Whole keys

    private mutating func replace(
        _ key: Bytes, in database: Int, with stored: Database.Stored, bytes weight: Int, expiry: Int64
    ) {
        let weight = weight + Weight.key(key)
        if let place = databases[database].items.find(key) {
            bytes += weight - databases[database].items.entries[place].value.bytes
            databases[database].items.entries[place].value.stored = stored
            databases[database].items.entries[place].value.bytes = weight
            if databases[database].items.entries[place].value.expiry != expiry {
                databases[database].expire(place, at: expiry)
            }
        } else {
            bytes += weight
            databases[database].items.insert(key, Database.Item(stored: stored, bytes: weight))
            if expiry != Database.never {
                databases[database].expire(databases[database].items.count - 1, at: expiry)
            }
        }
    }

    private mutating func remove(_ key: Bytes, in database: Int) -> Bool {
        guard let place = databases[database].items.find(key) else { return false }
        bytes -= databases[database].items.entries[place].value.bytes
        databases[database].remove(at: place)
        return true
    }

    private mutating func copy(_ key: Bytes, in database: Int, to name: Bytes, in target: Int) -> Bool {
        guard databases.indices.contains(target), database != target || key != name,
            let place = databases[database].items.find(key)
        else { return false }
        let item = databases[database].items.entries[place].value
        replace(name, in: target, with: item.stored, bytes: item.bytes - Weight.key(key), expiry: item.expiry)
        return true
    }

    // MARK: - Inside a key

    /// Lets a change work on what a key holds, or on what `empty` gives for a key that is not there; a collection that
    /// is empty then takes its key with it.
    ///
    /// - Parameter body: answers by how many bytes the value grew; nil, and nothing changed, when it does not fit.
    private mutating func change(
        _ mutation: Mutation, orCreate empty: Database.Stored?, _ body: (inout Database.Stored) -> Int?
    ) -> Bool {
        let database = mutation.database
        guard let place = databases[database].items.find(mutation.key) else {
            guard var stored = empty, let grown = body(&stored), !stored.isEmptyCollection else { return false }
            replace(mutation.key, in: database, with: stored, bytes: grown, expiry: Database.never)
            return true
        }
        guard let grown = body(&databases[database].items.entries[place].value.stored) else { return false }
        if databases[database].items.entries[place].value.stored.isEmptyCollection {
            return remove(mutation.key, in: database)
        }
        databases[database].items.entries[place].value.bytes += grown
        bytes += grown
        return true
    }

    private mutating func changeString(_ mutation: Mutation) -> Bool {
        let longest = longestString
        return change(mutation, orCreate: .string(Bytes())) { stored in
            stored.changeString { value in
                let before = Weight.ofBytes(value.count)
                switch mutation.change {
                case .append(let more): value += more.array
                case .overwrite(let start, let part):
                    guard start <= longest - part.count else { return nil }
                    let end = start + part.count
                    if value.count < end { value += repeatElement(0, count: end - value.count) }
                    value.replaceSubrange(start..<end, with: part.array)
                default: return nil
                }
                return Weight.ofBytes(value.count) - before
            }
        }
    }

    private mutating func changeList(_ mutation: Mutation) -> Bool {
        var empty: Database.Stored?
        if case .push = mutation.change { empty = .list(Ring()) }
        return change(mutation, orCreate: empty) { stored in stored.changeList { $0.apply(mutation.change) } }
    }

    private mutating func changeHash(_ mutation: Mutation) -> Bool {
        change(mutation, orCreate: .hash(Table())) { stored in stored.changeHash { $0.apply(mutation.change) } }
    }

    private mutating func changeSet(_ mutation: Mutation) -> Bool {
        change(mutation, orCreate: .set(Table())) { stored in stored.changeSet { $0.apply(mutation.change) } }
    }

    private mutating func changeSortedSet(_ mutation: Mutation) -> Bool {
        change(mutation, orCreate: .sortedSet(SortedSet())) { stored in
            stored.changeSortedSet { $0.apply(mutation.change) }
        }
    }
}
