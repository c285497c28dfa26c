/// `${NAME}`, `${NAME:-default}` and `$$` in a value.
enum Interpolation {
    enum Failure: Error, Equatable {
        case unset(String)
        case malformed
    }

    /// The text with its variables filled in. As in a shell, a default stands in for a variable that is unset or
    /// empty; a `$` before anything else is a `$`.
    static func fill(_ text: String, from environment: [String: String]) throws(Failure) -> String {
        guard text.utf8.contains(UInt8(ascii: "$")) else { return text }
        var result = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            result += rest[..<dollar]
            rest = rest[rest.index(after: dollar)...]
            if rest.hasPrefix("$") {
                result += "$"
                rest.removeFirst()
            } else if rest.hasPrefix("{") {
                guard let end = rest.firstIndex(of: "}") else { throw .malformed }
                result += try value(of: rest[rest.index(after: rest.startIndex)..<end], in: environment)
                rest = rest[rest.index(after: end)...]
            } else {
                result += "$"
            }
        }
        return result + rest
    }

    private static func value(of reference: Substring, in environment: [String: String]) throws(Failure) -> String {
        let name = reference.prefix { $0 != ":" }
        let standIn = reference.dropFirst(name.count)
        guard let first = name.utf8.first, first == UInt8(ascii: "_") || isLetter(first),
            name.utf8.allSatisfy({ isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }),
            standIn.isEmpty || standIn.hasPrefix(":-")
        else { throw .malformed }
        let value = environment[String(name)]
        if standIn.isEmpty {
            guard let value else { throw .unset(String(name)) }
            return value
        }
        guard let value, !value.isEmpty else { return String(standIn.dropFirst(2)) }
        return value
    }
}
