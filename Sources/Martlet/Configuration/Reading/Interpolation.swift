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
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let next = index + 1 < bytes.count ? bytes[index + 1] : nil
            if bytes[index] == UInt8(ascii: "$"), next == UInt8(ascii: "{") {
                let reference = bytes[(index + 2)...]
                guard let end = reference.firstIndex(of: UInt8(ascii: "}")) else { throw .malformed }
                result += try value(of: reference[..<end], in: environment).utf8
                index = end + 1
            } else {
                result.append(bytes[index])
                index += bytes[index] == UInt8(ascii: "$") && next == UInt8(ascii: "$") ? 2 : 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func value(of reference: ArraySlice<UInt8>, in environment: [String: String]) throws(Failure)
        -> String
    {
        let name = reference.prefix { $0 != UInt8(ascii: ":") }
        let standIn = reference.dropFirst(name.count)
        guard let first = name.first, first == UInt8(ascii: "_") || isLetter(first),
            name.allSatisfy({ isLetter($0) || isDigit($0) || $0 == UInt8(ascii: "_") }),
            standIn.isEmpty || standIn.starts(with: ":-".utf8)
        else { throw .malformed }
        let variable = String(decoding: name, as: UTF8.self)
        let value = environment[variable]
        if standIn.isEmpty {
            guard let value else { throw .unset(variable) }
            return value
        }
        guard let value, !value.isEmpty else { return String(decoding: standIn.dropFirst(2), as: UTF8.self) }
        return value
    }
}
