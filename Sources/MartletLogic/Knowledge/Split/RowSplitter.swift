/// Splits a table between its rows.
struct RowSplitter {
    private let document: DocumentText
    private let outline: Outline
    private let atoms: [TextAtom]

    init(_ document: DocumentText) throws(ChunkExcess) {
        try ChunkBudget.check(pieces: document.rows.count)
        self.document = document
        outline = Outline(document)
        atoms = Self.rows(of: document, sections: outline.sections)
    }

    /// Each row by itself, whatever its length.
    func rows() throws(ChunkExcess) -> [Chunk] {
        guard atoms.count <= ChunkBudget.mostChunks else { throw .chunks }
        return atoms.indices.compactMap { chunk(of: atoms[$0...$0]) }
    }

    /// Rows together, up to `size` characters; a row that is longer falls apart by itself.
    func packed(size: Int) throws(ChunkExcess) -> [Chunk] {
        let cut = ContentCut(longest: size)
        var chunks: [Chunk] = []
        for piece in TextAtom.sections(of: atoms).flatMap({ cut.pieces(of: atoms, in: $0) }) {
            if TextAtom.length(of: atoms[piece]) > size {
                chunks += try parts(of: atoms[piece.lowerBound], cut)
            } else if let chunk = chunk(of: atoms[piece]) {
                chunks.append(chunk)
            }
            guard chunks.count <= ChunkBudget.mostChunks else { throw .chunks }
        }
        return chunks
    }

    private func parts(of row: TextAtom, _ cut: ContentCut) throws(ChunkExcess) -> [Chunk] {
        let atoms = try TextAtoms.of(document.text, from: row.start, to: row.stop.index, longest: cut.longest)
        let pieces = cut.pieces(of: atoms, in: atoms.indices)
        guard pieces.count <= ChunkBudget.mostChunks else { throw .chunks }
        return pieces.compactMap { chunk(of: atoms[$0]) }
    }

    private func chunk(of atoms: ArraySlice<TextAtom>) -> Chunk? {
        TextAtom.chunk(of: atoms, in: document.text).map { outline.placed($0) }
    }

    /// One for each row, and for what stands before the first row of a sheet.
    private static func rows(of document: DocumentText, sections: [Int]) -> [TextAtom] {
        let scalars = document.text.unicodeScalars
        var (borders, starts) = (sections[...], document.rows[...])
        var position = TextAtom.Position(index: scalars.startIndex, offset: 0)
        var row = OpenAtom(at: position)
        var rows: [TextAtom] = []
        while position.index < scalars.endIndex {
            while let start = starts.first, start <= position.offset {
                starts.removeFirst()
                row.close(.line, at: position, into: &rows)
            }
            while let border = borders.first, border <= position.offset {
                borders.removeFirst()
                row.close(.section, at: position, into: &rows)
            }
            let scalar = scalars[position.index]
            let next = TextAtom.Position(index: scalars.index(after: position.index), offset: position.offset + 1)
            if !PythonCharacter.isSpace(scalar) { row.add(scalar, at: position, next: next) }
            position = next
        }
        row.close(.section, at: position, into: &rows)
        return rows
    }
}
