import MartletBase
import Testing

@testable import MartletLogic

@Suite("Not in the knowledge base")
struct AnswerRefusalTests {
    /// Normal enough: the sum of twelve.
    private func normal(_ mean: Double, _ deviation: Double, _ random: inout SplitMix64) -> Double {
        mean + deviation * ((0..<12).reduce(0.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) } - 6)
    }

    private func evidence(
        _ cosine: Double, _ coverage: Double, count: Int, _ random: inout SplitMix64
    ) -> [AnswerRefusal.Evidence] {
        (0..<count).map { _ in
            AnswerRefusal.Evidence(
                cosine: min(1, normal(cosine, 0.09, &random)),
                coverage: min(max(normal(coverage, 0.17, &random), 0), 1))
        }
    }

    @Test("Calibrated on one half, it refuses 95 of 100 foreign questions on the other, and 5 of 100 others at most")
    func calibration() {
        var random = SplitMix64(seed: 3)
        let fitted = AnswerRefusal.calibrated(
            answerable: evidence(0.66, 0.75, count: 2000, &random), foreign: evidence(0.34, 0.15, count: 2000, &random),
            maximumFalseRefusals: 0.04)
        let refused = evidence(0.34, 0.15, count: 5000, &random).count(where: fitted.refuses)
        let wrongly = evidence(0.66, 0.75, count: 5000, &random).count(where: fitted.refuses)
        print("refused \(refused) of 5000 foreign, \(wrongly) of 5000 answerable")
        #expect(refused >= 4750 && wrongly <= 250)
    }

    @Test("Meaning alone is enough, as for a question in another language than the texts")
    func crossLingual() {
        #expect(!AnswerRefusal().refuses(.init(cosine: 0.72, coverage: 0)))
        #expect(AnswerRefusal().refuses(.init(cosine: 0.2, coverage: 0.1)))
        #expect(!AnswerRefusal().refuses(.init(cosine: nil, coverage: 0.8)))
        #expect(AnswerRefusal().refuses(.init(cosine: nil, coverage: 0.1)))
    }

    @Test("Coverage is the share of the question's words that the passages have")
    func coverage() {
        let passages = Handbook.passages.map(\.passage)
        let known = AnswerRefusal.evidence("试用期员工享受年假吗？", passages)
        #expect(known.coverage > 0.8 && known.cosine == nil)
        #expect(AnswerRefusal.evidence("如何种植番茄？", passages).coverage == 0)
        let some = AnswerRefusal.evidence("员工番茄", passages)
        #expect(some.coverage > 0 && some.coverage < known.coverage)
    }

    @Test("A model that says by itself that there is nothing is heard; one that only begins so is not")
    func own() {
        for language in [AnswerLanguage.chinese, .english] {
            #expect(AnswerRefusal.isRefusal(" \(language.refusal)\n"))
            #expect(!AnswerRefusal.isRefusal(language.refusal + " But employees have five days of leave [1]."))
        }
        #expect(!AnswerRefusal.isRefusal("年假五天。"))
    }
}
