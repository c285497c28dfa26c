import MartletWire
import Testing

@Suite("Requests get exactly the answer that the corpus states")
struct RequestCorpusTests {
    static let cases = (try? CorpusCase.load()) ?? []

    @Test("The corpus is there")
    func corpusIsThere() {
        #expect(Self.cases.count > 1800)
        #expect(Self.cases.count { $0.outcome.contains("!") } > 1000)
        #expect(Set(Self.cases.map(\.name)).count == Self.cases.count)
    }

    @Test("In one piece")
    func inOnePiece() {
        for item in Self.cases { #expect(requestOutcome(item.bytes, .whole) == item.outcome, "\(item.name)") }
    }

    @Test("Byte by byte, and in pieces of three and of seventeen", arguments: [1, 3, 17])
    func inPieces(_ size: Int) {
        for item in Self.cases { #expect(requestOutcome(item.bytes, .every(size)) == item.outcome, "\(item.name)") }
    }

    @Test("Cut in two at every byte")
    func cutInTwo() {
        for item in Self.cases where item.bytes.count < 600 {
            for place in 1..<max(2, item.bytes.count) {
                #expect(requestOutcome(item.bytes, .cut(at: place)) == item.outcome, "\(item.name), cut at \(place)")
            }
        }
    }

    @Test("Behind bytes of the buffer that were read before", arguments: [(Pieces.whole, 5), (.every(7), 1)])
    func readerIndexDoesNotMatter(_ pieces: Pieces, _ discarded: Int) {
        for item in Self.cases {
            #expect(requestOutcome(item.bytes, pieces, discarded: discarded) == item.outcome, "\(item.name)")
        }
    }
}
