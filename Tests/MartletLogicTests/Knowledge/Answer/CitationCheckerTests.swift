import Testing

@testable import MartletLogic

@Suite("Citations that are checked")
struct CitationCheckerTests {
    private func flaws(_ answer: String) -> [[CheckedSentence.Flaw]] { Handbook.checker.check(answer).map(\.flaws) }

    @Test("A number that the cited place does not have is named, as the answer writes it")
    func numbers() {
        #expect(flaws("婚假为3天[1]。婚假为7天[1]。") == [[], [.unknownDetail("7天")]])
        #expect(flaws("Hotel costs up to $250 per night are reimbursed [4].") == [[.unknownDetail("$250")]])
    }

    @Test("A number that stands elsewhere in the source only is unknown here")
    func otherPlace() {
        // 158 is said of maternity leave.
        #expect(flaws("依法登记结婚的员工享受婚假158天[1]。") == [[.unknownDetail("158天")]])
    }

    @Test("A date, an amount and a share are the same in another form")
    func forms() {
        #expect(flaws("The rules FIN-2024-017 差旅费报销办法 2024-05-01 起施行[2]。") == [[]])
        #expect(flaws("病假工资按基本工资的百分之八十发放[1]。单张发票超过五千元的须附合同复印件[2]。") == [[], []])
    }

    @Test("Another unit is another number")
    func units() {
        #expect(flaws("连续5次输入错误密码，账号锁定30小时[3]。") == [[.unknownDetail("30小时")]])
    }

    @Test("A source that there is not, and one that says nothing of it, are named")
    func sources() {
        #expect(flaws("婚假为3天[9]。") == [[.unknownSource(9)]])
        let checked = Handbook.checker.check("依法登记结婚的员工享受婚假3天[4]。")
        #expect(checked.map(\.flaws) == [[.unknownSource(4)]])
        #expect(checked[0].citations.map(\.source) == [1])
        #expect(flaws("依法登记结婚的员工享受婚假3天[1][2]。") == [[.unknownSource(2)]])
    }

    @Test("What no source says is unsupported, whatever it cites, and nothing is lowered for it")
    func unsupported() {
        for sentence in Handbook.invented {
            #expect(flaws(sentence + "[1]").allSatisfy { $0.contains(.unsupported) }, "\(sentence)")
            #expect(flaws(sentence).allSatisfy { $0.contains(.unsupported) }, "\(sentence)")
        }
    }

    @Test("What denies what its source affirms, or the other way round, is unsupported")
    func negation() {
        #expect(flaws("试用期员工享受带薪年假[1]。") == [[.unsupported]])
        #expect(flaws("New employees may work from home during the first 90 days [4].") == [[.unsupported]])
        #expect(flaws("Alcohol is reimbursed [4].") == [[.unsupported]])
        #expect(flaws("试用期员工不能享受带薪年假[1]。") == [[]])
    }

    @Test("Courtesies, headings and silence need no support; their numbers do")
    func nothingSaid() {
        #expect(flaws("希望对您有帮助！You are welcome.") == [[], []])
        #expect(flaws("## 假期规定\n具体如下：") == [[], []])
        #expect(flaws("资料中没有提到股票期权。The sources do not mention parking.") == [[], []])
        #expect(flaws("## 年假 9999 元") == [[.unknownDetail("9999 元")]])
    }

    @Test("One sentence may rest on two places, and shows both")
    func twoPlaces() {
        let checked = Handbook.checker.check("病假工资按基本工资的80%发放，男员工享受陪产假15天[1]。")
        #expect(checked.map(\.flaws) == [[]])
        #expect(checked[0].citations.count == 2)
    }

    @Test("Numbers in brackets of code cite nothing")
    func code() {
        let checked = Handbook.checker.check("```\nx = a[9]\n```")
        #expect(!checked.flatMap(\.flaws).contains(.unknownSource(9)))
        #expect(Handbook.checker.check("`a[9]`").flatMap(\.flaws).contains(.unknownSource(9)) == false)
    }

    @Test("Without its document's text, a passage is cited whole")
    func withoutText() {
        let (passage, _) = Handbook.passages[0]
        let checker = CitationChecker([CitationSource(passage, of: nil)])
        let checked = checker.check("依法登记结婚的员工享受婚假3天[1]。")
        #expect(checked[0].citations == [.init(source: 1, range: passage.chunk.range)])
    }

    @Test("Without sources nothing is supported")
    func noSources() {
        #expect(CitationChecker([]).check("婚假为3天[1]。").map(\.flaws) == [[.unknownSource(1), .unknownDetail("3天"),
            .unsupported]])
    }
}
