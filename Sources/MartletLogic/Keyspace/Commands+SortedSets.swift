extension Keyspace {
    mutating func sortedSet(_ call: Call) throws(CommandRefusal) -> Answer {
        switch call.command {
        case .zadd: return try add(call, options: ScoreOptions(call))
        case .zincrby:
            let step = try call.double(1)
            let score = try score(of: call[2], call).map { $0 + step } ?? step
            guard !score.isNaN else { throw CommandRefusal("resulting score is not a number (NaN)") }
            // Redis answers a negative zero and keeps none.
            perform(.score([Mutation.Scored(call[2], score + 0)]), on: call.key, call)
            return .double(score)
        case .zrem:
            let members = Array(call.arguments[1...])
            let here = try readSortedSet(call.key, call) { sorted in members.unique { sorted.score(of: $0) != nil } }
            return unscore(here ?? [], call)
        case .zscore: return try score(of: call[1], call).map(Answer.double) ?? .null
        case .zmscore:
            let members = call.arguments[1...]
            let scores = try readSortedSet(call.key, call) { sorted in
                members.map { sorted.score(of: $0).map(Answer.double) ?? .null }
            }
            return .array(scores ?? members.map { _ in .null })
        case .zcard: return .integer(Int64(try readSortedSet(call.key, call, \.count) ?? 0))
        case .zcount:
            let range = try ScoreRange(call[1], call[2])
            return .integer(Int64(try readSortedSet(call.key, call) { range.ranks(in: $0).count } ?? 0))
        case .zrange, .zrangebyscore, .zrevrange, .zrevrangebyscore: return try range(call, options: RangeOptions(call))
        case .zrank, .zrevrank:
            let isReversed = call.command == .zrevrank
            let rank = try readSortedSet(call.key, call) { sorted in
                sorted.rank(of: call[1]).map { isReversed ? sorted.count - 1 - $0 : $0 }
            }
            return rank.flatMap { $0 }.map { .integer(Int64($0)) } ?? .null
        case .zpopmin, .zpopmax: return try popScored(call)
        case .zremrangebyscore:
            let range = try ScoreRange(call[1], call[2])
            return unscore(try members(call) { range.ranks(in: $0) }, call)
        case .zremrangebyrank:
            let (first, last) = (try call.place(1), try call.place(2))
            return unscore(try members(call) { PlaceRange.clamped(first, last, count: $0.count) }, call)
        case .zscan: return try scanScored(call)
        default: throw .syntax
        }
    }

    private mutating func score(of member: Bytes, _ call: Call) throws(CommandRefusal) -> Double? {
        try readSortedSet(call.key, call) { $0.score(of: member) }.flatMap { $0 }
    }

    private mutating func members(_ call: Call, at ranks: (SortedSet) -> Range<Int>) throws(CommandRefusal) -> [Bytes] {
        try readSortedSet(call.key, call) { $0.elements(in: ranks($0)).map(\.member) } ?? []
    }

    private mutating func unscore(_ members: [Bytes], _ call: Call) -> Answer {
        if !members.isEmpty { perform(.unscore(members), on: call.key, call) }
        return .integer(Int64(members.count))
    }

    // MARK: - Adding

    private mutating func add(_ call: Call, options: ScoreOptions) throws(CommandRefusal) -> Answer {
        // Asks for the type before anything is changed.
        _ = try readSortedSet(call.key, call, \.count)
        var added: Int64 = 0
        var updated: Int64 = 0
        var latest: Double?
        for element in options.elements {
            let old = try score(of: element.member, call)
            guard options.admits(element.score, instead: old) else { continue }
            let score = options.increments ? old.map { element.score + $0 } ?? element.score : element.score
            guard !score.isNaN else { throw CommandRefusal("resulting score is not a number (NaN)") }
            guard options.admitsResult(score, instead: old) else { continue }
            latest = score
            guard score != old else { continue }
            // Redis tells a negative zero once, and keeps none in sets of usual size.
            perform(.score([Mutation.Scored(element.member, score == 0 ? 0 : score)]), on: call.key, call)
            if old == nil { added += 1 } else { updated += 1 }
        }
        if options.increments { return latest.map(Answer.double) ?? .null }
        return .integer(options.countsUpdates ? added + updated : added)
    }

    // MARK: - Taking

    private mutating func popScored(_ call: Call) throws(CommandRefusal) -> Answer {
        guard call.count <= 2 else { throw .syntax }
        let limit = call.count > 1 ? try call.positive(1) : nil
        let isLargest = call.command == .zpopmax
        let found = try readSortedSet(call.key, call) { sorted in
            let count = Swift.min(limit ?? 1, sorted.count)
            let elements = sorted.elements(in: isLargest ? sorted.count - count..<sorted.count : 0..<count)
            return isLargest ? elements.reversed() : elements
        }
        guard let found, !found.isEmpty else { return .array([]) }
        perform(.unscore(found.map(\.member)), on: call.key, call)
        if limit == nil { return .array([.bulk(found[0].member), .double(found[0].score)]) }
        return .pairs(found.map(\.pair))
    }

    // MARK: - Ranges

    private mutating func range(_ call: Call, options: RangeOptions) throws(CommandRefusal) -> Answer {
        let found = try readSortedSet(call.key, call) { sorted in
            let elements = sorted.elements(in: options.ranks(in: sorted))
            return options.isReversed ? elements.reversed() : elements
        }
        let elements = found ?? []
        return options.withScores ? .pairs(elements.map(\.pair)) : .array(elements.map { .bulk($0.member) })
    }

    private mutating func scanScored(_ call: Call) throws(CommandRefusal) -> Answer {
        let cursor = try call.cursor(1)
        guard try readSortedSet(call.key, call, \.isEmpty) != nil else { return .scanned([], next: 0) }
        let options = try ScanOptions(call, from: 2)
        let answer = try readSortedSet(call.key, call) { sorted in
            let (places, next) = sorted.table.scan(from: cursor, count: options.count)
            let found = places.map { sorted.table.entries[$0] }.filter { options.admits($0.key) }
            return Answer.scanned(
                found.flatMap { [.bulk($0.key), .bulk(NumberText.text($0.value.score))] }, next: next)
        }
        return answer ?? .scanned([], next: 0)
    }
}

