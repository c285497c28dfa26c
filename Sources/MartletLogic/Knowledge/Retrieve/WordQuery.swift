/// A question as the word index is asked it.
public struct WordQuery: Sendable {
    /// More of them make no answer better, and cost.
    public static let mostTerms = 128

    struct Term: Sendable {
        /// One key, or all that begin alike.
        var keys: ClosedRange<TermKey>
        var text: String
        /// How often it is asked.
        var count: Int
    }

    private(set) var terms: [Term] = []

    /// Its terms in the order of their first coming, and whether those are meant that begin so.
    public var words: [(text: String, isBeginning: Bool)] {
        terms.map { ($0.text, $0.keys.lowerBound < $0.keys.upperBound) }
    }

    /// - Parameter most: Terms; what comes after them is not asked.
    public init(_ text: String, atMost most: Int = mostTerms) {
        var text = QuestionWords.of(text)
        text.makeContiguousUTF8()
        var places: [ClosedRange<TermKey>: Int] = [:]
        WordReader().read(text.utf8.span, as: .query) { term, _, standing in
            let key = TermKey(term)
            let keys = standing == .beginning ? TermKey.keys(beginningWith: term) : key...key
            if let place = places[keys] {
                terms[place].count += 1
            } else {
                places[keys] = terms.count
                terms.append(Term(keys: keys, text: Self.text(term), count: 1))
            }
            return terms.count < most
        }
    }

    private static func text(_ term: Span<UInt8>) -> String {
        var bytes: [UInt8] = []
        for index in term.indices { bytes.append(term[index]) }
        return String(decoding: bytes, as: UTF8.self)
    }
}
