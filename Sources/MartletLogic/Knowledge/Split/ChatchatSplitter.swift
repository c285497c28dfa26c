/// Splits as Langchain-Chatchat 0.3.1.3 does (`ChineseRecursiveTextSplitter`), string for string: bases that move over
/// keep their chunks.
///
/// A text falls into pieces after each match of the coarsest separator that it has; pieces of `size` and more fall
/// apart further, the shorter ones are put together again, up to `size`, each chunk beginning with the last pieces of
/// the one before, `overlap` characters at most. A piece without any separator stays whole, however long. Blank lines
/// within a chunk are squeezed.
public struct ChatchatSplitter: Sendable {
    private let size: Int
    private let overlap: Int
    private let titles: Bool

    /// - Parameters:
    ///   - size: Of a chunk, in characters.
    ///   - overlap: Of neighbouring chunks, in characters.
    ///   - titles: `zh_title_enhance`: a chunk that looks like a title is named at the beginning of those that follow.
    /// - Returns: nil: the size is below 1, or the overlap is not within 0...size.
    public init?(size: Int = 750, overlap: Int = 150, titles: Bool = false) {
        guard size >= 1, 0...size ~= overlap else { return nil }
        self.size = size
        self.overlap = overlap
        self.titles = titles
    }

    /// A row of a table is one chunk: Chatchat does not split CSV.
    ///
    /// - Throws: An overlap close to the size, or a small size, would have the text many times.
    public func split(_ document: DocumentText) throws(ChunkExcess) -> [Chunk] {
        var chunks = document.rows.isEmpty ? try pieces(of: document) : try RowSplitter(document).rows()
        if titles { ChatchatTitle.announce(in: &chunks) }
        return chunks
    }

    /// Where chunks are to be.
    private struct Ranges {
        var all: [Range<Int>] = []
        var budget: ChunkBudget
    }

    private func pieces(of document: DocumentText) throws(ChunkExcess) -> [Chunk] {
        let outline = Outline(document)
        let scalars = Array(document.text.unicodeScalars)
        var ranges = Ranges(budget: ChunkBudget(characters: scalars.count))
        try split(scalars[...], from: 0, into: &ranges)
        return ranges.all.map { outline.placed(Chunk(text: Self.squeezed(scalars[$0]), range: $0)) }
    }

    /// - Parameter first: The coarsest separator that may still cut.
    private func split(
        _ text: ArraySlice<Unicode.Scalar>, from first: Int, into chunks: inout Ranges
    ) throws(ChunkExcess) {
        let separators = ChatchatSeparator.allCases
        let level = separators[first...].firstIndex { $0.occurs(in: text) } ?? separators.count - 1
        var short: [Range<Int>] = []
        for piece in try separators[level].pieces(of: text) {
            guard piece.count >= size else {
                short.append(piece)
                continue
            }
            try merge(short, text, into: &chunks)
            short = []
            if level + 1 < separators.count {
                try split(text[piece], from: level + 1, into: &chunks)
            } else {
                try Self.append(piece, text, to: &chunks)
            }
        }
        try merge(short, text, into: &chunks)
    }

    /// Puts neighbouring pieces together, as langchain's `_merge_splits` does.
    private func merge(
        _ pieces: [Range<Int>], _ text: ArraySlice<Unicode.Scalar>, into chunks: inout Ranges
    ) throws(ChunkExcess) {
        var first = 0
        var total = 0
        for (index, piece) in pieces.enumerated() {
            if total + piece.count > size, first < index {
                try Self.append(pieces[first].lowerBound..<piece.lowerBound, text, to: &chunks)
                while total > overlap || (total + piece.count > size && total > 0) {
                    total -= pieces[first].count
                    first += 1
                }
            }
            total += piece.count
        }
        guard let last = pieces.last else { return }
        try Self.append(pieces[first].lowerBound..<last.upperBound, text, to: &chunks)
    }

    /// Without blanks around it, unless it is nothing but blanks.
    private static func append(
        _ range: Range<Int>, _ text: ArraySlice<Unicode.Scalar>, to chunks: inout Ranges
    ) throws(ChunkExcess) {
        // Before its blanks are looked through, again for each chunk that has them.
        try chunks.budget.take(range.count)
        guard let start = range.first(where: { !PythonCharacter.isSpace(text[$0]) }),
            let last = range.last(where: { !PythonCharacter.isSpace(text[$0]) })
        else { return }
        chunks.all.append(start..<last + 1)
    }

    /// Of several line breaks in a row, one is left.
    private static func squeezed(_ text: ArraySlice<Unicode.Scalar>) -> String {
        var squeezed = String.UnicodeScalarView()
        var before: Unicode.Scalar?
        for scalar in text where scalar != "\n" || before != "\n" {
            squeezed.append(scalar)
            before = scalar
        }
        return String(squeezed)
    }
}
