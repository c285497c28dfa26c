import MartletLogic
import Testing

struct WordReaderTests {
    private struct Term: Equatable {
        var text: String
        var range: Range<Int>
        var standing: WordReader.Standing
    }

    private func read(_ bytes: [UInt8], as use: WordReader.Use = .document) -> [Term] {
        var terms: [Term] = []
        WordReader().read(bytes.span, as: use) { term, range, standing in
            var copy: [UInt8] = []
            for index in term.indices { copy.append(term[index]) }
            terms.append(Term(text: String(decoding: copy, as: UTF8.self), range: range, standing: standing))
            return true
        }
        return terms
    }

    private func terms(_ text: String, as use: WordReader.Use = .document) -> [String] {
        read(Array(text.utf8), as: use).map(\.text)
    }

    @Test func eachTwoNeighboursAreATermAndTheLastStandsAlone() {
        #expect(terms("年假政策") == ["年假", "假政", "政策", "策"])
        #expect(terms("年假，政策") == ["年假", "假", "政策", "策"])
        #expect(terms("东京タワー") == ["东京", "京タ", "タワ", "ワー", "ー"])
        #expect(terms("한국어") == ["한국", "국어", "어"])
    }

    @Test func aQuestionOfTwoCharactersIsOneTerm() {
        #expect(terms("年假", as: .query) == ["年假"])
    }

    @Test func aSingleCharacterOfAQuestionMeansWhatBeginsWithIt() {
        #expect(read(Array("假".utf8), as: .query) == [Term(text: "假", range: 0..<3, standing: .beginning)])
        // Each character of a document begins a term, so that each is found by it.
        for character in "带薪年假" {
            #expect(terms("公司带薪年假").contains { $0.hasPrefix(String(character)) })
        }
    }

    @Test func aLineBreakWithinARunDoesNotEndIt() {
        #expect(terms("年\n假") == ["年假", "假"])
        #expect(terms("年 \r\n  假") == ["年假", "假"])
        #expect(terms("年\n\n假") == ["年", "假"])
        #expect(terms("年 假") == ["年", "假"])
        #expect(read(Array("年\n假".utf8)).first?.range == 0..<7)
    }

    @Test func wordsAreInLowerCase() {
        #expect(terms("Annual LEAVE") == ["annual", "leave"])
        #expect(terms("ÜBER Öl ЖЁСТКО") == ["über", "öl", "жёстко"])
        #expect(terms("cafe\u{301} bar") == ["cafe\u{301}", "bar"])
    }

    @Test func anIdentifierIsFoundWholeAndInParts() {
        #expect(terms("ISO-9001") == ["iso-9001", "iso", "9001"])
        #expect(terms("v1.2.3") == ["v1.2.3", "v", "1", "2", "3"])
        #expect(terms("foo_bar") == ["foo_bar", "foo", "bar"])
        #expect(terms("2.5GB") == ["2.5gb", "2", "5", "gb"])
        #expect(terms("GB/T 19001") == ["gb/t", "gb", "t", "19001"])
        #expect(terms("don’t") == ["don't", "don", "t"])
        #expect(read(Array("a ISO-9001".utf8)).map(\.standing) == [.next, .next, .same, .next])
        #expect(read(Array("a ISO-9001".utf8)).map(\.range) == [0..<1, 2..<10, 2..<5, 6..<10])
    }

    @Test func aJointThatJoinsNothingIsABlank() {
        #expect(terms("Yes. 'No' - a--b .c_") == ["yes", "no", "a", "b", "c"])
    }

    @Test func commasOfThousandsAreNoPartOfANumber() {
        #expect(terms("1,234,567元") == ["1234567", "元"])
        #expect(terms("1,2345 12,34 a,bcd") == ["1", "2345", "12", "34", "a", "bcd"])
    }

    @Test func fullWidthIsReadAsASCII() {
        #expect(terms("ＩＳＯ－９００１　Ａ股") == ["iso-9001", "iso", "9001", "a", "股"])
    }

    @Test func scriptsMeetWithoutBlanks() {
        #expect(terms("请3天假") == ["请", "3", "天假", "假"])
        #expect(terms("用iPhone15拍") == ["用", "iphone15", "iphone", "15", "拍"])
    }

    @Test func bytesThatAreNotUTF8AreBlanks() {
        #expect(read([0x61, 0xff, 0x62, 0xe5, 0xb9, 0x63, 0xe5]).map(\.text) == ["a", "b", "c"])
        #expect(read([0xc0, 0xaf, 0xed, 0xa0, 0x80, 0xf4, 0x90, 0x80, 0x80, 0x7a]).map(\.text) == ["z"])
        #expect(read([0xe0, 0x80, 0x80, 0xf0, 0x80, 0x80, 0x80]).isEmpty)
    }

    @Test func rangesAreThoseOfTheText() {
        let text = "年假规定：Ａnnual-LEAVE 見 foo_bar。\r\n第 3 条 ünd 10,000 元"
        let bytes = Array(text.utf8)
        for term in read(bytes) {
            let source = String(decoding: bytes[term.range], as: UTF8.self)
            let again = terms(source).first
            #expect(again == term.text || term.text.hasPrefix(again ?? "?"), "\(term)")
        }
    }

    @Test func noTermIsLongerThanItsBound() {
        let long = String(repeating: "abcdefgh", count: 100) + String(repeating: "1a", count: 60)
        let terms = read(Array((long + "-x.y").utf8))
        #expect(terms.allSatisfy { $0.text.utf8.count <= WordReader.longestTerm })
        // All of it is read: wholes one behind another.
        var end = 0
        for term in terms where term.standing == .next && term.range.lowerBound >= end {
            #expect(term.range.lowerBound - end <= 1)
            end = term.range.upperBound
        }
        #expect(end == long.utf8.count + 4)
    }

    @Test func theCallerEndsTheReading() {
        var count = 0
        WordReader().read(Array("年假 ISO-9001 政策".utf8).span, as: .document) { _, _, _ in
            count += 1
            return count < 4
        }
        #expect(count == 4)
    }
}
