extension DocumentFilter {
    /// Whether a document fits.
    public func fits(name: String, _ metadata: [String: MetadataValue]) -> Bool {
        switch self {
        case .all(let filters): filters.allSatisfy { $0.fits(name: name, metadata) }
        case .any(let filters): filters.contains { $0.fits(name: name, metadata) }
        case .not(let filter): !filter.fits(name: name, metadata)
        case .name(let pattern): Self.fits(name.lowercased().unicodeScalars, pattern.lowercased().unicodeScalars)
        case .compare(let key, let comparison, let value):
            (key == "name" ? .text(name) : metadata[key]).map { comparison.holds($0, value) } ?? false
        }
    }

    /// `*` stands for any characters. Takes no longer than the one times the other.
    private static func fits(_ name: String.UnicodeScalarView, _ pattern: String.UnicodeScalarView) -> Bool {
        let (name, pattern) = (Array(name), Array(pattern))
        var (place, star, retry) = (0, -1, 0)
        var index = 0
        while index < name.count {
            if place < pattern.count, pattern[place] == "*" {
                (star, retry) = (place, index)
                place += 1
            } else if place < pattern.count, pattern[place] == name[index] {
                place += 1
                index += 1
            } else if star >= 0 {
                // The last star takes one more.
                retry += 1
                (place, index) = (star + 1, retry)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == "*" }
    }
}

extension DocumentFilter.Comparison {
    /// Values of different kinds are unequal, and none of them is less.
    func holds(_ left: MetadataValue, _ right: MetadataValue) -> Bool {
        switch self {
        case .equal: return left == right
        case .unequal: return left != right
        case .contains:
            guard case .text(let whole) = left, case .text(let part) = right else { return false }
            return part.isEmpty || whole.contains(part)
        case .less, .atMost, .more, .atLeast:
            switch (left, right) {
            case (.number(let left), .number(let right)): return holds(left, right)
            case (.text(let left), .text(let right)): return holds(left, right)
            default: return false
            }
        }
    }

    private func holds<Value: Comparable>(_ left: Value, _ right: Value) -> Bool {
        switch self {
        case .less: left < right
        case .atMost: left <= right
        case .more: left > right
        case .atLeast: left >= right
        case .equal, .unequal, .contains: left == right
        }
    }
}
