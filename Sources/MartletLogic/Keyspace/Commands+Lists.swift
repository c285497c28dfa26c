extension Keyspace {
    mutating func list(_ call: Call) throws(CommandRefusal) -> Answer {
        switch call.command {
        case .lpush: return try push(call, at: .left, creates: true)
        case .rpush: return try push(call, at: .right, creates: true)
        case .lpushx: return try push(call, at: .left, creates: false)
        case .rpushx: return try push(call, at: .right, creates: false)
        case .lpop: return try pop(call, from: .left)
        case .rpop: return try pop(call, from: .right)
        case .llen: return .integer(Int64(try readList(call.key, call, \.count) ?? 0))
        case .lrange: return try listRange(call)
        case .lindex:
            guard let place = try place(call) else { return .null }
            return try readList(call.key, call) { ring in .bulk(ring[place]) } ?? .null
        case .lset: return try setElement(call)
        case .lrem: return try removeElements(call)
        case .ltrim: return try trim(call)
        case .linsert: return try insertElement(call)
        case .rpoplpush: return try moveElement(call, from: .right, to: .left)
        case .lmove: return try moveElement(call, from: call.end(2), to: call.end(3))
        case .lpos: return try findElements(call)
        default: throw .syntax
        }
    }

    // MARK: - Ends

    private mutating func push(_ call: Call, at end: Mutation.End, creates: Bool) throws(CommandRefusal) -> Answer {
        let length = try readList(call.key, call, \.count)
        guard creates || length != nil else { return .integer(0) }
        perform(.push(Array(call.arguments[1...]), end), on: call.key, call)
        return .integer(Int64((length ?? 0) + call.count - 1))
    }

    private mutating func pop(_ call: Call, from end: Mutation.End) throws(CommandRefusal) -> Answer {
        // Redis counts these when the command runs: in a transaction it is queued first.
        guard call.count <= 2 else { throw call.wrongArgumentCount }
        let limit = call.count > 1 ? try call.positive(1) : nil
        let popped = try readList(call.key, call) { ring in
            let count = Swift.min(limit ?? 1, ring.count)
            return end == .left ? Array(ring.prefix(count)) : ring.suffix(count).reversed()
        }
        guard let popped else { return limit == nil ? .null : .nullArray }
        if !popped.isEmpty { perform(.pop(popped.count, end), on: call.key, call) }
        return limit == nil ? .bulk(popped[0]) : .array(popped.map(Answer.bulk))
    }

    private mutating func moveElement(
        _ call: Call, from end: Mutation.End, to otherEnd: Mutation.End
    ) throws(CommandRefusal) -> Answer {
        let element = try readList(call.key, call) { ring in end == .left ? ring.first : ring.last }
        guard let element = element.flatMap({ $0 }) else { return .null }
        // To where it is: only a look, as those have it who wait for a list. And the only element of a list stays:
        // without it the list would go, and its expiry.
        let length = try readList(call[1], call, \.count)
        guard call.key != call[1] || (end != otherEnd && length != 1) else { return .bulk(element) }
        perform(.pop(1, end), on: call.key, call)
        perform(.push([element], otherEnd), on: call[1], call)
        return .bulk(element)
    }

    // MARK: - Places

    private mutating func listRange(_ call: Call) throws(CommandRefusal) -> Answer {
        let (first, last) = (try call.place(1), try call.place(2))
        let found = try readList(call.key, call) { ring in ring[ring.places(first, last)].map(Answer.bulk) }
        return .array(found ?? [])
    }

    /// The place that a command names; nil when the list does not have it. A missing list is noticed before a number
    /// that is none, as in Redis.
    private mutating func place(_ call: Call) throws(CommandRefusal) -> Int? {
        guard let count = try readList(call.key, call, \.count) else { return nil }
        let index = try call.place(1)
        let place = index < 0 ? index + count : index
        return (0..<count).contains(place) ? place : nil
    }

    private mutating func setElement(_ call: Call) throws(CommandRefusal) -> Answer {
        guard exists(call.key, call) else { throw .noSuchKey }
        guard let place = try place(call) else { throw .indexOutOfRange }
        perform(.setElement(place, call[2]), on: call.key, call)
        return .ok
    }

    private mutating func trim(_ call: Call) throws(CommandRefusal) -> Answer {
        let (first, last) = (try call.place(1), try call.place(2))
        let kept = try readList(call.key, call) { ring in (ring.places(first, last), ring.count) }
        guard let kept, kept.0.count < kept.1 else { return .ok }
        perform(.keepElements(from: kept.0.lowerBound, count: kept.0.count), on: call.key, call)
        return .ok
    }

    // MARK: - Values

    private mutating func removeElements(_ call: Call) throws(CommandRefusal) -> Answer {
        let count = try call.place(1)
        let limit = count == 0 || count == Int.min ? Int.max : abs(count)
        let end = count < 0 ? Mutation.End.right : .left
        let places = try readList(call.key, call) { $0.places(of: call[2], limit: limit, from: end) }
        let found = places?.count ?? 0
        if found > 0 { perform(.removeElements(call[2], found, end), on: call.key, call) }
        return .integer(Int64(found))
    }

    private mutating func insertElement(_ call: Call) throws(CommandRefusal) -> Answer {
        let side = call.option(1)
        guard ["before", "after"].contains(side) else { throw .syntax }
        let found = try readList(call.key, call) { ring in
            (ring.places(of: call[2], limit: 1, from: .left).first, ring.count)
        }
        guard let (place, count) = found else { return .integer(0) }
        guard let place else { return .integer(-1) }
        perform(.insertElement(side == "before" ? place : place + 1, call[3]), on: call.key, call)
        return .integer(Int64(count + 1))
    }

    private mutating func findElements(_ call: Call) throws(CommandRefusal) -> Answer {
        let options = try FindOptions(call)
        let found = try readList(call.key, call) { ring in
            let end = options.rank < 0 ? Mutation.End.right : .left
            let wanted = options.count == 0 ? Int.max : options.count ?? 1
            let skipped = abs(options.rank) - 1
            let looked = options.longestLook == 0 ? ring.count : Swift.min(options.longestLook, ring.count)
            let limit = skipped.addingReportingOverflow(wanted)
            let places = ring.places(of: call[1], limit: limit.overflow ? Int.max : limit.partialValue, from: end)
            return places.dropFirst(skipped).filter { end == .left ? $0 < looked : $0 >= ring.count - looked }
        }
        let places = (found ?? []).map { Answer.integer(Int64($0)) }
        return options.count == nil ? places.first ?? .null : .array(places)
    }
}

