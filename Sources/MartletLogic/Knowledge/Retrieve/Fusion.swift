/// How what words say of a passage and what its vector says become one score.
public struct Fusion: Sendable, Equatable {
    /// How much the vector counts, 0...1; words have the rest.
    public var vectorWeight: Double
    /// What share of the ideal is as much as words need to say, more than 0: a text of average length that has each
    /// word of the question once has 1 / (1 + k1) of it.
    public var enough: Double
    /// How many passages of each arm are looked at, at least as many as are asked for.
    public var depth: Int
    public var bm25: BM25

    public init(vectorWeight: Double = 0.8, enough: Double = 0.25, depth: Int = 50, bm25: BM25 = BM25()) {
        self.vectorWeight = vectorWeight
        self.enough = enough
        self.depth = depth
        self.bm25 = bm25
    }

    /// - Parameters:
    ///   - nearness: Of the meaning, 0...1; nil: the question has no vector.
    ///   - words: BM25.
    ///   - ideal: The most that words could say; 0: no text has any of the question's words, as when its language is
    ///     not theirs. Then the vector speaks alone.
    /// - Returns: 0...1.
    public func score(nearness: Double?, words: Double, ideal: Double) -> Double {
        let said = ideal > 0 ? min(1, words / (ideal * enough)) : 0
        let weight = vectorWeight(hasVector: nearness != nil, ideal: ideal)
        return weight * (nearness ?? 0) + (1 - weight) * said
    }

    /// What a cosine says, 0...1: models differ in the cosines of texts that have nothing to do with each other.
    public static func nearness(cosine: Double, unrelated: Double) -> Double {
        min(1, max(0, (cosine - unrelated) / max(1 - unrelated, 0.01)))
    }

    /// How much the vector counts for one question, 0...1; words have the rest.
    public func vectorWeight(hasVector: Bool, ideal: Double) -> Double {
        guard hasVector else { return 0 }
        return ideal > 0 ? vectorWeight : 1
    }
}
