import MartletBase
import Testing

@testable import MartletLogic

@Suite struct KnowledgeEvaluationTests {
    private typealias Judged = KnowledgeEvaluation.Judged<Int>

    /// 200 questions over 40 documents, with graded gold and short rankings among them.
    private static let random: [Judged] = {
        var random = SplitMix64(seed: 7)
        func number(below bound: UInt64) -> Int { Int(random.next() % bound) }
        return (0..<200).map { _ in
            var ids = Array(0..<40)
            for place in stride(from: 39, to: 0, by: -1) { ids.swapAt(place, number(below: UInt64(place) + 1)) }
            let ranked = Array(ids.prefix(number(below: 31)))
            var gold: [Int: Int] = [:]
            for _ in 0..<1 + number(below: 6) {
                let document = number(below: 40)
                gold[document] = number(below: 4)
            }
            return Judged(ranked: ranked, gold: gold)
        }
    }()

    /// What `pytrec_eval` 0.5 and `ranx` 0.3 say of these questions (recall, success, reciprocal rank, nDCG).
    @Test(arguments: [
        (1, [0.027405498282, 0.061855670103, 0.061855670103, 0.050687285223]),
        (3, [0.059707903780, 0.149484536082, 0.097938144330, 0.057586239326]),
        (10, [0.174226804124, 0.350515463918, 0.130940108002, 0.105498606072]),
    ])
    func figuresAreThoseOfTheCommonTools(depth: Int, figures: [Double]) {
        let ours = KnowledgeEvaluation(Self.random, depth: depth)
        #expect(ours.questions == 194)
        for (one, other) in zip([ours.recall, ours.hits, ours.reciprocalRank, ours.discountedGain], figures) {
            #expect(abs(one - other) < 1e-11, "\(one) \(other)")
        }
    }

    @Test func aPassageThatComesAgainCountsOnce() {
        let twice = KnowledgeEvaluation([Judged(ranked: [1, 1, 1, 2], gold: Set([2]))], depth: 2)
        #expect(twice.reciprocalRank == 0.5)
        #expect(twice.recall == 1)
    }

    @Test func questionsWithoutGoldSayNothing() {
        let none = KnowledgeEvaluation([Judged(ranked: [1], gold: [1: 0]), Judged(ranked: [1], gold: [:])], depth: 3)
        #expect(none.questions == 0)
        #expect(none.recall == 0 && none.hits == 0 && none.reciprocalRank == 0 && none.discountedGain == 0)
    }

    @Test func theLogarithmIsExactToTheLastDigits() {
        let root = 2.0.squareRoot()
        for (number, logarithm) in [(1, 0), (2, 1), (1024, 10), (root, 0.5), (1024 * root, 10.5)] {
            #expect(abs(KnowledgeEvaluation.binaryLogarithm(number) - logarithm) < 1e-15 * max(1, logarithm))
        }
        #expect(abs(KnowledgeEvaluation.binaryLogarithm(3) - 1.584_962_500_721_156) < 1e-15)
    }
}
