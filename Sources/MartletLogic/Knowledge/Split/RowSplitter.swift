/// Splits a table between its rows.
struct RowSplitter {
    private let document: DocumentText
    private let outline: Outline
    private let atoms: [TextAtom]

    init(_ document: DocumentText) {
        self.document = document
        outline = Outline(document)
        atoms = Self.rows(of: document, sections: outline.sections)
    }

    /// Each row by itself, whatever its length.
    func rows() -> [Chunk] {
        atoms.indices.compactMap { chunk(of: atoms[$0...$0]) }
    }

    /// Rows together, up to `size` characters; a row that is longer falls apart by itself.
    func packed(size: Int) -> [Chunk] {
        let cut = ContentCut(longest: size)
        let pieces = TextAtom.sections(of: atoms).flatMap { cut.pieces(of: atoms, in: $0) }
        return pieces.flatMap { piece in
            if TextAtom.length(of: atoms[piece]) > size { return parts(of: atoms[piece.lowerBound], cut) }
            return chunk(of: atoms[piece]).map { [$0] } ?? []
        }
    }

    private func parts(of row: TextAtom, _ cut: ContentCut) -> [Chunk] {
        let atoms = TextAtoms.of(document.text, from: row.start, to: row.stop.index, longest: cut.longest)
        return cut.pieces(of: atoms, in: atoms.indices).compactMap { chunk(of: atoms[$0]) }
    }

    private func chunk(of atoms: ArraySlice<TextAtom>) -> Chunk? {
        TextAtom.chunk(of: atoms, in: document.text).map { outline.placed($0) }
    }

    /// One for each row, and for what stands before the first row of a sheet.
    private static func rows(of document: DocumentText, sections: [Int]) -> [TextAtom] {
        let scalars = document.text.unicodeScalars
        let borders = Set(sections)
        var starts = borders.union(document.rows).sorted()[...]
        var position = TextAtom.Position(index: scalars.startIndex, offset: 0)
        var row = OpenAtom(at: position)
        var rows: [TextAtom] = []
        while position.index < scalars.endIndex {
            while let start = starts.first, start <= position.offset {
                starts.removeFirst()
                row.close(borders.contains(start) ? .section : .line, at: position, into: &rows)
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
