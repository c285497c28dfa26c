import MartletWire
import Testing

@Suite("Requests get exactly the answer that the corpus states")
struct RequestCorpusTests {
    static let cases = (try? CorpusCase.load("requests.txt")) ?? []

    @Test("The corpus is there")
    func corpusIsThere() {
        #expect(Self.cases.count > 280)
        #expect(Self.cases.count { $0.outcome.contains("!") } > 200)
        #expect(Set(Self.cases.map(\.name)).count == Self.cases.count)
    }

    @Test("In one piece", arguments: cases)
    func inOnePiece(_ item: CorpusCase) {
        #expect(requestOutcome(item.bytes, .whole) == item.outcome)
    }

    @Test("Byte by byte", arguments: cases)
    func byteByByte(_ item: CorpusCase) {
        #expect(requestOutcome(item.bytes, .single) == item.outcome)
    }

    @Test("Cut in two at every byte", arguments: cases.filter { $0.bytes.count < 600 })
    func cutInTwo(_ item: CorpusCase) {
        for place in 1..<max(2, item.bytes.count) {
            #expect(requestOutcome(item.bytes, .cut(at: place)) == item.outcome, "cut at \(place)")
        }
    }

    @Test("In pieces of three and of seventeen bytes", arguments: cases)
    func inSmallPieces(_ item: CorpusCase) {
        #expect(requestOutcome(item.bytes, .every(3)) == item.outcome)
        #expect(requestOutcome(item.bytes, .every(17)) == item.outcome)
    }

    @Test("Behind bytes of the buffer that were read before", arguments: cases)
    func readerIndexDoesNotMatter(_ item: CorpusCase) {
        #expect(requestOutcome(item.bytes, .whole, discarded: 5) == item.outcome)
        #expect(requestOutcome(item.bytes, .every(7), discarded: 1) == item.outcome)
    }
}
