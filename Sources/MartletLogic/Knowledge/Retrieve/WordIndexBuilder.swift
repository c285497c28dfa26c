/// Makes a ``WordIndex`` of the texts of its rows.
public struct WordIndexBuilder {
    private struct Term {
        var key: TermKey
        var count: UInt32 = 0
        var lastRow: UInt32 = .max
        var lastPosting = 0
    }

    private let reader = WordReader()
    private var terms: [Term] = []
    /// Places in `terms`, by key, in a table of a power of two that is at most half full; -1: free.
    private var table = [Int32](repeating: -1, count: 1 << 12)
    /// In the order of reading.
    private var postings: [(term: UInt32, row: UInt16, frequency: UInt8)] = []
    private var lengths: [UInt32] = []

    public init() {}

    /// Adds a row.
    ///
    /// - Parameter texts: What it is searched by, such as its headings and its text.
    public mutating func add(_ texts: [String]) {
        let row = UInt32(lengths.count)
        var length: UInt32 = 0
        for text in texts {
            var text = text
            text.makeContiguousUTF8()
            reader.read(text.utf8.span, as: .document) { term, _, _ in
                length += 1
                count(TermKey(term), in: row)
                return true
            }
        }
        lengths.append(length)
    }

    public consuming func build() -> WordIndex {
        let order = terms.indices.sorted { terms[$0].key < terms[$1].key }
        var starts: [UInt32] = []
        starts.reserveCapacity(order.count + 1)
        var next: UInt32 = 0
        // Where the next posting of each term goes.
        var ends = [UInt32](repeating: 0, count: terms.count)
        for term in order {
            starts.append(next)
            ends[term] = next
            next += terms[term].count
        }
        starts.append(next)
        var rows = [UInt16](repeating: 0, count: postings.count)
        var frequencies = [UInt8](repeating: 0, count: postings.count)
        for posting in postings {
            let place = Int(ends[Int(posting.term)])
            rows[place] = posting.row
            frequencies[place] = posting.frequency
            ends[Int(posting.term)] += 1
        }
        return WordIndex(
            keys: order.map { terms[$0].key }, starts: starts, rows: rows, frequencies: frequencies, lengths: lengths)
    }

    private mutating func count(_ key: TermKey, in row: UInt32) {
        let term = place(of: key)
        if terms[term].lastRow == row {
            let posting = terms[term].lastPosting
            if postings[posting].frequency < .max { postings[posting].frequency += 1 }
        } else {
            terms[term].lastRow = row
            terms[term].lastPosting = postings.count
            terms[term].count += 1
            postings.append((UInt32(term), UInt16(truncatingIfNeeded: row), 1))
        }
    }

    private mutating func place(of key: TermKey) -> Int {
        var slot = Self.slot(key, in: table.count)
        while table[slot] >= 0 {
            let term = Int(table[slot])
            if terms[term].key == key { return term }
            slot = (slot + 1) & (table.count - 1)
        }
        table[slot] = Int32(terms.count)
        terms.append(Term(key: key))
        if terms.count * 2 > table.count { grow() }
        return terms.count - 1
    }

    private mutating func grow() {
        table = [Int32](repeating: -1, count: table.count * 2)
        for (index, term) in terms.enumerated() {
            var slot = Self.slot(term.key, in: table.count)
            while table[slot] >= 0 { slot = (slot + 1) & (table.count - 1) }
            table[slot] = Int32(index)
        }
    }

    private static func slot(_ key: TermKey, in count: Int) -> Int {
        Int(truncatingIfNeeded: (key.value &* 0x9e37_79b9_7f4a_7c15) >> 32) & (count - 1)
    }
}
