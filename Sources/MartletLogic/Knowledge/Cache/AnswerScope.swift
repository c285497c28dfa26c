/// What an answer depends on beside its question: one that was given under other circumstances is not shown.
public struct AnswerScope: Sendable, Hashable, Encodable {
    /// In ascending order, each once.
    public let bases: [String]
    /// What the caller may see, in words of whoever decides that: others have other answers.
    public var permissions: String
    public var model: String
    public var promptVersion: Int
    public var filter: DocumentFilter?
    public var limit: Int
    public var minimumScore: Double
    public var minimumCosine: Double?
    public var temperature: Double?
    public var maximumTokens: Int?
    /// What was said before is part of what the model was asked.
    public var history: [PromptMessage]

    public init(
        bases: [String], permissions: String = "", model: String, promptVersion: Int = AnswerPrompt.version,
        filter: DocumentFilter? = nil, limit: Int = 3, minimumScore: Double = 0, minimumCosine: Double? = nil,
        temperature: Double? = nil, maximumTokens: Int? = nil, history: [PromptMessage] = []
    ) {
        self.bases = Set(bases).sorted()
        self.permissions = permissions
        self.model = model
        self.promptVersion = promptVersion
        self.filter = filter
        self.limit = limit
        self.minimumScore = minimumScore
        self.minimumCosine = minimumCosine
        self.temperature = temperature
        self.maximumTokens = maximumTokens
        self.history = history
    }

    var bytes: Int {
        bases.reduce(256) { $0 + $1.utf8.count } + permissions.utf8.count + model.utf8.count + (filter?.bytes ?? 0)
            + history.reduce(0) { $0 + $1.text.utf8.count + 32 }
    }
}

/// A question, as far as it can be the same as another one.
public struct QuestionShape: Sendable {
    /// Width, capitals, blanks and the signs at its end make no difference.
    public let text: String
    let details: Set<Detail.Value>
    let denied: Set<UInt64>
    let terms: Set<UInt64>
    let language: AnswerLanguage

    public init(_ question: String) {
        let folded = FoldedText(question)
        let ends = Set<Unicode.Scalar>("?.!。… \n\r".unicodeScalars)
        var scalars = folded.scalars[...]
        while let last = scalars.last, ends.contains(last) { scalars = scalars.dropLast() }
        let words = scalars.split(whereSeparator: \.isBlank).map { String(String.UnicodeScalarView($0)) }
        text = words.joined(separator: " ")
        let whole = 0..<folded.count
        let read = DetailReader.read(folded, in: whole)
        details = Set(read.map(\.value))
        denied = Polarity(folded, in: whole).denied
        var rest = folded
        for detail in read { rest.blank(detail.range) }
        terms = Set(TermReader.read(rest, in: whole).map(\.key))
        language = AnswerLanguage(of: question)
    }

    /// Whether both ask for the same, if they mean the same: with the same numbers, names and negations, and with the
    /// same of those words that the sources have (病假 and 事假 are near each other in meaning, and not the same).
    public func asksTheSame(as other: QuestionShape, sources: [Passage]) -> Bool {
        guard details == other.details, denied == other.denied, language == other.language else { return false }
        let difference = terms.symmetricDifference(other.terms)
        guard !difference.isEmpty else { return true }
        return sources.allSatisfy { passage in
            let text = FoldedText(passage.heading + "\n" + passage.chunk.text)
            return !TermReader.read(text, in: 0..<text.count).contains { difference.contains($0.key) }
        }
    }
}

extension DocumentFilter {
    fileprivate var bytes: Int {
        switch self {
        case .all(let parts), .any(let parts): parts.reduce(32) { $0 + $1.bytes }
        case .not(let part): part.bytes + 32
        case .name(let pattern): pattern.utf8.count + 32
        case .compare(let key, _, .text(let text)): key.utf8.count + text.utf8.count + 64
        case .compare(let key, _, _): key.utf8.count + 64
        }
    }
}
