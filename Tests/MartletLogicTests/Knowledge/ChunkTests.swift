import Testing

@testable import MartletLogic

@Suite("Chunks")
struct ChunkTests {
    @Test("What stands under headings says them once")
    func underHeadings() {
        let first = Chunk(text: "# Leave\n\n## Days\n\nFive.", range: 0..<24, headings: ["Leave", "Days"])
        #expect(first.underHeadings == "Leave Days\nFive.")
        let later = Chunk(text: "Six.", range: 24..<28, headings: ["Leave", "Days"])
        #expect(later.underHeadings == "Leave Days\nSix.")
        #expect(Chunk(text: "# Seven", range: 0..<7).underHeadings == "# Seven")
    }
}
