/// A name and its parameters, such as `multipart/form-data; boundary=x` (RFC 9110 §8.3.1), read leniently: what is no
/// parameter is left out, the first of two with one name counts.
public struct MediaType: Sendable, Equatable {
    /// In lower case.
    public var name: String
    /// By name in lower case.
    public var parameters: [String: String]

    public init(_ text: some StringProtocol) {
        var pieces = Self.pieces(text)
        name = Self.trimmed(pieces.removeFirst()).lowercased()
        parameters = [:]
        for piece in pieces {
            let pair = piece.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard pair.count == 2 else { continue }
            let key = Self.trimmed(pair[0]).lowercased()
            if parameters[key] == nil { parameters[key] = Self.unquoted(Self.trimmed(pair[1])) }
        }
    }

    /// Cut at semicolons that stand in no quotes; at least one.
    private static func pieces(_ text: some StringProtocol) -> [Substring] {
        var pieces: [Substring] = []
        var piece = ""
        var (isQuoted, isEscaped) = (false, false)
        for scalar in text.unicodeScalars {
            if scalar == ";", !isQuoted {
                pieces.append(Substring(piece))
                piece = ""
                continue
            }
            if scalar == "\"", !isEscaped { isQuoted.toggle() }
            isEscaped = scalar == "\\" && isQuoted && !isEscaped
            piece.unicodeScalars.append(scalar)
        }
        return pieces + [Substring(piece)]
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while let first = text.first, first == " " || first == "\t" { text.removeFirst() }
        while let last = text.last, last == " " || last == "\t" { text.removeLast() }
        return text
    }

    /// A backslash escapes a quote or itself, and is one before anything else: names of Windows hold them.
    private static func unquoted(_ text: Substring) -> String {
        guard text.first == "\"" else { return String(text) }
        var result = String.UnicodeScalarView()
        var rest = text.unicodeScalars.dropFirst()
        while let scalar = rest.popFirst(), scalar != "\"" {
            if scalar == "\\", let next = rest.first, next == "\"" || next == "\\" {
                result.append(next)
                rest.removeFirst()
            } else {
                result.append(scalar)
            }
        }
        return String(result)
    }
}
