extension Keyspace {
    mutating func hash(_ call: Call) throws(CommandRefusal) -> Answer {
        switch call.command {
        case .hset, .hmset: return try setFields(call)
        case .hsetnx:
            guard try field(call[1], call) == nil else { return .integer(0) }
            perform(.setFields([Mutation.Field(call[1], call[2])]), on: call.key, call)
            return .integer(1)
        case .hget: return try field(call[1], call).map(Answer.bulk) ?? .null
        case .hmget:
            let names = call.arguments[1...]
            let values = try readHash(call.key, call) { table in names.map { table[$0].map(Answer.bulk) ?? .null } }
            return .array(values ?? names.map { _ in .null })
        case .hgetall:
            let pairs = try readHash(call.key, call) { table in
                table.entries.map { Answer.Pair(.bulk($0.key), .bulk($0.value)) }
            }
            return .map(pairs ?? [])
        case .hkeys: return .array(try readHash(call.key, call) { $0.entries.map { .bulk($0.key) } } ?? [])
        case .hvals: return .array(try readHash(call.key, call) { $0.entries.map { .bulk($0.value) } } ?? [])
        case .hdel: return try removeFields(call)
        case .hexists: return .integer(try field(call[1], call) == nil ? 0 : 1)
        case .hlen: return .integer(Int64(try readHash(call.key, call, \.count) ?? 0))
        case .hstrlen: return .integer(Int64(try field(call[1], call)?.count ?? 0))
        case .hincrby: return try countField(call)
        case .hincrbyfloat: return try countFloatField(call)
        case .hscan: return try scanFields(call)
        default: throw .syntax
        }
    }

    private mutating func field(_ name: Bytes, _ call: Call) throws(CommandRefusal) -> Bytes? {
        try readHash(call.key, call) { $0[name] }.flatMap { $0 }
    }

    private mutating func setFields(_ call: Call) throws(CommandRefusal) -> Answer {
        guard call.count % 2 == 1 else { throw call.wrongArgumentCount }
        let before = try readHash(call.key, call, \.count) ?? 0
        let fields = stride(from: 1, to: call.count, by: 2).map { Mutation.Field(call[$0], call[$0 + 1]) }
        perform(.setFields(fields), on: call.key, call)
        let after = try readHash(call.key, call, \.count) ?? 0
        return call.command == .hmset ? .ok : .integer(Int64(after - before))
    }

    private mutating func removeFields(_ call: Call) throws(CommandRefusal) -> Answer {
        let names = Array(call.arguments[1...])
        let here = try readHash(call.key, call) { table in names.unique { table.find($0) != nil } } ?? []
        if !here.isEmpty { perform(.removeFields(here), on: call.key, call) }
        return .integer(Int64(here.count))
    }

    private mutating func countField(_ call: Call) throws(CommandRefusal) -> Answer {
        let step = try call.integer(2)
        var number: Int64 = 0
        if let text = try field(call[1], call) {
            guard let old = NumberText.integer(text) else { throw CommandRefusal("hash value is not an integer") }
            number = old
        }
        let (sum, overflows) = number.addingReportingOverflow(step)
        guard !overflows else { throw .overflow }
        perform(.setFields([Mutation.Field(call[1], Bytes(String(sum)))]), on: call.key, call)
        return .integer(sum)
    }

    private mutating func countFloatField(_ call: Call) throws(CommandRefusal) -> Answer {
        guard let step = NumberText.wide(call[2]) else { throw .notAFloat }
        guard step.isFinite else { throw CommandRefusal("value is NaN or Infinity") }
        var number: Wide = 0
        if let text = try field(call[1], call) {
            guard let old = NumberText.wide(text) else { throw CommandRefusal("hash value is not a float") }
            number = old
        }
        guard (number + step).isFinite else { throw .notFinite }
        let text = NumberText.text(number + step)
        perform(.setFields([Mutation.Field(call[1], text)]), on: call.key, call)
        return .bulk(text)
    }

    private mutating func scanFields(_ call: Call) throws(CommandRefusal) -> Answer {
        let cursor = try call.cursor(1)
        guard try readHash(call.key, call, \.isEmpty) != nil else { return .scanned([], next: 0) }
        let options = try ScanOptions(call, from: 2)
        let answer = try readHash(call.key, call) { table in
            let (places, next) = table.scan(from: cursor, count: options.count)
            let found = places.map { table.entries[$0] }.filter { options.admits($0.key) }
            return Answer.scanned(found.flatMap { [.bulk($0.key), .bulk($0.value)] }, next: next)
        }
        return answer ?? .scanned([], next: 0)
    }
}

extension Table<Bytes> {
    fileprivate subscript(name: Bytes) -> Bytes? { find(name).map { entries[$0].value } }
}

extension [Bytes] {
    /// Those that are admitted, each once, in order.
    func unique(where isAdmitted: (Bytes) -> Bool) -> [Bytes] {
        guard count > 1 else { return filter(isAdmitted) }
        var seen = Set<Bytes>()
        return filter { isAdmitted($0) && seen.insert($0).inserted }
    }
}
