/// Decides from what was found whether the bases have an answer at all.
///
/// Two things are weighed: how near the best passage is in meaning, and how many of the question's own words stand in
/// what was found. The parameters were chosen on half of the questions of the `refusals` measure, with the built-in
/// sentence encoder; how far they tell questions apart with another model depends on that model.
public struct AnswerRefusal: Sendable, Equatable {
    /// What speaks for an answer.
    public struct Evidence: Sendable, Equatable {
        /// Of the best passage, 0...1; nil: searched by words alone.
        public var nearness: Double?
        /// How much of the question's words stands in the best passages, 0...1.
        public var coverage: Double

        public init(nearness: Double?, coverage: Double) {
            self.nearness = nearness
            self.coverage = coverage
        }
    }

    /// The nearness that questions the bases do not answer have: it counts nothing.
    public var floor = 0.0
    /// The nearness that is as good as it gets.
    public var ceiling = 0.58
    /// How much words count beside meaning, 0...1.
    public var wordWeight = 0.3
    /// Below it, the answer is that there is none.
    public var threshold = 0.3
    /// The same for searches by words alone.
    public var wordThreshold = 0.34

    public init() {}

    public func refuses(_ evidence: Evidence) -> Bool {
        guard let strength = strength(evidence) else { return evidence.coverage < wordThreshold }
        return strength < threshold
    }

    /// 0...1; nil: there is no nearness.
    private func strength(_ evidence: Evidence) -> Double? {
        guard let nearness = evidence.nearness else { return nil }
        let meaning = min(max((nearness - floor) / max(ceiling - floor, 0.01), 0), 1)
        return (1 - wordWeight) * meaning + wordWeight * evidence.coverage
    }

    /// What was found for a question.
    ///
    /// - Parameter passages: The best first; the first three count.
    public static func evidence(_ question: String, _ passages: [Passage]) -> Evidence {
        let text = FoldedText(QuestionWords.of(question))
        let asked = Set(TermReader.read(text, in: 0..<text.count).map(\.key))
        let found = passages.prefix(3).reduce(into: Set<UInt64>()) { found, passage in
            let text = FoldedText(passage.heading + "\n" + passage.chunk.text)
            found.formUnion(TermReader.read(text, in: 0..<text.count).map(\.key))
        }
        let coverage = asked.isEmpty ? 0 : Double(asked.intersection(found).count) / Double(asked.count)
        return Evidence(nearness: passages.compactMap(\.why.nearness).max(), coverage: coverage)
    }

    /// The model says by itself that the sources have no answer.
    public static func isRefusal(_ answer: String) -> Bool {
        let said = Array(answer.unicodeScalars.filter { !$0.isBlank })
        return [AnswerLanguage.chinese, .english].contains { language in
            let refusal = Array(language.refusal.unicodeScalars.filter { !$0.isBlank })
            // With or without its stop, and nothing to speak of besides.
            return said.starts(with: refusal.dropLast()) && said.count <= refusal.count + 8
        }
    }
}
