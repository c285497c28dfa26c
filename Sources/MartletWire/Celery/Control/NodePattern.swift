/// Whether a node name is one that a request of remote control means.
enum NodePattern {
    /// Longer patterns mean nobody.
    private static let longest = 256

    /// As Python's `fnmatch`: `*`, `?`, `[abc]`, `[!abc]`.
    static func glob(_ name: String, _ pattern: String) -> Bool {
        guard pattern.utf8.count <= longest else { return false }
        return matches(Array(name.unicodeScalars), Array(pattern.unicodeScalars))
    }

    /// As Python's `re.match`: from the beginning, to anywhere.
    static func expression(_ name: String, _ pattern: String) -> Bool {
        guard pattern.utf8.count <= longest, let expression = try? Regex(pattern) else { return false }
        return (try? expression.prefixMatch(in: name)) != nil
    }

    /// Goes back to the last `*` alone, so that no pattern takes long.
    private static func matches(_ name: [Unicode.Scalar], _ pattern: [Unicode.Scalar]) -> Bool {
        var (place, part) = (0, 0)
        var star: (part: Int, place: Int)?
        while place < name.count {
            if part < pattern.count, pattern[part] == "*" {
                star = (part, place)
                part += 1
            } else if part < pattern.count, let next = single(name[place], pattern, part) {
                place += 1
                part = next
            } else if let last = star {
                star = (last.part, last.place + 1)
                (part, place) = (last.part + 1, last.place + 1)
            } else {
                return false
            }
        }
        return pattern[part...].allSatisfy { $0 == "*" }
    }

    /// Where the pattern goes on after it took one letter; nil: it does not take it.
    private static func single(_ letter: Unicode.Scalar, _ pattern: [Unicode.Scalar], _ part: Int) -> Int? {
        switch pattern[part] {
        case "?": return part + 1
        case "[":
            var first = part + 1
            let isNegative = first < pattern.count && pattern[first] == "!"
            if isNegative { first += 1 }
            // A bracket that comes first stands for itself.
            guard first < pattern.count, let end = pattern[(first + 1)...].firstIndex(of: "]") else {
                return letter == "[" ? part + 1 : nil
            }
            return set(pattern[first..<end], contains: letter) != isNegative ? end + 1 : nil
        default: return pattern[part] == letter ? part + 1 : nil
        }
    }

    private static func set(_ set: ArraySlice<Unicode.Scalar>, contains letter: Unicode.Scalar) -> Bool {
        var rest = set
        while let first = rest.popFirst() {
            let after = rest.startIndex
            if rest.count >= 2, rest[after] == "-" {
                if first <= letter, letter <= rest[after + 1] { return true }
                rest.removeFirst(2)
            } else if first == letter {
                return true
            }
        }
        return false
    }
}
