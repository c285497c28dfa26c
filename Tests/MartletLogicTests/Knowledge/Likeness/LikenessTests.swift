import MartletBase
import MartletLogic
import Testing

struct LikenessTests {
    private static let syllables = ["年", "假", "工", "资", "审", "批", "合", "同", "员", "公", "司", "期", "天", "月", "部", "门"]
    private static let words = ["leave", "policy", "annual", "sick", "manager", "approval", "travel", "expense", "team"]

    /// Sentences of words, in Chinese or English.
    private static func sentences(_ count: Int, seed: UInt64) -> [String] {
        var numbers = SplitMix64(seed: seed)
        let isEnglish = seed % 2 == 0
        return (0..<count).map { _ in
            let words = (0..<(isEnglish ? 8 : 16)).map { _ in
                (isEnglish ? Self.words : Self.syllables).randomElement(using: &numbers) ?? ""
            }
            return words.joined(separator: isEnglish ? " " : "") + "\(numbers.next() % 100)" + (isEnglish ? ". " : "。")
        }
    }

    private static func likeness(_ sentences: [String]) -> Likeness { Likeness(of: sentences.joined()) }

    @Test func textsThatSayTheSameAreAlike() {
        let one = Likeness(of: "员工每年有五天年假。Annual leave: 5 days, ISO-9001.")
        let other = Likeness(of: "员工每年有五天年假！\n\nANNUAL leave　５ days; ISO-9001")
        #expect(one.similarity(to: other) == 1)
    }

    @Test func nearDuplicatesAreFoundAndOthersAreNot() {
        var missed = 0
        var mistaken = 0
        let documents = (0..<300).map { Self.sentences(60, seed: UInt64($0)) }
        let sketches = documents.map(Self.likeness)
        for (index, sentences) in documents.enumerated() {
            // Three sentences of sixty are others: 0.9 of what both say is in both.
            var edited = sentences
            for (offset, place) in [7, 31, 52].enumerated() {
                edited[place] = Self.sentences(offset + 1, seed: UInt64(index) + 5000)[offset]
            }
            if Self.likeness(edited).similarity(to: sketches[index]) < 0.8 { missed += 1 }
            for other in sketches[..<index] where other.similarity(to: sketches[index]) >= 0.8 { mistaken += 1 }
        }
        #expect(missed <= 3)
        #expect(mistaken == 0)
    }

    @Test func whatIsFoundIsHowMuchIsInBoth() {
        var errors: [Double] = []
        for seed in stride(from: 1 as UInt64, to: 200, by: 2) {
            let sentences = Self.sentences(100, seed: seed)
            let other = Array(sentences[..<80]) + Self.sentences(20, seed: seed + 900_000)
            errors.append(Self.likeness(sentences).similarity(to: Self.likeness(other)) - 80.0 / 120)
        }
        let mean = errors.reduce(0, +) / Double(errors.count)
        #expect(abs(mean) < 0.04)
        #expect(errors.allSatisfy { abs($0) < 0.2 })
    }

    @Test func textsWithoutWordsAreLikeNone() {
        #expect(Likeness(of: "").similarity(to: Likeness(of: "。。")) == 0)
        #expect(Likeness(of: "x").similarity(to: Likeness(of: "x")) == 1)
        #expect(Likeness(of: "x").similarity(to: Likeness(of: "y")) == 0)
    }

    @Test func aSketchIsKeptAsBytes() throws {
        let likeness = Likeness(of: "员工每年有五天年假。")
        #expect(likeness.bytes.count == Likeness.length)
        #expect(try #require(Likeness(bytes: likeness.bytes)) == likeness)
        #expect(Likeness(bytes: [1, 2, 3]) == nil)
    }

    @Test func theIndexTellsTheMostSimilarFirstAndForgetsWhatGoes() {
        let sentences = Self.sentences(60, seed: 1)
        var index = LikenessIndex<String>()
        index.insert(Self.likeness(Self.sentences(60, seed: 3)), as: "other")
        index.insert(Self.likeness(Array(sentences[..<57])), as: "near")
        index.insert(Self.likeness(sentences), as: "same")
        #expect(index.similar(to: Self.likeness(sentences)).map(\.id) == ["same", "near"])
        index.remove("other")
        index.remove("other")
        #expect(index.similar(to: Self.likeness(sentences)).map(\.id) == ["same", "near"])
        index.remove("same")
        #expect(index.similar(to: Self.likeness(sentences)).map(\.id) == ["near"])
        index.insert(Self.likeness(sentences), as: "near")
        #expect(index.similar(to: Self.likeness(sentences)).map(\.similarity) == [1])
        #expect(index.count == 1)
    }
}
