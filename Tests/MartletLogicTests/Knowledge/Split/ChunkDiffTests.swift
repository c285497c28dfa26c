import MartletLogic
import Testing

struct ChunkDiffTests {
    private func keys(_ texts: String..., model: String = "e5") -> [ChunkDiff.Key] {
        texts.map { ChunkDiff.Key(text: $0, model: model) }
    }

    @Test func onlyWhatIsNewIsEmbedded() {
        let diff = ChunkDiff(old: keys("甲", "乙", "丙"), new: keys("丙", "丁", "甲"))
        #expect(diff.sources == [.old(2), .embedded(0), .old(0)])
        #expect(diff.embedded == [1])
    }

    @Test func aTextThatStandsTwiceIsEmbeddedOnce() {
        let diff = ChunkDiff(old: [], new: keys("甲", "甲", "乙", "甲"))
        #expect(diff.embedded == [0, 2])
        #expect(diff.sources == [.embedded(0), .embedded(0), .embedded(1), .embedded(0)])
    }

    @Test func vectorsOfAnotherModelServeNobody() {
        #expect(ChunkDiff(old: keys("甲"), new: keys("甲", model: "use")).embedded == [0])
    }
}
