extension Keyspace {
    /// Commands on no key in particular.
    mutating func wholeDatabase(_ call: Call) throws(CommandRefusal) -> Answer {
        switch call.command {
        case .keys: return keys(call)
        case .scan: return try scan(call)
        case .randomkey: return randomKey(call)
        case .dbsize: return .integer(Int64(count(in: call.database)))
        case .flushdb:
            try checkFlushOption(call)
            clear(call.database)
            return .ok
        case .flushall:
            try checkFlushOption(call)
            for database in 0..<Self.databaseCount { clear(database) }
            return .ok
        case .swapdb: return try swap(call)
        default: throw .syntax
        }
    }

    private func checkFlushOption(_ call: Call) throws(CommandRefusal) {
        guard call.count == 0 || (call.count == 1 && ["async", "sync"].contains(call.option(0))) else { throw .syntax }
    }

    private mutating func clear(_ database: Int) {
        if !databases[database].items.isEmpty { perform(.clear, on: "", in: database) }
    }

    private mutating func swap(_ call: Call) throws(CommandRefusal) -> Answer {
        guard let first = NumberText.integer(call[0]) else { throw CommandRefusal("invalid first DB index") }
        guard let second = NumberText.integer(call[1]) else { throw CommandRefusal("invalid second DB index") }
        let ofClients = 0..<Int64(Self.databaseCount)
        guard ofClients.contains(first), ofClients.contains(second) else { throw .databaseOutOfRange }
        if first != second { perform(.swap(withDatabase: Int(second)), on: "", in: Int(first)) }
        return .ok
    }

    // MARK: - Looking through keys

    private mutating func keys(_ call: Call) -> Answer {
        let found = databases[call.database].items.entries.lazy.map(\.key).filter { Glob.matches($0, call[0]) }
        return .array(Array(found).filter { exists($0, call) }.map(Answer.bulk))
    }

    private mutating func scan(_ call: Call) throws(CommandRefusal) -> Answer {
        let cursor = try call.cursor(0)
        let options = try ScanOptions(call, from: 1)
        let (places, next) = databases[call.database].items.scan(from: cursor, count: options.count)
        let keys = places.map { databases[call.database].items.entries[$0].key }
        let found = keys.filter { key in
            guard options.admits(key), let stored = stored(key, call) else { return false }
            return options.typeName.map { $0 == stored.typeName } ?? true
        }
        return .scanned(found.map(Answer.bulk), next: next)
    }

    /// Keys whose time is over are removed on the way.
    private mutating func randomKey(_ call: Call) -> Answer {
        while !databases[call.database].items.isEmpty {
            let place = Int.random(in: 0..<databases[call.database].items.count, using: &random)
            let key = databases[call.database].items.entries[place].key
            if exists(key, call) { return .bulk(key) }
        }
        return .null
    }
}

/// `MATCH`, `COUNT` and `TYPE` of the `SCAN` family.
struct ScanOptions {
    private(set) var count = 10
    private(set) var typeName: String?
    private var pattern: Bytes?

    init(_ call: Call, from first: Int) throws(CommandRefusal) {
        for index in stride(from: first, to: call.count, by: 2) {
            let value = try call.value(after: index)
            switch call.option(index) {
            case "count":
                count = try call.place(index + 1)
                guard count >= 1 else { throw .syntax }
            case "match": pattern = value
            case "type" where call.command == .scan: typeName = value.lowercased
            default: throw .syntax
            }
        }
    }

    func admits(_ name: Bytes) -> Bool { pattern.map { Glob.matches(name, $0) } ?? true }
}

extension Call {
    /// Nothing means the beginning, and a minus counts down from the largest number: as C reads unsigned numbers.
    func cursor(_ index: Int) throws(CommandRefusal) -> UInt64 {
        let text = arguments[index].text
        if text.isEmpty { return 0 }
        let isNegative = text.hasPrefix("-")
        guard let cursor = UInt64(isNegative ? String(text.dropFirst()) : text) else { throw .invalidCursor }
        return isNegative ? 0 &- cursor : cursor
    }
}

extension Answer {
    /// What a command of the `SCAN` family answers.
    static func scanned(_ found: [Answer], next: UInt64) -> Answer {
        .array([.bulk(Bytes(String(next))), .array(found)])
    }
}
