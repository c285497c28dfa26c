import Testing

@testable import MartletLogic

@Suite("What of a question is about its subject")
struct QuestionWordsTests {
    private func words(_ question: String) -> [String] { WordQuery(question).words.map(\.text) }

    @Test("Words that only ask are not looked for, in both languages")
    func asking() {
        #expect(words("How do I reset my password?") == ["reset", "password"])
        #expect(words("如何重置密码？") == words("重置密码"))
        #expect(words("年假有多少天") == words("年假有 天"))
    }

    @Test("What stood on both sides of such a word is no word together")
    func borders() {
        #expect(!words("什么是年假的规定").contains("假规"))
    }

    @Test("A question of nothing else is looked for as it is")
    func alone() {
        #expect(words("什么") == ["什么"])
        #expect(words("who is who") == ["who", "is"])
    }

    @Test("Names with a digit or a joint are names, whatever letters they have")
    func names() {
        #expect(words("is A-1 ok").contains("a-1"))
        #expect(words("the IT-2 form").contains("it-2"))
        #expect(words("where is IT2").contains("it2"))
        #expect(words("出差目的地").contains("目的"))
    }
}
