/// Patterns of `KEYS`, `SCAN` and `PSUBSCRIBE`: `*`, `?`, `[abc]`, `[^a-c]`, and `\` before what is meant literally.
public enum Glob {
    /// Whether the whole text fits the pattern. Takes time proportional to the product of both lengths at worst.
    public static func matches(_ text: Bytes, _ pattern: Bytes) -> Bool {
        var state = Matcher(text: text.array, pattern: pattern.array)
        return state.run()
    }

    private struct Matcher {
        let text: [UInt8]
        let pattern: [UInt8]
        var textPlace = 0
        var place = 0
        /// Where to go on when what follows the last star does not fit: the star takes one byte more then.
        var afterStar: (place: Int, textPlace: Int)?

        init(text: [UInt8], pattern: [UInt8]) {
            self.text = text
            self.pattern = pattern
        }

        mutating func run() -> Bool {
            while textPlace < text.count {
                if place < pattern.count, pattern[place] == UInt8(ascii: "*") {
                    place += 1
                    afterStar = (place, textPlace)
                } else if place < pattern.count, matchesOne(text[textPlace]) {
                    textPlace += 1
                } else if let star = afterStar {
                    afterStar = (star.place, star.textPlace + 1)
                    (place, textPlace) = (star.place, star.textPlace + 1)
                } else {
                    return false
                }
            }
            return pattern[place...].allSatisfy { $0 == UInt8(ascii: "*") }
        }

        /// Whether one byte fits the next part of the pattern, which is passed then.
        private mutating func matchesOne(_ byte: UInt8) -> Bool {
            switch pattern[place] {
            case UInt8(ascii: "?"):
                place += 1
                return true
            case UInt8(ascii: "["):
                let (fits, end) = matchesClass(byte)
                if fits { place = end }
                return fits
            case UInt8(ascii: "\\") where place + 1 < pattern.count:
                guard pattern[place + 1] == byte else { return false }
                place += 2
                return true
            default:
                guard pattern[place] == byte else { return false }
                place += 1
                return true
            }
        }

        /// A class that is not closed goes to the end of the pattern.
        private func matchesClass(_ byte: UInt8) -> (fits: Bool, end: Int) {
            var next = place + 1
            let isNegated = next < pattern.count && pattern[next] == UInt8(ascii: "^")
            if isNegated { next += 1 }
            var isListed = false
            while next < pattern.count, pattern[next] != UInt8(ascii: "]") {
                if pattern[next] == UInt8(ascii: "\\"), next + 1 < pattern.count {
                    isListed = isListed || pattern[next + 1] == byte
                    next += 2
                } else if next + 2 < pattern.count, pattern[next + 1] == UInt8(ascii: "-") {
                    let ends = (pattern[next], pattern[next + 2])
                    isListed = isListed || (min(ends.0, ends.1)...max(ends.0, ends.1)).contains(byte)
                    next += 3
                } else {
                    isListed = isListed || pattern[next] == byte
                    next += 1
                }
            }
            return (isListed != isNegated, min(next + 1, pattern.count))
        }
    }
}
