import Testing

@testable import MartletLogic

@Suite("Not in the knowledge base")
struct AnswerRefusalTests {
    @Test("Meaning alone is enough, as for a question in another language than the texts")
    func crossLingual() {
        #expect(!AnswerRefusal().refuses(.init(nearness: 0.72, coverage: 0)))
        #expect(AnswerRefusal().refuses(.init(nearness: 0.1, coverage: 0.3)))
        #expect(!AnswerRefusal().refuses(.init(nearness: 0.1, coverage: 1)), "all words of a short question are there")
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
