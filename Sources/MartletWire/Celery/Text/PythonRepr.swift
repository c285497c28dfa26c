/// JSON values as Python shows them: what Celery puts into `argsrepr`, into events and into monitors.
///
/// Follows Celery's own short form: three levels deep, single quotes, cut where it becomes too long.
public enum PythonRepr {
    /// Celery's bound on the text of arguments and results, in characters.
    public static let limit = 1024
    private static let depth = 3

    /// - Parameter isTuple: a list at the top is shown as `(2, 2)` or `(2,)`: arguments.
    public static func text(_ json: RawJSON, isTuple: Bool = false, limit: Int = PythonRepr.limit) -> String {
        var builder = Builder(rest: limit)
        builder.add(json, level: 0, isTuple: isTuple)
        return builder.text
    }

    /// A text in single quotes, such as the message of an exception.
    public static func quoted(_ text: String) -> String {
        let hasSingle = text.contains("'")
        let quote = hasSingle && !text.contains("\"") ? "\"" : "'"
        var quoted = quote
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\r": quoted += "\\r"
            case "\t": quoted += "\\t"
            case "'" where quote == "'": quoted += "\\'"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f:
                quoted += "\\x" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + quote
    }

    private struct Builder {
        var text = ""
        /// How many characters may still come.
        var rest: Int

        mutating func add(_ json: RawJSON, level: Int, isTuple: Bool = false) {
            if let string = json.string {
                put("'" + Self.escaped(cut(string)) + "'")
            } else if let elements = json.elements {
                add(elements, level: level, isTuple: isTuple)
            } else if let object = RawObject(json) {
                add(object, level: level)
            } else if json.isNull {
                put("None")
            } else if let bool = json.bool {
                put(bool ? "True" : "False")
            } else {
                put(cut(Self.number(json)))
            }
        }

        private mutating func add(_ elements: [RawJSON], level: Int, isTuple: Bool) {
            let (open, close) = isTuple ? ("(", elements.count == 1 ? ",)" : ")") : ("[", "]")
            guard level < PythonRepr.depth else { return put("\(open)...\(close)") }
            put(open)
            for (index, element) in elements.enumerated() {
                if index > 0 { put(", ") }
                guard rest > 0 else {
                    text += index > 0 ? "..." : ", ..."
                    break
                }
                add(element, level: level + 1)
            }
            // Brackets close, however little room is left.
            text += close
        }

        private mutating func add(_ object: RawObject, level: Int) {
            guard level < PythonRepr.depth else { return put("{...}") }
            put("{")
            for (index, member) in object.members.enumerated() {
                if index > 0 { put(", ") }
                guard rest > 0 else {
                    text += index > 0 ? "..." : ", ..."
                    break
                }
                put("'" + Self.escaped(cut(member.name)) + "': ")
                add(member.value, level: level + 1)
            }
            text += "}"
        }

        private mutating func put(_ part: String) {
            text += part
            rest -= part.unicodeScalars.count
        }

        /// Searching for a text costs more than all of the rest, and hardly any has a quote.
        private static func escaped(_ text: String) -> String {
            text.utf8.contains(UInt8(ascii: "'")) ? text.replacing("'", with: "\\'") : text
        }

        /// Shortened at a space when it is too long.
        private func cut(_ string: String) -> String {
            guard rest > 0, string.unicodeScalars.count >= rest else { return string }
            let head = String(String.UnicodeScalarView(string.unicodeScalars.prefix(rest)))
            guard let space = head.lastIndex(of: " ") else { return head + "..." }
            return head[..<space] + "..."
        }

        private static func number(_ json: RawJSON) -> String {
            switch json.text {
            case "NaN": "nan"
            case "Infinity": "inf"
            case "-Infinity": "-inf"
            case let text where text.contains { ".eE".contains($0) }: Double(text)?.description ?? text
            case let text: text
            }
        }
    }
}
