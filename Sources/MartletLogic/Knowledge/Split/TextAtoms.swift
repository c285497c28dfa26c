/// Reads running text as the atoms that it consists of.
struct TextAtoms {
    /// Of an atom; what has no punctuation for so long is cut anyhow.
    private let longest: Int
    private var atoms: [TextAtom] = []
    private var atom: OpenAtom
    /// What may have ended with the character before; `.nothing`: none.
    private var pending = TextAtom.End.nothing
    /// Whether that is so only before a blank.
    private var needsBlank = false
    private var breaks = 0
    private var isAfterBlank = false
    /// The last characters, the very last in the lowest bits.
    private var window: UInt64 = 0

    /// - Parameters:
    ///   - text: Read from `start` to `end`.
    ///   - sections: Where sections begin, ascending: an atom ends there with the section before.
    static func of(
        _ text: String, from start: TextAtom.Position, to end: String.Index, sections: [Int] = [], longest: Int
    ) throws(ChunkExcess) -> [TextAtom] {
        var reader = TextAtoms(at: start, longest)
        try reader.read(text.unicodeScalars, from: start, to: end, sections[...])
        return reader.atoms
    }

    private init(at start: TextAtom.Position, _ longest: Int) {
        self.longest = longest
        atom = OpenAtom(at: start)
    }

    private mutating func read(
        _ scalars: String.UnicodeScalarView, from start: TextAtom.Position, to end: String.Index,
        _ sections: ArraySlice<Int>
    ) throws(ChunkExcess) {
        var position = start
        var sections = sections
        while position.index < end {
            let scalar = scalars[position.index]
            let next = TextAtom.Position(index: scalars.index(after: position.index), offset: position.offset + 1)
            while let section = sections.first, section <= position.offset {
                sections.removeFirst()
                close(.section, at: position)
            }
            if PythonCharacter.isSpace(scalar) {
                isAfterBlank = true
                if scalar == "\n" { breaks += 1 }
            } else {
                if let end = ending(before: scalar, at: position.offset) {
                    close(end, at: position)
                    try ChunkBudget.check(pieces: atoms.count)
                }
                add(scalar, at: position, next: next)
            }
            position = next
        }
        close(.section, at: position)
    }

    /// What ends before a character that is no blank; nil: nothing does.
    private func ending(before scalar: Unicode.Scalar, at offset: Int) -> TextAtom.End? {
        if breaks > 0 { return breaks > 1 ? .paragraph : .line }
        let isEnd = isAfterBlank || !needsBlank && TextMark(scalar) == .other
        if pending != .nothing, isEnd { return pending }
        let count = offset - atom.start.offset
        guard count * 2 >= longest else { return nil }
        if isAfterBlank { return .blank }
        // By what the last characters are, so that an edit of a run without any punctuation moves few cuts too.
        let isMarked = window &* 0x9e37_79b9_7f4a_7c15 >> 60 == 0
        return count >= longest || isMarked ? .nothing : nil
    }

    private mutating func add(_ scalar: Unicode.Scalar, at position: TextAtom.Position, next: TextAtom.Position) {
        switch TextMark(scalar) {
        case .fullStop: (pending, needsBlank) = (.sentence, false)
        case .stop: (pending, needsBlank) = (.sentence, true)
        case .comma: (pending, needsBlank) = (.clause, false)
        case .narrowComma: (pending, needsBlank) = (.clause, true)
        case .closer where !isAfterBlank: break
        case .closer, .other: pending = .nothing
        }
        isAfterBlank = false
        breaks = 0
        window = window << 16 ^ UInt64(scalar.value)
        atom.add(scalar, at: position, next: next)
    }

    private mutating func close(_ end: TextAtom.End, at position: TextAtom.Position) {
        atom.close(end, at: position, into: &atoms)
        pending = .nothing
        breaks = 0
        isAfterBlank = false
    }
}

/// What a character is to a sentence.
private enum TextMark {
    /// Ends a sentence wherever it stands.
    case fullStop
    /// Ends a sentence before a blank.
    case stop
    /// Ends a clause wherever it stands.
    case comma
    /// Ends a clause before a blank.
    case narrowComma
    /// May follow what ends a sentence.
    case closer
    case other

    init(_ scalar: Unicode.Scalar) {
        self =
            switch scalar {
            case "。", "！", "？", "…", "‼", "⁉", "｡": .fullStop
            case ".", "!", "?": .stop
            case "；", "，", "、", "：": .comma
            case ";", ",", ":": .narrowComma
            case "\"", "'", ")", "]", "}", "”", "’", "」", "』", "）", "】", "》", "〉": .closer
            default: .other
            }
    }
}
