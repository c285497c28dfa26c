/// Tells what a model thinks from what it says, where it writes both as one text: thoughts stand first, between
/// `<think>` and `</think>`. Takes the text in whatever pieces it comes.
struct ThinkSplitter: Sendable {
    private static let opening = "<think>"
    private static let closing = "</think>"

    private enum Place {
        case start, opened, thoughts, gap, answer
    }

    private var place = Place.start
    /// What may be the beginning of a mark.
    private var held = ""

    mutating func take(_ piece: String) -> (thinking: String, content: String) {
        guard place != .answer else { return ("", piece) }
        held += piece
        var thinking = ""
        if place == .start {
            let text = held.drop(while: \.isWhitespace)
            if text.hasPrefix(Self.opening) {
                place = .opened
                held = String(text.dropFirst(Self.opening.count))
            } else if Self.opening.hasPrefix(text) {
                return ("", "")
            } else {
                return ("", begin())
            }
        }
        if place == .opened {
            held = String(held.drop(while: \.isNewline))
            if held.isEmpty { return ("", "") }
            place = .thoughts
        }
        if place == .thoughts {
            guard let end = held.firstRange(of: Self.closing) else { return (release(), "") }
            thinking = String(held[..<end.lowerBound])
            held = String(held[end.upperBound...])
            place = .gap
        }
        held = String(held.drop(while: \.isWhitespace))
        return (thinking, held.isEmpty ? "" : begin())
    }

    /// What was held back, at the end of the text.
    mutating func finish() -> (thinking: String, content: String) {
        defer { held = "" }
        return place == .thoughts ? (held, "") : place == .start ? ("", held) : ("", "")
    }

    private mutating func begin() -> String {
        place = .answer
        defer { held = "" }
        return held
    }

    /// All but what may be the beginning of the closing mark.
    private mutating func release() -> String {
        let kept = (1..<Self.closing.count).reversed().first { held.hasSuffix(Self.closing.prefix($0)) } ?? 0
        defer { held = String(held.suffix(kept)) }
        return String(held.dropLast(kept))
    }
}
