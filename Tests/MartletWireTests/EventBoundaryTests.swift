import MartletWire
import NIOCore
import Testing

@Suite("Events of a stream are cut where they end")
struct EventBoundaryTests {
    /// Straight from the definition: how many bytes of `bytes` end with a complete event. A line ends in CRLF, LF or
    /// CR; an empty line ends an event; a mark at the start is not part of a line.
    static func reference(_ bytes: [UInt8]) -> Int {
        var index = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? 3 : 0
        var lineIsEmpty = true
        var end = 0
        while index < bytes.count {
            if bytes[index] == 10 || bytes[index] == 13 {
                if bytes[index] == 13, index + 1 < bytes.count, bytes[index + 1] == 10 { index += 1 }
                if lineIsEmpty { end = index + 1 }
                lineIsEmpty = true
            } else {
                lineIsEmpty = false
            }
            index += 1
        }
        return end
    }

    /// Feeds pieces and returns how far the last boundary lies from the start.
    static func scanned(_ bytes: [UInt8], _ pieces: Pieces) -> (end: Int, isAtBoundary: Bool) {
        var boundary = EventBoundary()
        var position = 0
        var end = 0
        pieces.forEach(bytes) { piece in
            let found = boundary.scan(Array(piece).span)
            #expect(0...piece.count ~= found)
            if found > 0 { end = position + found }
            position += piece.count
        }
        return (end, boundary.isAtBoundary)
    }

    static let endings = ["\n", "\r", "\r\n"]
    static let streams: [String] = endings.flatMap { a in
        endings.flatMap { b in
            [
                "data: x\(a)\(b)", "data: x\(a)\(b)data: y\(b)", "event: e\(a)data: 1\(b)data: 2\(a)\(b)id: 7\(a)",
                ": comment\(a)\(b): again\(b)\(a)", "\(a)\(b)", "\u{feff}data: x\(a)\(b)", "\u{feff}\(a)\(b)data",
                "data: long \(String(repeating: "é", count: 40))\(a)\(b)data: tail without end",
                "data: {\"a\":\"\\n\\n\"}\(a)", "", "x", "data: x\(a)\(b)\(a)\(b)\(b)", "data: [DONE]\(a)\(b)",
            ]
        }
    }

    @Test("At every byte, with every line ending", arguments: streams)
    func everyCut(_ stream: String) {
        let bytes = Array(stream.utf8)
        let end = Self.reference(bytes)
        for pieces in [Pieces.whole, .single, .every(2), .every(3), .every(5)] {
            #expect(Self.scanned(bytes, pieces).end == end)
        }
        for place in 1..<max(2, bytes.count) {
            #expect(Self.scanned(bytes, .cut(at: place)).end == end, "cut at \(place)")
        }
        #expect(Self.scanned(bytes, .single).isAtBoundary == (end == bytes.count))
    }

    @Test("Whatever the bytes, pieces do not change the answer", arguments: 0..<400)
    func randomStreams(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        let alphabet: [UInt8] = [10, 10, 13, 13, 97, 0xef, 0xbb, 0xbf]
        let bytes = (0..<Int.random(in: 0...40, using: &random)).map { _ in
            alphabet.randomElement(using: &random) ?? 97
        }
        let end = Self.reference(bytes)
        #expect(Self.scanned(bytes, .whole).end == end)
        #expect(Self.scanned(bytes, .single).end == end)
        #expect(Self.scanned(bytes, .every(Int.random(in: 1...9, using: &random))).end == end)
    }

    @Test("An LF that follows a finished CR line belongs to it")
    func lateLineFeed() {
        var boundary = EventBoundary()
        #expect(boundary.scan(Array("data: x\r\n\r".utf8).span) == 10)
        #expect(boundary.isAtBoundary)
        #expect(boundary.scan(Array("\ndata: y".utf8).span) == 1)
        #expect(!boundary.isAtBoundary)
    }

    @Test("A line that never ends holds everything back")
    func endlessLine() {
        var boundary = EventBoundary()
        let piece = Array(repeating: UInt8(ascii: "x"), count: 4096)
        for _ in 0..<64 { #expect(boundary.scan(piece.span) == 0) }
        #expect(!boundary.isAtBoundary)
    }
}
