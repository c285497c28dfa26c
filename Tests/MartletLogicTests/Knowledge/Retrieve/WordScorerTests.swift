import Foundation
import MartletLogic
import Testing

@Suite("Words of a knowledge base")
struct WordScorerTests {
    private static func index(_ texts: [String]) -> WordIndex {
        var builder = WordIndexBuilder()
        for text in texts { builder.add([text]) }
        return builder.build()
    }

    private static func part(_ index: WordIndex, _ live: RowSet) -> WordPart {
        let length = index.lengths.indices.reduce(0) { $0 + (live.contains($1) ? Int(index.lengths[$1]) : 0) }
        return WordPart(index: index, live: live, length: length)
    }

    private static func part(_ texts: [String]) -> WordPart {
        let built = index(texts)
        return part(built, RowSet(rows: texts.count, full: true))
    }

    private static func found(_ question: String, _ texts: [String]) -> [Int] {
        let scorer = WordScorer(WordQuery(question), in: [part(texts)], BM25())
        var scratch: [Float] = []
        return scorer.best(10, admitted: nil, scratch: &scratch).map(\.row)
    }

    @Test("A word of two Chinese characters is found, and a single character by what begins with it")
    func chinese() {
        let texts = ["员工每年有十天年假。", "出差须经主管批准。", "年终奖在一月发放。"]
        #expect(Self.found("年假", texts) == [0])
        #expect(Set(Self.found("年", texts)) == [0, 2])
        #expect(Self.found("报销", texts) == [])
    }

    @Test("A question in another language is silent")
    func silent() {
        let part = Self.part(["员工每年有十天年假。"])
        #expect(WordScorer(WordQuery("How many days off"), in: [part], BM25()).isSilent)
        #expect(!WordScorer(WordQuery("年假 days"), in: [part], BM25()).isSilent)
    }

    @Test("Scores are BM25's, however the rows are spread over segments, joined or gone", arguments: [1, 2, 3])
    func oracle(seed: UInt64) {
        var random = Seeded(seed)
        let vocabulary = "abcdefghij".flatMap { first in "klmn".map { "\(first)\($0)" } }
            + ["shelf", "contractual", "internationalisation"]
        var texts: [String] = []
        for _ in 0..<300 {
            let words = (0..<Int.random(in: 1...30, using: &random)).map { _ in
                vocabulary[Int.random(in: 0..<43, using: &random)]
            }
            texts.append(words.joined(separator: " "))
        }
        let gone = Set((0..<300).filter { _ in Int.random(in: 0..<4, using: &random) == 0 })
        // 100 rows each.
        let parts = (0..<3).map { segment -> WordPart in
            var live = RowSet(rows: 100, full: true)
            for row in 0..<100 where gone.contains(segment * 100 + row) { live.remove(row..<row + 1) }
            return Self.part(Self.index(Array(texts[segment * 100..<segment * 100 + 100])), live)
        }
        let kept = texts.indices.filter { !gone.contains($0) }
        let joined = WordIndex(joining: parts.map { ($0.index, $0.live) })
        let whole = Self.part(joined, RowSet(rows: kept.count, full: true))
        for question in ["ak bl bl", "internationalisation shelf", "jn nowhere"] {
            let expected = Self.bm25(question.split(separator: " ").map(String.init), kept.map { texts[$0] })
            var scratch: [Float] = []
            let spread = WordScorer(WordQuery(question), in: parts, BM25())
            let one = WordScorer(WordQuery(question), in: [whole], BM25())
            for found in spread.best(300, admitted: nil, scratch: &scratch) {
                let place = kept.firstIndex(of: found.segment * 100 + found.row)
                #expect(abs(found.score - Float(expected[place ?? -1])) < 1e-4)
                #expect(spread.score(segment: found.segment, row: found.row) == found.score)
            }
            let all = one.best(300, admitted: nil, scratch: &scratch)
            #expect(all.count == expected.filter { $0 > 0 }.count)
            for found in all { #expect(abs(found.score - Float(expected[found.row])) < 1e-4) }
            #expect(all.map(\.score) == all.map(\.score).sorted(by: >))
        }
    }

    @Test("Rows that are not admitted are not found, and each row tells what it matched")
    func admitted() {
        let part = Self.part(["red green", "red blue", "red"])
        let scorer = WordScorer(WordQuery("red blue"), in: [part], BM25())
        var admitted = RowSet(rows: 3, full: false)
        admitted.insert(0..<1)
        var scratch: [Float] = []
        #expect(scorer.best(3, admitted: [admitted], scratch: &scratch).map(\.row) == [0])
        #expect(scorer.matched(segment: 0, row: 1) == ["red", "blue"])
        #expect(scorer.matched(segment: 0, row: 0) == ["red"])
    }

    private static func bm25(_ question: [String], _ texts: [String]) -> [Double] {
        let words = texts.map { $0.split(separator: " ").map(String.init) }
        let average = Double(words.reduce(0) { $0 + $1.count }) / Double(words.count)
        return words.map { text in
            question.reduce(0) { sum, term in
                let holding = Double(words.filter { $0.contains(term) }.count)
                guard holding > 0 else { return sum }
                let rarity = log(1 + (Double(words.count) - holding + 0.5) / (holding + 0.5))
                let count = Double(text.filter { $0 == term }.count)
                return sum + rarity * count * 2.2 / (count + 1.2 * (0.25 + 0.75 * Double(text.count) / average))
            }
        }
    }
}

/// The same numbers each time.
private struct Seeded: RandomNumberGenerator {
    private var state: UInt64

    init(_ seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var value = state
        value = (value ^ value >> 30) &* 0xbf58_476d_1ce4_e5b9
        value = (value ^ value >> 27) &* 0x94d0_49bb_1331_11eb
        return value ^ value >> 31
    }
}
