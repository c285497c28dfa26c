/// What `ZRANGE` and its older relatives ask for.
struct RangeOptions {
    private enum Bounds {
        case ranks(Int, Int)
        case scores(ScoreRange)
        case members(MemberRange)
    }

    private(set) var isReversed: Bool
    private(set) var withScores = false
    private var bounds: Bounds
    private var offset = 0
    /// Negative: all. -1 is as if none was named.
    private var limit = -1

    init(_ call: Call) throws(CommandRefusal) {
        var isByScore = [.zrangebyscore, .zrevrangebyscore].contains(call.command)
        var isByMember = false
        isReversed = [.zrevrange, .zrevrangebyscore].contains(call.command)
        let isGeneral = call.command == .zrange
        // Set below, once it is known what the numbers mean.
        bounds = .ranks(0, 0)
        var index = 3
        while index < call.count {
            switch call.option(index) {
            case "withscores": withScores = true
            case "limit" where index + 2 < call.count:
                offset = try call.place(index + 1)
                limit = try call.place(index + 2)
                index += 2
            case "rev" where isGeneral && !isReversed: isReversed = true
            case "byscore" where isGeneral && !isByScore && !isByMember: isByScore = true
            case "bylex" where isGeneral && !isByScore && !isByMember: isByMember = true
            default: throw .syntax
            }
            index += 1
        }
        if limit != -1, !isByScore, !isByMember {
            throw CommandRefusal("syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
        }
        if withScores, isByMember {
            throw CommandRefusal("syntax error, WITHSCORES not supported in combination with BYLEX")
        }
        // From the end, the larger bound is named first.
        let ends = isReversed && (isByScore || isByMember) ? (call[2], call[1]) : (call[1], call[2])
        if isByScore {
            bounds = .scores(try ScoreRange(ends.0, ends.1))
        } else if isByMember {
            bounds = .members(try MemberRange(ends.0, ends.1))
        } else {
            bounds = .ranks(try call.place(1), try call.place(2))
        }
    }

    /// The ranks, counted from the least, of the elements to answer.
    func ranks(in sorted: SortedSet) -> Range<Int> {
        switch bounds {
        case .ranks(let first, let last):
            let range = PlaceRange.clamped(first, last, count: sorted.count)
            guard isReversed else { return range }
            return sorted.count - range.upperBound..<sorted.count - range.lowerBound
        case .scores(let range): return limited(range.ranks(in: sorted))
        case .members(let range): return limited(range.ranks(in: sorted))
        }
    }

    private func limited(_ range: Range<Int>) -> Range<Int> {
        guard offset >= 0, offset < range.count else { return 0..<0 }
        let count = limit < 0 ? range.count - offset : min(limit, range.count - offset)
        let start = isReversed ? range.upperBound - offset - count : range.lowerBound + offset
        return start..<(start + count)
    }
}

/// Scores from one to another; `(` before a number leaves it out.
struct ScoreRange {
    private let lower: (score: Double, isExcluded: Bool)
    private let upper: (score: Double, isExcluded: Bool)

    init(_ lower: Bytes, _ upper: Bytes) throws(CommandRefusal) {
        self.lower = try Self.end(lower)
        self.upper = try Self.end(upper)
    }

    private static func end(_ text: Bytes) throws(CommandRefusal) -> (score: Double, isExcluded: Bool) {
        let isExcluded = text.array.first == UInt8(ascii: "(")
        guard let score = NumberText.bound(text.array.dropFirst(isExcluded ? 1 : 0)) else {
            throw CommandRefusal("min or max is not a float")
        }
        return (score, isExcluded)
    }

    func ranks(in sorted: SortedSet) -> Range<Int> {
        let start = sorted.firstCount { _, score in lower.isExcluded ? score <= lower.score : score < lower.score }
        let end = sorted.firstCount { _, score in upper.isExcluded ? score < upper.score : score <= upper.score }
        return start < end ? start..<end : 0..<0
    }
}

/// Members from one to another, for sorted sets whose scores are all the same: `[a`, `(a`, `-`, `+`.
private struct MemberRange {
    private enum End {
        case least, most
        case member(Bytes, isExcluded: Bool)

        init(_ text: Bytes) throws(CommandRefusal) {
            let rest = Bytes(Array(text.array.dropFirst()))
            switch text.array.first {
            case UInt8(ascii: "-") where rest.isEmpty: self = .least
            case UInt8(ascii: "+") where rest.isEmpty: self = .most
            case UInt8(ascii: "["): self = .member(rest, isExcluded: false)
            case UInt8(ascii: "("): self = .member(rest, isExcluded: true)
            default: throw CommandRefusal("min or max not valid string range item")
            }
        }

        /// Whether a member comes before the range that begins here.
        func isAfter(_ member: Bytes) -> Bool {
            switch self {
            case .least: false
            case .most: true
            case .member(let end, let isExcluded): isExcluded ? member <= end : member < end
            }
        }

        /// Whether a member is in a range that ends here.
        func includes(_ member: Bytes) -> Bool {
            switch self {
            case .least: false
            case .most: true
            case .member(let end, let isExcluded): isExcluded ? member < end : member <= end
            }
        }
    }

    private let lower: End
    private let upper: End

    init(_ lower: Bytes, _ upper: Bytes) throws(CommandRefusal) {
        self.lower = try End(lower)
        self.upper = try End(upper)
    }

    func ranks(in sorted: SortedSet) -> Range<Int> {
        let start = sorted.firstCount { member, _ in lower.isAfter(member) }
        let end = sorted.firstCount { member, _ in upper.includes(member) }
        return start < end ? start..<end : 0..<0
    }
}
