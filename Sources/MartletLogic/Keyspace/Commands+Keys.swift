extension Keyspace {
    mutating func key(_ call: Call) throws(CommandRefusal) -> Answer {
        switch call.command {
        case .del, .unlink: return count(call) { keyspace, key in keyspace.removeKey(key, call) }
        case .exists, .touch: return count(call) { keyspace, key in keyspace.exists(key, call) }
        case .type: return .simple(stored(call.key, call)?.typeName ?? "none")
        case .expire: return try expire(call, unit: .seconds, isAbsolute: false)
        case .pexpire: return try expire(call, unit: .milliseconds, isAbsolute: false)
        case .expireat: return try expire(call, unit: .seconds, isAbsolute: true)
        case .pexpireat: return try expire(call, unit: .milliseconds, isAbsolute: true)
        case .ttl: return expiry(call) { Self.seconds($0 - call.now) }
        case .pttl: return expiry(call) { $0 - call.now }
        case .expiretime: return expiry(call) { Self.seconds($0) }
        case .pexpiretime: return expiry(call) { $0 }
        case .persist:
            guard expiry(of: call.key, call) != Database.never else { return .integer(0) }
            perform(.expire(nil), on: call.key, call)
            return .integer(1)
        case .rename, .renamenx: return try rename(call)
        case .copy: return try copy(call)
        case .move: return try move(call)
        case .object: return try object(call)
        default: return try wholeDatabase(call)
        }
    }

    private mutating func count(_ call: Call, where isCounted: (inout Keyspace, Bytes) -> Bool) -> Answer {
        var counted: Int64 = 0
        for key in call.arguments where isCounted(&self, key) { counted += 1 }
        return .integer(counted)
    }

    private mutating func removeKey(_ key: Bytes, _ call: Call) -> Bool {
        guard exists(key, call) else { return false }
        perform(.remove, on: key, call)
        return true
    }

    private mutating func object(_ call: Call) throws(CommandRefusal) -> Answer {
        guard call.option(0) == "encoding" else {
            throw CommandRefusal("unknown subcommand '\(call[0].oneLine.prefix(128))'. Try OBJECT HELP.")
        }
        guard call.count == 2 else { throw CommandRefusal("wrong number of arguments for 'object|encoding' command") }
        return stored(call[1], call).map { .bulk($0.encodingName) } ?? .null
    }

    // MARK: - Time

    private mutating func expiry(_ call: Call, _ shown: (Int64) -> Int64) -> Answer {
        guard exists(call.key, call) else { return .integer(-2) }
        let expiry = expiry(of: call.key, call)
        return .integer(expiry == Database.never ? -1 : shown(expiry))
    }

    /// Rounded to the nearest; no sum, as there may be no larger number.
    private static func seconds(_ milliseconds: Int64) -> Int64 {
        milliseconds / 1000 + (milliseconds % 1000 >= 500 ? 1 : 0)
    }

    private mutating func expire(_ call: Call, unit: ExpiryUnit, isAbsolute: Bool) throws(CommandRefusal) -> Answer {
        let condition = try ExpireCondition(call)
        let expiry = try call.expiry(call.integer(1), unit: unit, isAbsolute: isAbsolute)
        guard exists(call.key, call), condition.admits(expiry, instead: self.expiry(of: call.key, call)) else {
            return .integer(0)
        }
        perform(expiry <= call.now ? .remove : .expire(expiry), on: call.key, call)
        return .integer(1)
    }

    // MARK: - Other places

    private mutating func rename(_ call: Call) throws(CommandRefusal) -> Answer {
        let isConditional = call.command == .renamenx
        guard exists(call.key, call) else { throw .noSuchKey }
        if call.key == call[1] { return isConditional ? .integer(0) : .ok }
        if exists(call[1], call), isConditional { return .integer(0) }
        perform(.move(toDatabase: call.database, key: call[1]), on: call.key, call)
        return isConditional ? .integer(1) : .ok
    }

    private mutating func copy(_ call: Call) throws(CommandRefusal) -> Answer {
        var target = call.database
        var replaces = false
        var index = 2
        while index < call.count {
            switch call.option(index) {
            case "replace": replaces = true
            case "db" where index + 1 < call.count:
                target = try databaseNumber(call, index + 1)
                index += 1
            default: throw .syntax
            }
            index += 1
        }
        guard target != call.database || call.key != call[1] else { throw .sameObject }
        guard exists(call.key, call), find(call[1], in: target, now: call.now) == nil || replaces else {
            return .integer(0)
        }
        perform(.copy(toDatabase: target, key: call[1]), on: call.key, call)
        return .integer(1)
    }

    private mutating func move(_ call: Call) throws(CommandRefusal) -> Answer {
        let target = try databaseNumber(call, 1)
        guard target != call.database else { throw .sameObject }
        guard exists(call.key, call), find(call.key, in: target, now: call.now) == nil else { return .integer(0) }
        perform(.move(toDatabase: target, key: call.key), on: call.key, call)
        return .integer(1)
    }

    /// The number of a database that clients may see.
    private func databaseNumber(_ call: Call, _ index: Int) throws(CommandRefusal) -> Int {
        let number = try call.place(index)
        guard Int32(exactly: number) != nil else { throw .outOfRange(Int(Int32.min), Int(Int32.max)) }
        guard (0..<Self.databaseCount).contains(number) else { throw .databaseOutOfRange }
        return number
    }
}

/// `NX`, `XX`, `GT` and `LT` of the `EXPIRE` family.
private struct ExpireCondition {
    private var ifNone = false
    private var ifAny = false
    private var ifLater = false
    private var ifSooner = false

    init(_ call: Call) throws(CommandRefusal) {
        for index in 2..<call.count {
            switch call.option(index) {
            case "nx": ifNone = true
            case "xx": ifAny = true
            case "gt": ifLater = true
            case "lt": ifSooner = true
            default: throw CommandRefusal("Unsupported option \(call[index].oneLine)")
            }
        }
        if ifNone, ifAny || ifLater || ifSooner {
            throw CommandRefusal("NX and XX, GT or LT options at the same time are not compatible")
        }
        if ifLater, ifSooner { throw CommandRefusal("GT and LT options at the same time are not compatible") }
    }

    func admits(_ expiry: Int64, instead old: Int64) -> Bool {
        if ifNone { return old == Database.never }
        if ifAny, old == Database.never { return false }
        // A key that never ends counts as one that ends last.
        if ifLater { return expiry > old }
        return !ifSooner || expiry < old
    }
}

extension Database.Stored {
    /// What Redis would call the form in memory, told by the present content.
    fileprivate var encodingName: Bytes {
        switch self {
        case .string(let value):
            NumberText.integer(value) != nil ? "int" : value.count <= 44 ? "embstr" : "raw"
        case .list: "quicklist"
        case .hash(let table):
            isSmall(table.count) && table.entries.allSatisfy { isShort($0.key) && isShort($0.value) }
                ? "listpack" : "hashtable"
        case .set(let table):
            table.count <= 512 && table.entries.allSatisfy { NumberText.integer($0.key) != nil }
                ? "intset" : "hashtable"
        case .sortedSet(let sorted):
            isSmall(sorted.count) && sorted.table.entries.allSatisfy { isShort($0.key) } ? "listpack" : "skiplist"
        }
    }

    private func isSmall(_ count: Int) -> Bool { count <= 128 }
    private func isShort(_ bytes: Bytes) -> Bool { bytes.count <= 64 }
}
