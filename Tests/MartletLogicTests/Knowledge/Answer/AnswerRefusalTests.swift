import Testing

@testable import MartletLogic

@Suite("Not in the knowledge base")
struct AnswerRefusalTests {
    /// What words find of a text in the handbook, the best document first.
    private func evidence(_ text: String) -> AnswerRefusal.Evidence {
        let found = Handbook.passages.map(\.passage).map { passage in
            (passage: passage, coverage: AnswerRefusal.evidence(text, [passage]).coverage)
        }.sorted { $0.coverage > $1.coverage }
        return AnswerRefusal.evidence(text, found.map(\.passage))
    }

    private func everyOther(_ texts: [String], from first: Int) -> [AnswerRefusal.Evidence] {
        stride(from: first, to: texts.count, by: 2).map { evidence(texts[$0]) }
    }

    @Test("Calibrated on every other text about a handbook, it tells the rest of them apart from what is not in it")
    func calibration() {
        let fitted = AnswerRefusal.calibrated(
            answerable: everyOther(Handbook.faithful, from: 0), foreign: everyOther(Handbook.invented, from: 0),
            maximumFalseRefusals: 0.04)
        let foreign = everyOther(Handbook.invented, from: 1)
        let answerable = everyOther(Handbook.faithful, from: 1)
        let (refused, wrongly) = (foreign.count(where: fitted.refuses), answerable.count(where: fitted.refuses))
        #expect(refused >= foreign.count - 1, "\(refused) of \(foreign.count)")
        #expect(wrongly <= 2, "\(wrongly) of \(answerable.count)")
    }

    @Test("Where words do not tell answerable questions from foreign ones, calibration leaves it to meaning")
    func meaningOnly() {
        func evidence(_ nearness: [Double]) -> [AnswerRefusal.Evidence] {
            nearness.enumerated().map { .init(nearness: $1, coverage: Double($0 % 5) / 4) }
        }
        let foreign = evidence((0..<50).map { 0.1 + Double($0) / 250 })
        let answerable = evidence((0..<50).map { 0.4 + Double($0) / 250 })
        let fitted = AnswerRefusal.calibrated(answerable: answerable, foreign: foreign, maximumFalseRefusals: 0)
        #expect(foreign.allSatisfy(fitted.refuses) && !answerable.contains(where: fitted.refuses))
        #expect(fitted.wordWeight < 0.5)
    }

    @Test("Meaning alone is enough, as for a question in another language than the texts")
    func crossLingual() {
        #expect(!AnswerRefusal().refuses(.init(nearness: 0.72, coverage: 0)))
        #expect(AnswerRefusal().refuses(.init(nearness: 0.2, coverage: 0.1)))
        #expect(!AnswerRefusal().refuses(.init(nearness: nil, coverage: 0.8)))
        #expect(AnswerRefusal().refuses(.init(nearness: nil, coverage: 0.1)))
    }

    @Test("Coverage is the share of the question's words that the passages have")
    func coverage() {
        let passages = Handbook.passages.map(\.passage)
        let known = AnswerRefusal.evidence("试用期员工享受年假吗？", passages)
        #expect(known.coverage > 0.8 && known.nearness == nil)
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
