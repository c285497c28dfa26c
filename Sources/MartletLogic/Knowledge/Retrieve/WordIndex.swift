/// Which rows of a segment have which terms, and how often. Never changes.
///
/// Postings lie term after term in flat arrays, three bytes each: a term's are read from front to back, and nothing has
/// to be unpacked.
public struct WordIndex: Sendable {
    /// A row's number has two bytes.
    public static let mostRows = 65_536

    /// Ascending.
    let keys: [TermKey]
    /// Where the postings of each key begin, and of the last one end.
    let starts: [UInt32]
    let rows: [UInt16]
    let frequencies: [UInt8]
    /// How many terms each row has, repeated ones included.
    public let lengths: [UInt32]

    /// In bytes.
    public var size: Int { keys.count * 12 + rows.count * 3 + lengths.count * 4 }

    init(keys: [TermKey], starts: [UInt32], rows: [UInt16], frequencies: [UInt8], lengths: [UInt32]) {
        self.keys = keys
        self.starts = starts
        self.rows = rows
        self.frequencies = frequencies
        self.lengths = lengths
    }

    /// One of several: the rows that are kept, those of the first index first.
    ///
    /// - Parameter parts: Indexes, and which of their rows are kept: at most ``mostRows`` altogether.
    public init(joining parts: [(index: WordIndex, kept: RowSet)]) {
        var lengths: [UInt32] = []
        // The new number of each row; -1: it goes.
        let numbers = parts.map { part in
            part.index.lengths.indices.map { row -> Int32 in
                guard part.kept.contains(row) else { return -1 }
                lengths.append(part.index.lengths[row])
                return Int32(lengths.count - 1)
            }
        }
        var (keys, starts): ([TermKey], [UInt32]) = ([], [])
        var (rows, frequencies): ([UInt16], [UInt8]) = ([], [])
        let most = parts.reduce(0) { $0 + $1.index.rows.count }
        rows.reserveCapacity(most)
        frequencies.reserveCapacity(most)
        var places = parts.map { _ in 0 }
        while true {
            var next: TermKey?
            for (part, place) in zip(parts, places) where place < part.index.keys.count {
                let key = part.index.keys[place]
                if next.map({ key < $0 }) ?? true { next = key }
            }
            guard let next else { break }
            let start = rows.count
            for index in parts.indices {
                let part = parts[index].index
                guard places[index] < part.keys.count, part.keys[places[index]] == next else { continue }
                for posting in part.postings(at: places[index]) {
                    let number = numbers[index][Int(part.rows[posting])]
                    guard number >= 0 else { continue }
                    rows.append(UInt16(number))
                    frequencies.append(part.frequencies[posting])
                }
                places[index] += 1
            }
            guard rows.count > start else { continue }
            keys.append(next)
            starts.append(UInt32(start))
        }
        starts.append(UInt32(rows.count))
        self.init(keys: keys, starts: starts, rows: rows, frequencies: frequencies, lengths: lengths)
    }

    /// Where the postings of a key are, of the one at a place in ``keys``.
    func postings(at place: Int) -> Range<Int> { Int(starts[place])..<Int(starts[place + 1]) }

    /// The places in ``keys`` of those that are within a range.
    func places(_ range: ClosedRange<TermKey>) -> Range<Int> {
        let first = firstPlace { $0 >= range.lowerBound }
        guard range.lowerBound < range.upperBound else {
            return first..<(first < keys.count && keys[first] == range.lowerBound ? first + 1 : first)
        }
        return first..<firstPlace { $0 > range.upperBound }
    }

    private func firstPlace(_ isBeyond: (TermKey) -> Bool) -> Int {
        var (low, high) = (0, keys.count)
        while low < high {
            let middle = (low + high) / 2
            if isBeyond(keys[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
