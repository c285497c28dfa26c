/// What is wrong with a schedule's text.
public struct CronFlaw: Error, Equatable, CustomStringConvertible {
    /// Nil: there are not five of them.
    public var field: CronField?
    public var text: String

    public var description: String {
        field.map { "'\(text)' is no \($0.rawValue) of a schedule (\($0.least) to \($0.most))" }
            ?? "'\(text)' is no schedule: five fields say minute, hour, day, month and weekday"
    }
}

/// One of a schedule's five fields.
public enum CronField: String, Sendable, CaseIterable {
    case minute
    case hour
    case day
    case month
    case weekday

    var least: Int { self == .day || self == .month ? 1 : 0 }

    /// The last value; a weekday's 7 is written for 0.
    var most: Int {
        switch self {
        case .minute: 59
        case .hour: 23
        case .day: 31
        case .month: 12
        case .weekday: 6
        }
    }

    private var names: [String] {
        switch self {
        case .month: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
        case .weekday: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
        case .minute, .hour, .day: []
        }
    }

    /// Bit n: n fits.
    func parse(_ text: String) throws(CronFlaw) -> UInt64 {
        var set: UInt64 = 0
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            guard let values = values(part) else { throw CronFlaw(field: self, text: text) }
            for value in values { set |= 1 << UInt64(value) }
        }
        return set
    }

    /// What one part of a list says; nil: nothing.
    private func values(_ part: Substring) -> [Int]? {
        let pieces = part.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let base = pieces.first else { return nil }
        let ends = base.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        let all: [Int]
        if base == "*" {
            all = Array(least...most)
        } else if ends.count == 2 {
            guard let from = number(ends[0]), let to = number(ends[1]) else { return nil }
            all = from <= to ? Array(from...to) : Array(from...max(most, from)) + Array(least...to)
        } else {
            guard pieces.count == 1, let value = number(base) else { return nil }
            all = [value]
        }
        guard pieces.count == 2 else { return all }
        guard let step = digits(pieces[1]), step > 0 else { return nil }
        return stride(from: 0, to: all.count, by: step).map { all[$0] }
    }

    private func number(_ text: Substring) -> Int? {
        if let value = digits(text) {
            return value >= least && value <= (self == .weekday ? 7 : most) ? value : nil
        }
        // Whole names are as good as their first three letters.
        guard text.count >= 3, text.allSatisfy(\.isLetter) else { return nil }
        return names.firstIndex(of: text.prefix(3).lowercased()).map { $0 + least }
    }

    private func digits(_ text: Substring) -> Int? {
        !text.isEmpty && text.utf8.allSatisfy { (48...57).contains($0) } ? Int(text) : nil
    }
}
