import MartletLogic
import Testing

@testable import MartletKnowledge

@Suite("Segments of an index")
struct SegmentTests {
    private func segment(_ document: Int64, chunks: ClosedRange<Int64>) -> IndexSegment {
        var builder = IndexBuilder()
        for chunk in chunks {
            builder.add(
                chunk, texts: ["rule \(chunk)"], vector: [1, 0, 0, 0], of: document, "long.csv", [:])
        }
        return builder.build()
    }

    @Test("A document that came in two pieces is joined, found whole, and goes whole")
    func pieces() {
        let parts = [segment(7, chunks: 1...3), segment(7, chunks: 4...5), segment(8, chunks: 6...6)]
        let joined = IndexSegment(joining: parts.map { LiveSegment($0) }, dimensions: 4)
        var live = LiveSegment(joined)
        #expect(live.live.count == 6)
        #expect(joined.chunks == Array(1...6))
        live.remove(7)
        #expect(live.live.count == 1)
        #expect(live.live.contains(5))
    }
}
