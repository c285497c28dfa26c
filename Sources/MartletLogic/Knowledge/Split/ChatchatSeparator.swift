/// Where Chatchat's splitter cuts: after each match of the coarsest separator that the text has.
enum ChatchatSeparator: CaseIterable {
    /// `\n\n`
    case paragraph
    /// `\n`
    case line
    /// `。|！|？`
    case fullStop
    /// `\.\s|\!\s|\?\s`
    case stop
    /// `；|;\s`
    case semicolon
    /// `，|,\s`
    case comma

    /// Where the separator that begins at `index` ends; nil: none does.
    func end(_ text: ArraySlice<Unicode.Scalar>, at index: Int) -> Int? {
        let scalar = text[index]
        let next = index + 1
        let follower = next < text.endIndex ? text[next] : nil
        switch self {
        case .paragraph: return scalar == "\n" && follower == "\n" ? next + 1 : nil
        case .line: return scalar == "\n" ? next : nil
        case .fullStop: return scalar == "。" || scalar == "！" || scalar == "？" ? next : nil
        case .stop: return scalar == "." || scalar == "!" || scalar == "?" ? Self.end(beforeSpace: follower, next) : nil
        case .semicolon: return scalar == "；" ? next : scalar == ";" ? Self.end(beforeSpace: follower, next) : nil
        case .comma: return scalar == "，" ? next : scalar == "," ? Self.end(beforeSpace: follower, next) : nil
        }
    }

    /// The pieces that `text` falls into: one if it has no such separator.
    func pieces(of text: ArraySlice<Unicode.Scalar>) throws(ChunkExcess) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var start = text.startIndex
        var index = start
        while index < text.endIndex {
            if let end = end(text, at: index) {
                pieces.append(start..<end)
                try ChunkBudget.check(pieces: pieces.count)
                start = end
                index = end
            } else {
                index += 1
            }
        }
        if start < text.endIndex { pieces.append(start..<text.endIndex) }
        return pieces
    }

    func occurs(in text: ArraySlice<Unicode.Scalar>) -> Bool {
        text.indices.contains { end(text, at: $0) != nil }
    }

    private static func end(beforeSpace follower: Unicode.Scalar?, _ next: Int) -> Int? {
        follower.map(PythonCharacter.isSpace) == true ? next + 1 : nil
    }
}