/// `RANK`, `COUNT` and `MAXLEN` of `LPOS`.
private struct FindOptions {
    private(set) var rank = 1
    /// nil: one place, and that not in an array. 0: all.
    private(set) var count: Int?
    /// How many elements to look at; 0: all.
    private(set) var longestLook = 0

    init(_ call: Call) throws(CommandRefusal) {
        for index in stride(from: 2, to: call.count, by: 2) {
            guard index + 1 < call.count else { throw .syntax }
            switch call.option(index) {
            case "rank":
                rank = max(try call.place(index + 1), -Int.max)
                guard rank != 0 else {
                    throw CommandRefusal(
                        "RANK can't be zero: use 1 to start from the first match, 2 from the second ... "
                            + "or use negative to start from the end of the list")
                }
            case "count": count = try call.positive(index + 1, else: CommandRefusal("COUNT can't be negative"))
            case "maxlen": longestLook = try call.positive(index + 1, else: CommandRefusal("MAXLEN can't be negative"))
            default: throw .syntax
            }
        }
    }
}

extension Call {
    fileprivate func end(_ index: Int) throws(CommandRefusal) -> Mutation.End {
        switch option(index) {
        case "left": .left
        case "right": .right
        default: throw .syntax
        }
    }
}

extension Ring {
    /// The places from one number to another, both included; empty when there are none.
    fileprivate func places(_ first: Int, _ last: Int) -> Range<Int> { PlaceRange.clamped(first, last, count: count) }
}

/// Ranges by two places, both included, where negative numbers count from the end.
enum PlaceRange {
    static func clamped(_ first: Int, _ last: Int, count: Int) -> Range<Int> {
        let start = Swift.max(first < 0 ? first + count : first, 0)
        let end = Swift.min(last < 0 ? last + count : last, count - 1)
        return start <= end ? start..<(end + 1) : 0..<0
    }
}
