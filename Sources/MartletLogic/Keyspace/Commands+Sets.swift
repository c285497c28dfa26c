extension Keyspace {
    mutating func set(_ call: Call) throws(CommandRefusal) -> Answer {
        switch call.command {
        case .sadd:
            let members = Array(call.arguments[1...])
            let new = try readSet(call.key, call) { table in members.unique { table.find($0) == nil } }
                ?? members.unique { _ in true }
            if !new.isEmpty { perform(.addMembers(new), on: call.key, call) }
            return .integer(Int64(new.count))
        case .srem:
            let members = Array(call.arguments[1...])
            let here = try readSet(call.key, call) { table in members.unique { table.find($0) != nil } } ?? []
            if !here.isEmpty { perform(.removeMembers(here), on: call.key, call) }
            return .integer(Int64(here.count))
        case .smembers: return .set(try readSet(call.key, call, \.members)?.map(Answer.bulk) ?? [])
        case .sismember: return .integer(try isMember(call[1], of: call.key, call) ? 1 : 0)
        case .smismember:
            let members = call.arguments[1...]
            let found = try readSet(call.key, call) { table in members.map { Int64(table.find($0) == nil ? 0 : 1) } }
            return .array((found ?? members.map { _ in 0 }).map(Answer.integer))
        case .scard: return .integer(Int64(try readSet(call.key, call, \.count) ?? 0))
        case .spop: return try popMembers(call)
        case .srandmember: return try chooseMembers(call)
        case .sscan: return try scanMembers(call)
        case .sunion, .sinter, .sdiff: return try combine(call)
        case .smove: return try moveMember(call)
        default: throw .syntax
        }
    }

    private mutating func isMember(_ member: Bytes, of key: Bytes, _ call: Call) throws(CommandRefusal) -> Bool {
        try readSet(key, call) { $0.find(member) != nil } ?? false
    }

    private mutating func moveMember(_ call: Call) throws(CommandRefusal) -> Answer {
        guard exists(call.key, call) else { return .integer(0) }
        let isHere = try isMember(call[2], of: call.key, call)
        let isThere = try isMember(call[2], of: call[1], call)
        guard isHere else { return .integer(0) }
        guard call.key != call[1] else { return .integer(1) }
        perform(.removeMembers([call[2]]), on: call.key, call)
        if !isThere { perform(.addMembers([call[2]]), on: call[1], call) }
        return .integer(1)
    }

    private mutating func scanMembers(_ call: Call) throws(CommandRefusal) -> Answer {
        let cursor = try call.cursor(1)
        guard try readSet(call.key, call, \.isEmpty) != nil else { return .scanned([], next: 0) }
        let options = try ScanOptions(call, from: 2)
        let answer = try readSet(call.key, call) { table in
            let (places, next) = table.scan(from: cursor, count: options.count)
            let found = places.map { table.entries[$0].key }.filter(options.admits)
            return Answer.scanned(found.map(Answer.bulk), next: next)
        }
        return answer ?? .scanned([], next: 0)
    }

    // MARK: - By chance

    /// How many members `SRANDMEMBER` with a negative count answers at most: a short command must not fill the memory.
    private static let mostRepeated = 1 << 20

    private mutating func popMembers(_ call: Call) throws(CommandRefusal) -> Answer {
        guard call.count <= 2 else { throw .syntax }
        let limit = call.count > 1 ? try call.positive(1) : nil
        let popped = try choose(Swift.max(limit ?? 1, 0), call)
        if !popped.isEmpty { perform(.removeMembers(popped), on: call.key, call) }
        guard limit == nil else { return .set(popped.map(Answer.bulk)) }
        return popped.first.map(Answer.bulk) ?? .null
    }

    private mutating func chooseMembers(_ call: Call) throws(CommandRefusal) -> Answer {
        guard call.count <= 2 else { throw .syntax }
        guard call.count > 1 else { return try choose(1, call).first.map(Answer.bulk) ?? .null }
        let count = try call.place(1)
        guard count >= -Self.mostRepeated else { throw .outOfRange(-Self.mostRepeated, Int.max) }
        guard count < 0 else { return .array(try choose(count, call).map(Answer.bulk)) }
        // A negative count asks for so many throws of the dice: members may come again.
        var random = random
        let chosen = try readSet(call.key, call) { table in
            (0..<(-count)).map { _ in
                Answer.bulk(table.entries[.random(in: table.entries.indices, using: &random)].key)
            }
        }
        self.random = random
        return .array(chosen ?? [])
    }

    /// So many different members, or all when there are no more.
    private mutating func choose(_ count: Int, _ call: Call) throws(CommandRefusal) -> [Bytes] {
        var random = random
        let chosen = try readSet(call.key, call) { table -> [Bytes] in
            guard count < table.count else { return table.members }
            // Floyd's way: each place is thrown once, and one that was taken already is replaced by the newest.
            var taken = Set<Int>()
            return (table.count - count..<table.count).map { newest in
                let place = Int.random(in: 0...newest, using: &random)
                let chosen = taken.insert(place).inserted ? place : newest
                taken.insert(chosen)
                return table.entries[chosen].key
            }
        }
        self.random = random
        return chosen ?? []
    }

    // MARK: - Of several sets

    private mutating func combine(_ call: Call) throws(CommandRefusal) -> Answer {
        var sets: [Table<Blank>] = []
        for key in call.arguments { sets.append(try readSet(key, call) { $0 } ?? Table()) }
        let first = sets[0].members
        let others = sets.dropFirst()
        let members: [Bytes] =
            switch call.command {
            case .sunion: sets.flatMap(\.members).unique { _ in true }
            case .sinter: first.filter { member in others.allSatisfy { $0.find(member) != nil } }
            default: first.filter { member in others.allSatisfy { $0.find(member) == nil } }
            }
        return .set(members.map(Answer.bulk))
    }
}

extension Table<Blank> {
    fileprivate var members: [Bytes] { entries.map(\.key) }
}
