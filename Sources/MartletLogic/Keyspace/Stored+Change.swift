extension Database.Stored {
    var isEmptyCollection: Bool {
        switch self {
        case .string: false
        case .list(let ring): ring.isEmpty
        case .hash(let table): table.isEmpty
        case .set(let table): table.isEmpty
        case .sortedSet(let sorted): sorted.isEmpty
        }
    }

    // Each of these takes the value out of the enum while it changes, so that it has one owner and is not copied. They
    // answer by how many bytes it grew; nil, and nothing changed, when it holds something else or the change fails.

    mutating func changeString(_ body: (inout [UInt8]) -> Int?) -> Int? {
        guard case .string(let value) = self else { return nil }
        self = .string(Bytes())
        var bytes = value.array
        defer { self = .string(Bytes(bytes)) }
        return body(&bytes)
    }

    mutating func changeList(_ body: (inout Ring) -> Int?) -> Int? {
        guard case .list(var ring) = self else { return nil }
        self = .string(Bytes())
        defer { self = .list(ring) }
        return body(&ring)
    }

    mutating func changeHash(_ body: (inout Table<Bytes>) -> Int?) -> Int? {
        guard case .hash(var table) = self else { return nil }
        self = .string(Bytes())
        defer { self = .hash(table) }
        return body(&table)
    }

    mutating func changeSet(_ body: (inout Table<Blank>) -> Int?) -> Int? {
        guard case .set(var table) = self else { return nil }
        self = .string(Bytes())
        defer { self = .set(table) }
        return body(&table)
    }

    mutating func changeSortedSet(_ body: (inout SortedSet) -> Int?) -> Int? {
        guard case .sortedSet(var sorted) = self else { return nil }
        self = .string(Bytes())
        defer { self = .sortedSet(sorted) }
        return body(&sorted)
    }
}

extension Ring {
    /// - Returns: by how many bytes it grew; nil, and nothing changed, when the change does not fit.
    mutating func apply(_ change: Mutation.Change) -> Int? {
        switch change {
        case .push(let elements, let end):
            for element in elements { push(element, at: end) }
            return elements.reduce(0) { $0 + Weight.element($1) }
        case .pop(let wanted, let end):
            guard wanted <= count else { return nil }
            return (0..<wanted).reduce(0) { grown, _ in grown - (pop(end).map(Weight.element) ?? 0) }
        case .setElement(let index, let element):
            guard indices.contains(index) else { return nil }
            let grown = Weight.element(element) - Weight.element(self[index])
            self[index] = element
            return grown
        case .insertElement(let index, let element):
            guard index <= count else { return nil }
            insert(element, at: index)
            return Weight.element(element)
        case .removeElements(let element, let limit, let end):
            let places = places(of: element, limit: limit, from: end)
            remove(at: places)
            return -places.count * Weight.element(element)
        case .keepElements(let first, let kept):
            guard first <= count, kept <= count - first else { return nil }
            var grown = 0
            for _ in 0..<(count - first - kept) { grown -= pop(.right).map(Weight.element) ?? 0 }
            for _ in 0..<first { grown -= pop(.left).map(Weight.element) ?? 0 }
            return grown
        default: return nil
        }
    }
}

extension Table<Bytes> {
    /// - Returns: by how many bytes it grew; nil, and nothing changed, when the change does not fit.
    mutating func apply(_ change: Mutation.Change) -> Int? {
        var grown = 0
        switch change {
        case .setFields(let fields):
            for field in fields {
                if let place = find(field.name) {
                    grown += Weight.of(field.value) - Weight.of(entries[place].value)
                    entries[place].value = field.value
                } else {
                    grown += Weight.field(field.name, field.value)
                    insert(field.name, field.value)
                }
            }
        case .removeFields(let names):
            for name in names {
                guard let place = find(name) else { continue }
                grown -= Weight.field(name, entries[place].value)
                remove(at: place)
            }
        default: return nil
        }
        return grown
    }
}

extension Table<Blank> {
    /// - Returns: by how many bytes it grew; nil, and nothing changed, when the change does not fit.
    mutating func apply(_ change: Mutation.Change) -> Int? {
        var grown = 0
        switch change {
        case .addMembers(let members):
            for member in members where find(member) == nil {
                insert(member, Blank())
                grown += Weight.member(member)
            }
        case .removeMembers(let members):
            for member in members {
                guard let place = find(member) else { continue }
                remove(at: place)
                grown -= Weight.member(member)
            }
        default: return nil
        }
        return grown
    }
}

extension SortedSet {
    /// - Returns: by how many bytes it grew; nil, and nothing changed, when the change does not fit.
    mutating func apply(_ change: Mutation.Change) -> Int? {
        var grown = 0
        switch change {
        case .score(let elements):
            for element in elements where set(element.member, score: element.score) {
                grown += Weight.scored(element.member)
            }
        case .unscore(let members):
            for member in members where remove(member) { grown -= Weight.scored(member) }
        default: return nil
        }
        return grown
    }
}