extension Mutation.Scored {
    fileprivate var pair: Answer.Pair { Answer.Pair(.bulk(member), .double(score)) }
}

/// The options and the elements of `ZADD`.
private struct ScoreOptions {
    private(set) var increments = false
    private(set) var countsUpdates = false
    private(set) var elements: [Mutation.Scored] = []
    private var ifAbsent = false
    private var ifPresent = false
    private var ifGreater = false
    private var ifLess = false

    init(_ call: Call) throws(CommandRefusal) {
        var index = 1
        options: while index < call.count {
            switch call.option(index) {
            case "nx": ifAbsent = true
            case "xx": ifPresent = true
            case "gt": ifGreater = true
            case "lt": ifLess = true
            case "ch": countsUpdates = true
            case "incr": increments = true
            default: break options
            }
            index += 1
        }
        let rest = call.count - index
        guard rest > 0, rest % 2 == 0 else { throw .syntax }
        if ifAbsent, ifPresent { throw CommandRefusal("XX and NX options at the same time are not compatible") }
        if (ifGreater && ifLess) || (ifAbsent && (ifGreater || ifLess)) {
            throw CommandRefusal("GT, LT, and/or NX options at the same time are not compatible")
        }
        if increments, rest > 2 { throw CommandRefusal("INCR option supports a single increment-element pair") }
        for place in stride(from: index, to: call.count, by: 2) {
            elements.append(Mutation.Scored(call[place + 1], try call.double(place)))
        }
    }

    func admits(_ score: Double, instead old: Double?) -> Bool { old == nil ? !ifPresent : !ifAbsent }

    func admitsResult(_ score: Double, instead old: Double?) -> Bool {
        guard let old else { return true }
        return (!ifGreater || score > old) && (!ifLess || score < old)
    }
}
