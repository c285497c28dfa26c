/// Groups neighbouring atoms into pieces of a bounded length, by what they say rather than by where they stand: an edit
/// moves the cuts beside it, and no others.
///
/// A range that is too long is cut where its best end is, and among equally good ones where the atom's hash is the
/// lowest, or that of the atom behind it: that choice is the same whatever happens elsewhere in the range.
struct ContentCut {
    /// Of a piece, in characters. An atom that is longer is a piece by itself.
    let longest: Int

    /// A range cut so often is cut in its middle: a text that was written to make cuts lopsided costs little more.
    private static let deepest = 64

    private struct Span {
        var range: Range<Int>
        var depth: Int
    }

    /// The pieces of `atoms[range]`, ascending.
    func pieces(of atoms: [TextAtom], in range: Range<Int>) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var open = [Span(range: range, depth: 0)]
        while let span = open.popLast() {
            guard span.range.count > 1, TextAtom.length(of: atoms[span.range]) > longest else {
                pieces.append(span.range)
                continue
            }
            let cut = cut(atoms, span)
            open.append(Span(range: cut..<span.range.upperBound, depth: span.depth + 1))
            open.append(Span(range: span.range.lowerBound..<cut, depth: span.depth + 1))
        }
        return pieces
    }

    /// The atom that the second part begins with.
    private func cut(_ atoms: [TextAtom], _ span: Span) -> Int {
        let start = atoms[span.range.lowerBound].start.offset
        let end = atoms[span.range.upperBound - 1].stop.offset
        let middle = (start + end) / 2
        // No part is shorter than a third of a piece. (With a half, cuts far from an edit move more often.)
        let window = start + longest / 3...end - longest / 3
        var best: Int?
        var nearest = span.range.lowerBound + 1
        for next in span.range.lowerBound + 1..<span.range.upperBound {
            let offset = atoms[next].start.offset
            if abs(offset - middle) < abs(atoms[nearest].start.offset - middle) { nearest = next }
            guard window.contains(offset), span.depth < Self.deepest else { continue }
            if let known = best, Self.rank(atoms, known) <= Self.rank(atoms, next) { continue }
            best = next
        }
        return best ?? nearest
    }

    /// Of a cut before this atom, the best lowest.
    private static func rank(_ atoms: [TextAtom], _ next: Int) -> (Int, UInt64, UInt64) {
        (atoms[next - 1].end.rawValue, atoms[next - 1].hash, atoms[next].hash)
    }
}
