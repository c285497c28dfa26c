/// A piece of a text that no cut goes through: a clause or a row, without the blanks around it.
struct TextAtom {
    /// What ends it, the best place for a cut first.
    enum End: Int, Comparable {
        /// A heading, a slide, the text's end: no chunk goes over it.
        case section
        case paragraph, line, sentence, clause
        /// Of a long run without any punctuation.
        case blank, nothing

        static func < (left: End, right: End) -> Bool { left.rawValue < right.rawValue }
    }

    /// A place in a text, as the text finds it and as people count it.
    struct Position {
        var index: String.Index
        /// In Unicode scalars.
        var offset: Int
    }

    /// Its first character that is no blank.
    var start: Position
    /// After its last one.
    var stop: Position
    var end: End
    /// Of its characters but for blanks.
    var hash: UInt64

    /// The neighbouring atoms of each section.
    static func sections(of atoms: [TextAtom]) -> [Range<Int>] {
        var sections: [Range<Int>] = []
        var start = 0
        for (index, atom) in atoms.enumerated() where atom.end == .section {
            sections.append(start..<index + 1)
            start = index + 1
        }
        return sections
    }

    /// What neighbouring atoms say together.
    static func chunk(of atoms: ArraySlice<TextAtom>, in text: String) -> Chunk? {
        guard let first = atoms.first?.start, let last = atoms.last?.stop else { return nil }
        return Chunk(
            text: String(text.unicodeScalars[first.index..<last.index]), range: first.offset..<last.offset)
    }

    /// In characters, with the blanks between them.
    static func length(of atoms: ArraySlice<TextAtom>) -> Int {
        guard let first = atoms.first, let last = atoms.last else { return 0 }
        return last.stop.offset - first.start.offset
    }
}
