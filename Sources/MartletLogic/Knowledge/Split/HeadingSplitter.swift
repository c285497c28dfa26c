/// Splits by headings, then by paragraphs, lines and sentences; tables between rows.
///
/// No chunk goes over a heading, a slide, a sheet or a chapter, but for a heading that has nothing but another one
/// below it. Within a section a chunk begins with the last sentences of the one before. An edit changes the chunks
/// that it touches and a neighbour, wherever it stands.
public struct HeadingSplitter: Sendable {
    private static let longestAtom = 128

    private let size: Int
    private let overlap: Int
    private let cut: ContentCut

    /// - Parameters:
    ///   - size: No chunk is longer, in characters.
    ///   - overlap: Of neighbouring chunks at most, in characters. More than half the size counts as half of it.
    /// - Returns: nil: the size is below 1, or the overlap below 0.
    public init?(size: Int = 750, overlap: Int = 150) {
        guard size >= 1, overlap >= 0 else { return nil }
        self.size = size
        self.overlap = min(overlap, size / 2)
        cut = ContentCut(longest: size - self.overlap)
    }

    /// The chunks in reading order; none, if the text is nothing but blanks.
    ///
    /// - Throws: There would be too many.
    public func split(_ document: DocumentText) throws(ChunkExcess) -> [Chunk] {
        guard document.rows.isEmpty else { return try RowSplitter(document).packed(size: size) }
        let outline = Outline(document)
        let start = TextAtom.Position(index: document.text.startIndex, offset: 0)
        let atoms = try TextAtoms.of(
            document.text, from: start, to: document.text.endIndex, sections: outline.sections,
            longest: min(cut.longest, Self.longestAtom))
        var budget = ChunkBudget(characters: document.text.unicodeScalars.count)
        var chunks: [Chunk] = []
        for section in sections(of: atoms, outline) {
            for piece in pieces(of: atoms, in: section.atoms) {
                try budget.take(TextAtom.length(of: atoms[piece]))
                guard let chunk = TextAtom.chunk(of: atoms[piece], in: document.text) else { continue }
                var placed = outline.placed(chunk)
                placed.headings = outline.path(at: max(chunk.range.lowerBound, section.headed))
                chunks.append(placed)
            }
        }
        return chunks
    }

    private struct Section {
        var atoms: Range<Int>
        /// Where its last heading stands, in characters.
        var headed: Int
    }

    /// A heading with nothing below it but a deeper one is a section together with that one's.
    private func sections(of atoms: [TextAtom], _ outline: Outline) -> [Section] {
        var sections: [Section] = []
        var bareLevel: Int?
        for range in TextAtom.sections(of: atoms) {
            let start = atoms[range.lowerBound].start.offset
            let level = outline.level(at: start)
            if let above = bareLevel, let level, level > above, let last = sections.indices.last {
                sections[last] = Section(atoms: sections[last].atoms.lowerBound..<range.upperBound, headed: start)
            } else {
                sections.append(Section(atoms: range, headed: start))
            }
            let isBare = atoms[range].dropLast().allSatisfy { $0.end > .line }
            bareLevel = isBare ? level : nil
        }
        return sections
    }

    /// With what a piece repeats of the one before.
    private func pieces(of atoms: [TextAtom], in section: Range<Int>) -> [Range<Int>] {
        guard TextAtom.length(of: atoms[section]) > size else { return [section] }
        return cut.pieces(of: atoms, in: section).map { piece in
            let core = atoms[piece.lowerBound].start.offset
            var first = piece.lowerBound
            var next = first
            while next > section.lowerBound, core - atoms[next - 1].start.offset <= overlap {
                next -= 1
                if next == section.lowerBound || atoms[next - 1].end <= .sentence { first = next }
            }
            return first..<piece.upperBound
        }
    }
}
