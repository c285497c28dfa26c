/// How well what was found fits what should have been, over a set of questions: the figures of TREC, as `trec_eval`
/// computes them.
public struct KnowledgeEvaluation: Sendable, Equatable {
    /// One question.
    public struct Judged<ID: Hashable & Sendable>: Sendable {
        /// What was found, the best first. What comes again counts where it came first.
        public var ranked: [ID]
        /// What should have been, and how well it fits; what is 0 or below does not.
        public var gold: [ID: Int]

        public init(ranked: [ID], gold: [ID: Int]) {
            self.ranked = ranked
            self.gold = gold
        }

        /// All of the gold fits equally well.
        public init(ranked: [ID], gold: Set<ID>) {
            self.init(ranked: ranked, gold: Dictionary(uniqueKeysWithValues: gold.map { ($0, 1) }))
        }
    }

    /// How far down the ranks one looks.
    public let depth: Int
    /// Those with gold: the others say nothing.
    public let questions: Int
    /// The share of the gold that is among the first `depth`.
    public let recall: Double
    /// The share of questions with any gold among the first `depth`.
    public let hits: Double
    /// One by the rank of the first gold among the first `depth`; 0 where there is none.
    public let reciprocalRank: Double
    /// The gain of the gold among the first `depth`, each divided by the logarithm of its rank, as a share of the
    /// greatest there could be (nDCG).
    public let discountedGain: Double

    /// Means over all questions, each of which weighs the same; 0 where there are none.
    public init<ID: Hashable & Sendable>(_ all: [Judged<ID>], depth: Int) {
        precondition(depth > 0)
        self.depth = depth
        let scores = all.compactMap { Score($0, depth: depth) }
        questions = scores.count
        func mean(_ value: (Score) -> Double) -> Double {
            scores.isEmpty ? 0 : scores.reduce(0) { $0 + value($1) } / Double(scores.count)
        }
        recall = mean(\.recall)
        hits = mean { $0.firstRank == nil ? 0 : 1 }
        reciprocalRank = mean { $0.firstRank.map { 1 / Double($0) } ?? 0 }
        discountedGain = mean(\.discountedGain)
    }
}

extension KnowledgeEvaluation {
    /// Of one question.
    private struct Score {
        var recall: Double
        var firstRank: Int?
        var discountedGain: Double

        /// nil: there is no gold.
        init?<ID: Hashable & Sendable>(_ judged: Judged<ID>, depth: Int) {
            let gains = judged.gold.values.filter { $0 > 0 }.sorted(by: >)
            guard !gains.isEmpty else { return nil }
            var seen: Set<ID> = []
            let ranked = judged.ranked.filter { seen.insert($0).inserted }.prefix(depth)
            let found = ranked.map { max(0, judged.gold[$0] ?? 0) }
            recall = Double(found.count { $0 > 0 }) / Double(gains.count)
            firstRank = found.firstIndex { $0 > 0 }.map { $0 + 1 }
            discountedGain = Self.sum(found) / Self.sum(Array(gains.prefix(depth)))
        }

        private static func sum(_ gains: [Int]) -> Double {
            gains.enumerated().reduce(0) { $0 + Double($1.element) / binaryLogarithm(Double($1.offset + 2)) }
        }
    }

    /// Of a number from 1 on. This room has no library of mathematics.
    static func binaryLogarithm(_ number: Double) -> Double {
        // Of the part in 1..<2 by the series of the inverse hyperbolic tangent: its terms shrink ninefold.
        let ratio = (number.significand - 1) / (number.significand + 1)
        var (power, sum) = (ratio, 0.0)
        for divisor in stride(from: 1.0, through: 35, by: 2) {
            sum += power / divisor
            power *= ratio * ratio
        }
        let naturalLogarithmOfTwo = 0.693_147_180_559_945_3
        return Double(number.exponent) + 2 * sum / naturalLogarithmOfTwo
    }
}
