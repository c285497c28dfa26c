/// Finds for each sentence of an answer what of the sources bears it out, and says where nothing does.
///
/// A sentence is borne out by sentences of its sources that have enough of its words. Its numbers, dates and
/// identifiers must stand in just those, with the same units, and what it denies must not be affirmed there. A sentence
/// that cites `[n]` is compared with those sources only; any other one with all. The bar is the same for each sentence,
/// whether something reaches it or not.
///
/// It compares words: what is said in another language than the source's, or in other words altogether, counts as
/// unsupported. A wrong sentence that is made of a source's own words and numbers is not found out.
public struct CitationChecker: Sendable {
    /// How much is enough. Shares are of the sentence's words, 0...1.
    public struct Bars: Sendable, Equatable {
        /// What the cited spans together must have.
        public var support = 0.5
        /// What each of them must have, and each source that the sentence names.
        public var share = 0.15
        /// What each further span must add.
        public var gain = 0.08
        /// How many spans one sentence may rest on.
        public var spans = 4

        public init() {}
    }

    private let sources: [CitationSource]
    private let contexts: [Set<UInt64>]
    private let spans: [SourceSpan]
    private let bars: Bars

    /// - Parameter sources: In the order of their numbers, from 1.
    public init(_ sources: [CitationSource], bars: Bars = Bars()) {
        self.sources = sources
        self.bars = bars
        contexts = sources.map { source in
            Set(source.context.flatMap { heading in
                let text = FoldedText(heading)
                return TermReader.read(text, in: 0..<text.count).map(\.key)
            })
        }
        spans = sources.enumerated().flatMap { number, source in
            SentenceSplitter.split(source.text, joinsLines: true).map {
                SourceSpan(source: number, range: $0.range, of: source.text)
            }
        }
    }

    /// The answer's sentences in their order; what says nothing has neither citations nor flaws.
    public func check(_ answer: String) -> [CheckedSentence] {
        let text = FoldedText(answer)
        return SentenceSplitter.split(text).map { check($0, of: text) }
    }

    private func check(_ sentence: Sentence, of text: FoldedText) -> CheckedSentence {
        let claim = Claim(sentence, of: text, sources: sources.count)
        var checked = CheckedSentence(range: sentence.range)
        checked.flaws = claim.unknownSources.map { .unknownSource($0) }
        guard claim.saysSomething else { return checked }
        let own = choose(for: claim, from: claim.sources)
        let isBorneOut = support(of: claim, by: own) >= bars.support && !contradicts(claim, own)
        if !isBorneOut, let named = claim.sources {
            // Another source than the one that it names may say it: then the name is what is wrong.
            let others = choose(for: claim, from: nil)
            if support(of: claim, by: others) >= bars.support, !contradicts(claim, others) {
                finish(&checked, claim, others)
                checked.flaws += named.sorted().filter { number in !others.contains { $0.source == number } }
                    .map { .unknownSource($0 + 1) }
                return checked
            }
        }
        finish(&checked, claim, own)
        if !isBorneOut, claim.needsSupport { checked.flaws.append(.unsupported) }
        if isBorneOut, let named = claim.sources {
            let idle = named.sorted().filter { number in
                !spans.contains { $0.source == number && bearsPart(of: claim, $0) }
            }
            checked.flaws += idle.map { .unknownSource($0 + 1) }
        }
        return checked
    }

    /// Citations, and the details that they lack.
    private func finish(_ checked: inout CheckedSentence, _ claim: Claim, _ chosen: [SourceSpan]) {
        checked.citations = citations(chosen)
        let known = chosen.flatMap(\.details)
        for detail in claim.details where !known.contains(where: { detail.value.isBorneOut(by: $0) }) {
            checked.flaws.append(.unknownDetail(claim.text.text(detail.range)))
        }
    }

    // MARK: Choosing

    /// The spans that bear out most of the claim, the best one first.
    private func choose(for claim: Claim, from named: Set<Int>?) -> [SourceSpan] {
        var rest = claim.terms
        var open = claim.details.map(\.value)
        var chosen: [SourceSpan] = []
        var candidates = spans.filter { (named?.contains($0.source) ?? true) && bearsPart(of: claim, $0) }
        while chosen.count < bars.spans, !candidates.isEmpty {
            let values = candidates.map { value($0, rest, open) }
            guard let best = values.indices.max(by: { values[$0] < values[$1] }) else { break }
            let span = candidates.remove(at: best)
            let gain = Double(rest.count(where: span.terms.contains)) / Double(max(claim.terms.count, 1))
            // A span that brings a number and no word may well be about something else.
            guard chosen.isEmpty || gain >= bars.gain else { break }
            chosen.append(span)
            rest.subtract(span.terms)
            open.removeAll { detail in span.details.contains { detail.isBorneOut(by: $0) } }
        }
        return chosen
    }

    private func value(_ span: SourceSpan, _ rest: Set<UInt64>, _ open: [Detail.Value]) -> Double {
        let details = open.count { detail in span.details.contains { detail.isBorneOut(by: $0) } }
        // A number that fits tells sentences with the same words apart.
        return Double(rest.count(where: span.terms.contains)) + 1.5 * Double(details)
    }

    private func bearsPart(of claim: Claim, _ span: SourceSpan) -> Bool {
        guard claim.terms.isEmpty else { return share(of: claim, in: span) >= bars.share }
        return claim.details.contains { detail in span.details.contains { detail.value.isBorneOut(by: $0) } }
    }

    private func share(of claim: Claim, in span: SourceSpan) -> Double {
        claim.terms.isEmpty ? 0 : Double(claim.terms.count(where: span.terms.contains)) / Double(claim.terms.count)
    }

    private func support(of claim: Claim, by chosen: [SourceSpan]) -> Double {
        guard !chosen.isEmpty else { return 0 }
        guard !claim.terms.isEmpty else { return 1 }
        let known = claim.terms.count { term in
            chosen.contains { $0.terms.contains(term) || contexts[$0.source].contains(term) }
        }
        return Double(known) / Double(claim.terms.count)
    }

    /// Only the best span counts: the next ones may well deny the same of somebody else.
    private func contradicts(_ claim: Claim, _ chosen: [SourceSpan]) -> Bool {
        guard let best = chosen.first else { return false }
        return claim.polarity.contradicts(Polarity(sources[best.source].text, in: best.range))
    }

    /// In the order of sources and places; neighbours are one.
    private func citations(_ chosen: [SourceSpan]) -> [CheckedSentence.Citation] {
        var citations: [CheckedSentence.Citation] = []
        for span in chosen.sorted(by: { ($0.source, $0.range.lowerBound) < ($1.source, $1.range.lowerBound) }) {
            let range = sources[span.source].range(of: span.range)
            let number = span.source + 1
            if let last = citations.last, last.source == number, range.lowerBound <= last.range.upperBound + 2 {
                let end = max(last.range.upperBound, range.upperBound)
                citations[citations.count - 1].range = last.range.lowerBound..<end
            } else {
                citations.append(.init(source: number, range: range))
            }
        }
        return citations
    }
}
