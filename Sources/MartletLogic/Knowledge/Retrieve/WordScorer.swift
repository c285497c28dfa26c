/// A segment's words, and which of its rows are there.
public struct WordPart: Sendable {
    public var index: WordIndex
    public var live: RowSet
    /// How many terms the live rows have altogether.
    public var length: Int

    public init(index: WordIndex, live: RowSet, length: Int) {
        self.index = index
        self.live = live
        self.length = length
    }
}

/// What is known of texts that are not at hand.
public struct WordCorpus: Sendable {
    public var rows: Int
    /// How many terms they have altogether.
    public var length: Int
    /// How many rows have each term of the query, in its order.
    public var holding: [Int]

    public init(rows: Int, length: Int, holding: [Int]) {
        self.rows = rows
        self.length = length
        self.holding = holding
    }
}

/// What the rows of all segments are worth to one question, by BM25.
///
/// Only rows that are live count, in whatever segments they are: the same texts have the same scores however they came.
public struct WordScorer: Sendable {
    private struct Postings {
        var rows: ArraySlice<UInt16> = []
        var frequencies: ArraySlice<UInt8> = []
    }

    private struct Term {
        var text: String
        var weight: Float
        /// Of each segment.
        var postings: [Postings]
    }

    private let parts: [WordPart]
    private var terms: [Term] = []
    /// A term's frequency is divided by itself and `base` and `slope` times the row's length.
    private let base: Float
    private let slope: Float
    /// What a text would have that repeats all terms of the question without end, also those that no text has.
    public private(set) var ideal = 0.0

    /// No text has a term of the question: words say nothing.
    public var isSilent: Bool { terms.isEmpty }

    /// - Parameter corpus: All texts, where the parts are only some of them; its terms are the query's.
    public init(_ query: WordQuery, in parts: [WordPart], _ bm25: BM25, corpus: WordCorpus? = nil) {
        self.parts = parts
        let rows = corpus?.rows ?? parts.reduce(0) { $0 + $1.live.count }
        let length = corpus?.length ?? parts.reduce(0) { $0 + $1.length }
        let average = Double(length) / Double(max(1, rows))
        base = Float(bm25.k1 * (1 - bm25.b))
        slope = Float(bm25.k1 * bm25.b / max(average, 1))
        for (place, term) in query.terms.enumerated() {
            let postings = parts.map { Self.postings(term.keys, $0.index) }
            let holding = corpus?.holding[place] ?? zip(postings, parts).reduce(0) { $0 + Self.count($1.0, $1.1) }
            let weight = bm25.rarity(holding: holding, of: rows) * (bm25.k1 + 1) * Double(term.count)
            ideal += weight
            if holding > 0 { terms.append(Term(text: term.text, weight: Float(weight), postings: postings)) }
        }
    }

    /// The best rows that are live and admitted.
    ///
    /// - Parameters:
    ///   - admitted: For each segment; nil: all of them.
    ///   - scratch: Kept by the caller from question to question.
    public func best(_ count: Int, admitted: [RowSet]?, scratch: inout [Float]) -> [Best.Row] {
        var best = Best(count)
        for (segment, part) in parts.enumerated() where part.live.count > 0 {
            let rows = part.index.lengths.count
            if scratch.count < rows { scratch = [Float](repeating: 0, count: WordIndex.mostRows) }
            var sums = scratch.mutableSpan
            for row in 0..<rows { sums[row] = 0 }
            let lengths = part.index.lengths.span
            for term in terms { add(term.weight, term.postings[segment], lengths, to: &sums) }
            var least = max(best.least, 0)
            for row in 0..<rows where sums[row] > least {
                guard part.live.contains(row), admitted?[segment].contains(row) ?? true else { continue }
                best.offer(Best.Row(segment: segment, row: row, score: sums[row]))
                least = max(best.least, 0)
            }
        }
        return best.rows
    }

    /// Of one row.
    public func score(segment: Int, row: Int) -> Float {
        terms.reduce(0) { sum, term in
            let postings = term.postings[segment]
            guard let place = Self.place(of: row, in: postings.rows) else { return sum }
            let offset = place - postings.rows.startIndex
            let frequency = Float(postings.frequencies[postings.frequencies.startIndex + offset])
            return sum + term.weight * share(frequency, length: parts[segment].index.lengths[row])
        }
    }

    /// The terms of the question that a row has.
    public func matched(segment: Int, row: Int) -> [String] {
        terms.filter { Self.place(of: row, in: $0.postings[segment].rows) != nil }.map(\.text)
    }

    private func share(_ frequency: Float, length: UInt32) -> Float {
        frequency / (frequency + base + slope * Float(length))
    }

    private func add(
        _ weight: Float, _ postings: Postings, _ lengths: Span<UInt32>, to sums: inout MutableSpan<Float>
    ) {
        let (rows, frequencies) = (postings.rows.span, postings.frequencies.span)
        for place in rows.indices {
            let row = Int(rows[place])
            sums[row] += weight * share(Float(frequencies[place]), length: lengths[row])
        }
    }

    /// The rows that have one of the keys.
    private static func postings(_ keys: ClosedRange<TermKey>, _ index: WordIndex) -> Postings {
        let places = index.places(keys)
        guard places.count > 1 else {
            let range = places.first.map { index.postings(at: $0) } ?? 0..<0
            return Postings(rows: index.rows[range], frequencies: index.frequencies[range])
        }
        var counts: [UInt16: Int] = [:]
        for posting in places.lazy.flatMap({ index.postings(at: $0) }) {
            counts[index.rows[posting], default: 0] += Int(index.frequencies[posting])
        }
        let rows = counts.keys.sorted()
        return Postings(rows: rows[...], frequencies: rows.map { UInt8(clamping: counts[$0] ?? 0) }[...])
    }

    private static func count(_ postings: Postings, _ part: WordPart) -> Int {
        guard part.live.count < part.index.lengths.count else { return postings.rows.count }
        return postings.rows.reduce(0) { $0 + (part.live.contains(Int($1)) ? 1 : 0) }
    }

    private static func place(of row: Int, in rows: ArraySlice<UInt16>) -> Int? {
        var (low, high) = (rows.startIndex, rows.endIndex)
        while low < high {
            let middle = (low + high) / 2
            if Int(rows[middle]) < row { low = middle + 1 } else { high = middle }
        }
        return low < rows.endIndex && Int(rows[low]) == row ? low : nil
    }
}
