extension Keyspace {
    mutating func string(_ call: Call) throws(CommandRefusal) -> Answer {
        switch call.command {
        case .get: return try bulk(readString(call.key, call))
        case .set: return try set(call, options: SetOptions(call, from: 2))
        case .setex: return try setWithExpiry(call, unit: .seconds)
        case .psetex: return try setWithExpiry(call, unit: .milliseconds)
        case .setnx: return setIfAbsent(call)
        case .getset:
            let old = try readString(call.key, call)
            perform(.set(call[1], expiry: nil), on: call.key, call)
            return bulk(old)
        case .getdel:
            let old = try readString(call.key, call)
            if old != nil { perform(.remove, on: call.key, call) }
            return bulk(old)
        case .getex: return try getAndExpire(call)
        case .mget: return .array(call.arguments.map { (try? readString($0, call)).map(Answer.bulk) ?? .null })
        case .mset, .msetnx: return try setMany(call)
        case .append: return try append(call)
        case .strlen: return .integer(Int64(try readString(call.key, call)?.count ?? 0))
        case .incr: return try count(call, by: 1)
        case .decr: return try count(call, by: -1)
        case .incrby: return try count(call, by: call.integer(1))
        case .decrby:
            let step = try call.integer(1)
            guard step != Int64.min else { throw CommandRefusal("decrement would overflow") }
            return try count(call, by: -step)
        case .incrbyfloat: return try countFloat(call)
        case .getrange: return try range(call)
        case .setrange: return try overwrite(call)
        default: throw .syntax
        }
    }

    private func bulk(_ value: Bytes?) -> Answer { value.map(Answer.bulk) ?? .null }

    // MARK: - Setting

    private mutating func set(_ call: Call, options: SetOptions) throws(CommandRefusal) -> Answer {
        let expiry = try options.expiry(call)
        let old = options.answersOld ? bulk(try readString(call.key, call)) : nil
        switch options.condition {
        case .ifAbsent where exists(call.key, call): return old ?? .null
        case .ifPresent where !exists(call.key, call): return old ?? .null
        default: break
        }
        let kept = options.keepsExpiry ? self.expiry(of: call.key, call) : Database.never
        perform(.set(call[1], expiry: expiry ?? (kept == Database.never ? nil : kept)), on: call.key, call)
        return old ?? .ok
    }

    private mutating func setWithExpiry(_ call: Call, unit: ExpiryUnit) throws(CommandRefusal) -> Answer {
        let expiry = try call.expiry(call[1], unit: unit, isAbsolute: false)
        perform(.set(call[2], expiry: expiry), on: call.key, call)
        return .ok
    }

    private mutating func setIfAbsent(_ call: Call) -> Answer {
        guard !exists(call.key, call) else { return .integer(0) }
        perform(.set(call[1], expiry: nil), on: call.key, call)
        return .integer(1)
    }

    private mutating func setMany(_ call: Call) throws(CommandRefusal) -> Answer {
        guard call.count % 2 == 0 else { throw call.wrongArgumentCount }
        let keys = call.command.keys(in: call.arguments)
        let isConditional = call.command == .msetnx
        if isConditional, keys.contains(where: { exists($0, call) }) { return .integer(0) }
        for (index, key) in keys.enumerated() { perform(.set(call[2 * index + 1], expiry: nil), on: key, call) }
        return isConditional ? .integer(1) : .ok
    }

    private mutating func getAndExpire(_ call: Call) throws(CommandRefusal) -> Answer {
        let options = try SetOptions(call, from: 1)
        guard let value = try readString(call.key, call) else { return .null }
        if let expiry = try options.expiry(call) {
            perform(expiry <= call.now ? .remove : .expire(expiry), on: call.key, call)
        } else if options.persists, expiry(of: call.key, call) != Database.never {
            perform(.expire(nil), on: call.key, call)
        }
        return .bulk(value)
    }

    // MARK: - Parts

    private mutating func append(_ call: Call) throws(CommandRefusal) -> Answer {
        let length = (try readString(call.key, call)?.count ?? 0) + call[1].count
        guard length <= longestString else { throw .tooLong }
        perform(.append(call[1]), on: call.key, call)
        return .integer(Int64(length))
    }

    private mutating func overwrite(_ call: Call) throws(CommandRefusal) -> Answer {
        let start = try call.place(1)
        guard start >= 0 else { throw CommandRefusal("offset is out of range") }
        let length = try readString(call.key, call)?.count ?? 0
        guard !call[2].isEmpty else { return .integer(Int64(length)) }
        guard start <= longestString - call[2].count else { throw .tooLong }
        perform(.overwrite(at: start, with: call[2]), on: call.key, call)
        return .integer(Int64(max(length, start + call[2].count)))
    }

    private mutating func range(_ call: Call) throws(CommandRefusal) -> Answer {
        let (first, last) = (try call.place(1), try call.place(2))
        guard let value = try readString(call.key, call) else { return .bulk("") }
        // Redis asks this before it counts from the end, so an end far before the beginning is the beginning.
        if first < 0, last < 0, first > last { return .bulk("") }
        let start = max(first < 0 ? first + value.count : first, 0)
        let end = min(max(last < 0 ? last + value.count : last, 0), value.count - 1)
        guard start <= end else { return .bulk("") }
        return .bulk(Bytes(Array(value.array[start...end])))
    }

    // MARK: - Counting

    private mutating func count(_ call: Call, by step: Int64) throws(CommandRefusal) -> Answer {
        var number: Int64 = 0
        if let text = try readString(call.key, call) {
            guard let old = NumberText.integer(text) else { throw .notAnInteger }
            number = old
        }
        let (sum, overflows) = number.addingReportingOverflow(step)
        guard !overflows else { throw .overflow }
        replace(call, with: Bytes(String(sum)))
        return .integer(sum)
    }

    private mutating func countFloat(_ call: Call) throws(CommandRefusal) -> Answer {
        var number: Wide = 0
        if let text = try readString(call.key, call) {
            guard let old = NumberText.wide(text) else { throw .notAFloat }
            number = old
        }
        guard let step = NumberText.wide(call[1]) else { throw .notAFloat }
        guard (number + step).isFinite else { throw .notFinite }
        let text = NumberText.text(number + step)
        replace(call, with: text)
        return .bulk(text)
    }

    /// A new value under the same expiry.
    private mutating func replace(_ call: Call, with value: Bytes) {
        let expiry = expiry(of: call.key, call)
        perform(.set(value, expiry: expiry == Database.never ? nil : expiry), on: call.key, call)
    }
}
