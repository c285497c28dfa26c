/// An answer that can be given again. What the model thought is not part of it.
public struct CachedAnswer: Sendable, Equatable, Codable {
    public var text: String
    /// What it may cite, in the order of their numbers: the k best passages.
    public var sources: [Passage]
    public var citations: [CheckedSentence]
    public var finishReason: String
    public var promptTokens: Int?
    public var answerTokens: Int?

    public init(
        text: String, sources: [Passage], citations: [CheckedSentence], finishReason: String = "stop",
        promptTokens: Int? = nil, answerTokens: Int? = nil
    ) {
        self.text = text
        self.sources = sources
        self.citations = citations
        self.finishReason = finishReason
        self.promptTokens = promptTokens
        self.answerTokens = answerTokens
    }

    /// Whether it is good enough to be given again: it came to its end, no number, name or source in it is wrong, and
    /// hardly a sentence (introductions are such) is without support.
    public var isWorthKeeping: Bool {
        guard finishReason == "stop", !text.isEmpty, !sources.isEmpty else { return false }
        let flaws = citations.flatMap(\.flaws)
        return flaws.allSatisfy { $0 == .unsupported } && flaws.count * 4 <= citations.count
    }

    /// An estimate.
    public var bytes: Int {
        let passages = sources.reduce(0) { $0 + $1.chunk.text.utf8.count + $1.document.name.utf8.count + 256 }
        return text.utf8.count + passages + citations.count * 128 + 128
    }
}

/// What a base's readers see from an epoch on that they did not see before.
public struct BaseChange: Sendable, Equatable {
    public var base: String
    /// The epoch before it: changes make a chain.
    public var previous: Int
    public var epoch: Int
    /// Chunks that are there no more.
    public var gone: Set<ChunkID>
    /// Documents that have another version now, or none: offsets into their text are void, whichever chunks stayed.
    public var documents: Set<String>
    /// Whether there are chunks that were not there before.
    public var hasNew: Bool

    public init(
        base: String, previous: Int, epoch: Int, gone: Set<ChunkID> = [], documents: Set<String> = [], hasNew: Bool
    ) {
        self.base = base
        self.previous = previous
        self.epoch = epoch
        self.gone = gone
        self.documents = documents
        self.hasNew = hasNew
    }

    /// Whether other chunks may have other scores now: what is gone makes words rarer, too.
    var movesScores: Bool { hasNew || !gone.isEmpty }
}
