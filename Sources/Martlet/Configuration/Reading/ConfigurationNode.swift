/// A value as written, with where it was written: what every source (file, environment, command line) is read into
/// before anything is decoded.
struct ConfigurationNode: Sendable {
    indirect enum Value: Sendable {
        case scalar(Scalar)
        case list([ConfigurationNode])
        case mapping([Entry])
    }

    struct Scalar: Sendable {
        /// The value, environment variables filled in.
        var text: String
        /// The value before that: what errors may show, because a variable can hold a secret.
        var written: String
        /// Without quotes: only then `null` and an empty value mean nothing.
        var isPlain: Bool
        /// It could not be made out, which is on the list of problems already.
        var isUnreadable = false
    }

    struct Entry: Sendable {
        var key: String
        var origin: ConfigurationOrigin
        var node: ConfigurationNode
    }

    var value: Value
    var origin: ConfigurationOrigin

    /// A value that is not from a file.
    init(text: String, origin: ConfigurationOrigin) {
        value = .scalar(Scalar(text: text, written: text, isPlain: true))
        self.origin = origin
    }

    init(_ value: Value, _ origin: ConfigurationOrigin) {
        self.value = value
        self.origin = origin
    }

    /// Whether nothing was written: `key:` alone, `~` or `null`.
    var isNull: Bool {
        guard case .scalar(let scalar) = value, scalar.isPlain, !scalar.isUnreadable else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(scalar.written)
    }

    var isUnreadable: Bool {
        if case .scalar(let scalar) = value { scalar.isUnreadable } else { false }
    }

    /// The text of a scalar; nil for nothing, lists and mappings.
    var text: String? {
        guard case .scalar(let scalar) = value, !isNull else { return nil }
        return scalar.text
    }

    /// Whether the value is the word `off`, in any of YAML's ways to say it.
    var isOff: Bool {
        text.map { ["off", "no", "false"].contains($0.lowercased()) } ?? false
    }

    /// The value for an error message: short, on one line, and never the content of a variable.
    var shown: String {
        switch value {
        case .list: "a list"
        case .mapping: "a mapping"
        case .scalar where isNull: "nothing"
        case .scalar(let scalar): Self.shown(scalar.written, isPlain: scalar.isPlain)
        }
    }

    private static func shown(_ text: String, isPlain: Bool) -> String {
        let isWord = isPlain && !text.contains(" ") && !text.contains(":")
        let short = printable(text.count > 60 ? text.prefix(57) + "..." : text)
        return isWord ? short : "\"\(short)\""
    }
}

/// The text with control characters written out, so that a message stays on its line.
func printable(_ text: some StringProtocol) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format:
            result += "\\u{\(String(scalar.value, radix: 16))}"
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
