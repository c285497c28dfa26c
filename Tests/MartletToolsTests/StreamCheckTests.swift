import NIOCore
import Testing

@testable import MartletTools

@Suite struct StreamCheckTests {
    private func check(_ text: String, pieces: Int = 1) -> (events: Int, check: StreamCheck) {
        var check = StreamCheck()
        var body = ByteBuffer()
        var events = 0
        let bytes = Array(text.utf8)
        let length = max(bytes.count / pieces, 1)
        for start in stride(from: 0, to: bytes.count, by: length) {
            body.writeBytes(bytes[start..<min(start + length, bytes.count)])
            while check.nextEvent(in: &body) != nil { events += 1 }
        }
        return (events, check)
    }

    private func stream(_ numbers: [Int], end: String = "data: [DONE]\n\n") -> String {
        numbers.map { "data: {\"n\":\($0) ,\"t\":5}\n\n" }.joined() + end
    }

    @Test func wholeStreamInAnyPieces() {
        let text = stream([0, 1, 2])
        for pieces in [1, 3, text.utf8.count] {
            let seen = check(text, pieces: pieces)
            #expect(seen.events == 3)
            #expect(seen.check.isDone && !seen.check.hasGap && !seen.check.hasError)
        }
    }

    @Test(arguments: [[0, 2], [1], [0, 0], [1, 0]]) func numbersOutOfOrder(numbers: [Int]) {
        #expect(check(stream(numbers)).check.hasGap)
    }

    @Test func numberedEventAfterTheEnd() {
        #expect(check(stream([0], end: "data: [DONE]\n\ndata: {\"n\":1}\n\n")).check.hasGap)
    }

    @Test func commentsAndOtherLineEnds() {
        let seen = check(": keep-alive\n\ndata: {\"n\":0}\r\n\r\n\n: more\n\ndata: [DONE]\r\n\r\n")
        #expect(seen.events == 1)
        #expect(seen.check.isDone && !seen.check.hasGap)
    }

    @Test func missingMarkerAndErrorEvent() {
        let seen = check(stream([0], end: "data: {\"error\":{}}\n\n"))
        #expect(!seen.check.isDone && seen.check.hasError)
    }
}
