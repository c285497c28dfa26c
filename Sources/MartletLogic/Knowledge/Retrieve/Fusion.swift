/// How what words say of a passage and what its vector says become one score.
public struct Fusion: Sendable, Equatable {
    /// How much the vector counts, 0...1; words have the rest.
    public var vectorWeight: Double
    /// How many passages of each arm are looked at, at least as many as are asked for.
    public var depth: Int
    public var bm25: BM25

    public init(vectorWeight: Double = 0.6, depth: Int = 50, bm25: BM25 = BM25()) {
        self.vectorWeight = vectorWeight
        self.depth = depth
        self.bm25 = bm25
    }

    /// - Parameters:
    ///   - cosine: nil: the question has no vector.
    ///   - words: BM25.
    ///   - ideal: The most that words could say; 0: no text has any of the question's words, as when its language is
    ///     not theirs. Then the vector speaks alone.
    /// - Returns: 0...1.
    public func score(cosine: Double?, words: Double, ideal: Double) -> Double {
        let said = ideal > 0 ? min(1, words / ideal) : 0
        let meant = min(1, max(0, cosine ?? 0))
        let weight = vectorWeight(hasVector: cosine != nil, ideal: ideal)
        return weight * meant + (1 - weight) * said
    }

    /// How much the vector counts for one question, 0...1; words have the rest.
    public func vectorWeight(hasVector: Bool, ideal: Double) -> Double {
        guard hasVector else { return 0 }
        return ideal > 0 ? vectorWeight : 1
    }
}
