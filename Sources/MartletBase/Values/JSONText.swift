/// JSON strings, for the places that write a few fields and decode nothing.
public enum JSONText {
    /// `text` as a JSON string, quotes included. Control characters are escaped, so a line stays one line.
    public static func quoted(_ text: some StringProtocol) -> String { "\"" + escaped(text) + "\"" }

    /// Whether the byte stands for itself in a JSON string of ASCII.
    @inlinable
    public static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7f && byte != 0x22 && byte != 0x5c
    }

    /// `text` as it belongs between the quotes.
    public static func escaped(_ text: some StringProtocol) -> String {
        if text.utf8.allSatisfy({ isPlain($0) }) { return String(text) }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20 || scalar.value == 0x7f
                || scalar.value == 0x2028 || scalar.value == 0x2029:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
