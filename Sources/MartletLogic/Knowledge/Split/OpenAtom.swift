import MartletBase

/// An atom while it is read.
struct OpenAtom {
    /// Its first character that is no blank.
    private(set) var start: TextAtom.Position
    /// After its last one.
    private var stop: TextAtom.Position
    private var hash = FNV1a()

    init(at start: TextAtom.Position) {
        self.start = start
        stop = start
    }

    private var isEmpty: Bool { stop.offset == start.offset }

    /// Takes a character that is no blank and stands at `position`.
    mutating func add(_ scalar: Unicode.Scalar, at position: TextAtom.Position, next: TextAtom.Position) {
        if isEmpty { start = position }
        stop = next
        for shift in stride(from: 0 as UInt32, to: 24, by: 8) {
            hash.add(UInt8(truncatingIfNeeded: scalar.value >> shift))
        }
    }

    /// Ends it, unless it is nothing but blanks, and opens the next one.
    mutating func close(_ end: TextAtom.End, at position: TextAtom.Position, into atoms: inout [TextAtom]) {
        if !isEmpty {
            atoms.append(TextAtom(start: start, stop: stop, end: end, hash: hash.value))
        } else if end == .section, let last = atoms.indices.last {
            atoms[last].end = .section
        }
        self = OpenAtom(at: position)
    }
}
