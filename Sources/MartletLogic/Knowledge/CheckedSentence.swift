/// A sentence of an answer, and what of the sources bears it out.
public struct CheckedSentence: Sendable, Equatable, Codable {
    public struct Citation: Sendable, Equatable, Codable {
        /// From 1, in the order of the answer's sources.
        public var source: Int
        /// Of the document's text, in Unicode scalars: what the sentence rests on.
        public var range: Range<Int>

        public init(source: Int, range: Range<Int>) {
            self.source = source
            self.range = range
        }
    }

    public enum Flaw: Sendable, Hashable, Codable {
        /// A number, date or identifier that no cited passage has, as the sentence writes it.
        case unknownDetail(String)
        /// Nothing in the sources says it.
        case unsupported
        /// `[n]` without a source of that number, or with one that says nothing of it.
        case unknownSource(Int)
    }

    /// Of the answer's text, in Unicode scalars.
    public var range: Range<Int>
    public var citations: [Citation]
    /// Empty: it is supported, or says nothing that could be ("You are welcome.").
    public var flaws: [Flaw]

    public init(range: Range<Int>, citations: [Citation] = [], flaws: [Flaw] = []) {
        self.range = range
        self.citations = citations
        self.flaws = flaws
    }
}
