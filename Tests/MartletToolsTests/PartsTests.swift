import MartletBase
import NIOCore
import Testing

@testable import MartletTools

@Suite struct HistogramTests {
    @Test func smallValuesAreExact() {
        var histogram = Histogram()
        for value in 1...100 { histogram.add(UInt64(value)) }
        #expect(histogram.quantile(0.5) == 50)
        #expect(histogram.quantile(0.99) == 99)
        #expect(histogram.quantile(1) == 100)
        #expect(histogram.quantile(0) == 1)
        #expect(histogram.mean == 50.5)
    }

    @Test(arguments: [255, 256, 257, 1000, 65_535, 1_000_000, 123_456_789, 4_000_000_000_000] as [UInt64])
    func quantileIsNeverTooLowAndAtMostOnePercentTooHigh(value: UInt64) {
        var histogram = Histogram()
        histogram.add(value)
        histogram.add(.max)
        let quantile = histogram.quantile(0.5)
        #expect(quantile >= value)
        #expect(Double(quantile) <= Double(value) * 1.008)
        #expect(histogram.maximum == .max)
    }

    @Test func mergingIsAddingUp() {
        var one = Histogram()
        var two = Histogram()
        var both = Histogram()
        for value in stride(from: 1, to: 1_000_000, by: 997) as StrideTo<UInt64> {
            if value % 2 == 0 { one.add(value) } else { two.add(value) }
            both.add(value)
        }
        one.merge(two)
        #expect(one == both)
    }

    @Test func emptyHasZeroes() {
        #expect(Histogram().quantile(0.5) == 0)
        #expect(Histogram().mean == 0)
    }
}

@Suite struct ByteSearchTests {
    @Test(arguments: [
        ("\"stream\"", "{\"a\":1,\"stream\":true}", 15), ("ab", "aab", 3), ("aab", "aaab", 4), ("a", "bca", 3),
    ])
    func findsTheEnd(pattern: String, text: String, end: Int) {
        #expect(ByteSearch(pattern).end(in: ByteBuffer(string: text).readableBytesUInt8Span) == end)
    }

    @Test(arguments: [("abc", "ababab"), ("abc", "ab"), ("abc", ""), ("", "abc")])
    func findsNothing(pattern: String, text: String) {
        #expect(ByteSearch(pattern).end(in: ByteBuffer(string: text).readableBytesUInt8Span) == nil)
    }
}

@Suite struct ChunkedDecoderTests {
    @Test func anyPiecesGiveTheSameBody() {
        let text = "5\r\nhello\r\nA;name=value\r\n, world..!\r\n0\r\nx-trailer: 1\r\n\r\nnext"
        for length in 1...text.utf8.count {
            var decoder = ChunkedDecoder()
            var input = ByteBuffer()
            var output = ByteBuffer()
            var isComplete = false
            let bytes = Array(text.utf8)
            for start in stride(from: 0, to: bytes.count, by: length) {
                input.writeBytes(bytes[start..<min(start + length, bytes.count)])
                if !isComplete, case .complete = decoder.decode(&input, into: &output) { isComplete = true }
            }
            #expect(isComplete)
            #expect(String(buffer: output) == "hello, world..!")
            #expect(String(buffer: input) == "next")
        }
    }

    @Test(arguments: ["x\r\n", "\r\n", "fffffffff\r\n", "2\r\nabc\r\n"]) func nonsenseIsMalformed(text: String) {
        var decoder = ChunkedDecoder()
        var input = ByteBuffer(string: text)
        var output = ByteBuffer()
        guard case .malformed = decoder.decode(&input, into: &output) else {
            Issue.record("not malformed: \(text)")
            return
        }
    }
}

@Suite struct LoadOptionsTests {
    @Test(arguments: [
        ("http://127.0.0.1:8080/v1/x?y=1", "127.0.0.1", 8080, "/v1/x?y=1"), ("http://host", "host", 80, "/"),
        ("http://[::1]:9/a", "::1", 9, "/a"), ("http://[::1]/a", "::1", 80, "/a"),
    ])
    func urlsAreRead(text: String, host: String, port: Int, path: String) {
        var options = LoadOptions()
        let isRead = options.setURL(text)
        #expect(isRead)
        #expect(options.host == host && options.port == port && options.path == path)
    }

    @Test(arguments: ["", "host", "https://host/", "http://", "http:///x", "http://host:0/", "http://host:x/"])
    func otherTextsAreNot(text: String) {
        var options = LoadOptions()
        let isRead = options.setURL(text)
        #expect(!isRead)
    }

    @Test(arguments: [false, true]) func defaultBodyIsOneKilobyte(stream: Bool) {
        #expect(LoadOptions.chatBody(stream: stream).utf8.count == 1024)
    }
}
