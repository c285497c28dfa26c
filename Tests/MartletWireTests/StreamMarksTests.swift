import MartletWire
import NIOCore
import Testing

@Suite("Usage and the end of a stream are read in passing")
struct StreamMarksTests {
    static func marks(_ events: String...) -> StreamMarks {
        var marks = StreamMarks()
        for event in events { marks.read(Array(event.utf8).span) }
        return marks
    }

    @Test(
        "The terminal marker is seen as a whole line only",
        arguments: [
            ("data: [DONE]\n\n", true), ("data:[DONE]\r\n\r\n", true), ("id: 1\rdata: [DONE]\r\r", true),
            ("data: {\"x\":1}\n\ndata: [DONE]\n\n", true), ("data: [DONE]", true),
            ("data: {\"content\":\"data: [DONE]\"}\n\n", false), ("data: [DONE]x\n\n", false),
            ("data:  [DONE]\n\n", false), ("xdata: [DONE]\n\n", false), (": data: [DONE]\n\n", false),
            ("[DONE]\n\n", false), ("data: [DON", false), ("data: [done]\n\n", false), ("", false),
        ])
    func terminalMarker(_ events: String, _ isDone: Bool) {
        #expect(Self.marks(events).isDone == isDone)
    }

    @Test("The last usage of a stream counts, null does not")
    func lastUsage() {
        let marks = Self.marks(
            "data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}],\"usage\":null}\n\n",
            "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1,\"total_tokens\":6}}\n\n",
            "data: {\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2,\"total_tokens\":7}}\n\n",
            "data: {\"choices\":[],\"usage\":null}\n\n", "data: [DONE]\n\n")
        #expect(marks.usage == TokenUsage(prompt: 5, completion: 2, total: 7))
        #expect(marks.isDone)
    }

    @Test("Several events in one slice are read as one after the other")
    func severalEventsAtOnce() {
        let marks = Self.marks(
            "data: {\"usage\":null}\n\n"
                + "data: {\"usage\": {\"prompt_tokens\": 3, \"total_tokens\": 4}}\n\ndata: [DONE]\n\n"
        )
        #expect(marks.usage == TokenUsage(prompt: 3, completion: 1, total: 4))
        #expect(marks.isDone)
    }

    static let usage = TokenUsage(prompt: 12, completion: 34, total: 46)
    static let fields = "\"prompt_tokens\":12,\"completion_tokens\":34,\"total_tokens\":46"
    static let bodies: [(String, TokenUsage?)] = [
        ("{\"usage\":{\(fields)}}", usage),
        (
            "{\"id\":\"x\",\n \"usage\" :\t{ \"prompt_tokens\" : 12 ,\n"
                + "\"completion_tokens\":34, \"total_tokens\":46 } }",
            usage
        ),
        ("{\"usage\":{\"completion_tokens_details\":{\"prompt_tokens\":1,\"total_tokens\":2},\(fields)}}", usage),
        ("{\"usage\":{\(fields),\"details\":[{\"total_tokens\":9}]}}", usage),
        ("{\"usage\":null,\"x\":{\"usage\":{\(fields)}}}", usage),
        ("{\"usage\":{\(fields)},\"usage\":null}", usage),
        ("{\"usage\":{\"prompt_tokens\":12,\"total_tokens\":46}}", usage),
        ("{\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":34}}", usage),
        ("{\"usage\":{\"total_tokens\":1,\"total_tokens\":46,\"prompt_tokens\":12}}", usage),
        ("{\"content\":\"\\\"usage\\\": {\\\"prompt_tokens\\\":1}\",\"usage\":{\(fields)}}", usage),
        ("{\"content\":\"say \\\"usage\",\"usage\":{\(fields)}}", usage),
        ("{\"a\":\"usage\",\"usage\":{\(fields)}}", usage),
        ("{\"usage\":{\"note\":\"prompt_tokens\",\(fields)}}", usage),
        ("{\"usage\":{\"note\":\"} \\\" \\\\\",\(fields)}}", usage),
        ("{\"content\":\"\\\"usage\\\":{\\\"prompt_tokens\\\":1}\"}", nil),
        ("{\"content\":\"\\\"usage\"}", nil), ("{\"usage\":null}", nil), ("{\"usage\":{}}", nil),
        ("{\"usage\":[1]}", nil), ("{\"usages\":{\(fields)}}", nil), ("{\"Usage\":{\(fields)}}", nil),
        ("{\"usage\":{\"prompt_tokens\":\"12\"}}", nil), ("{\"usage\":{\"prompt_tokens\":-1}}", nil),
        ("{\"usage\":{\(fields)", nil), ("", nil), ("\"\"\"usage", nil),
    ]

    @Test("Usage of a whole body, in slices of any size", arguments: bodies)
    func usageOfBody(_ body: String, _ expected: TokenUsage?) {
        let bytes = Array(body.utf8)
        for pieces in [Pieces.whole, .single, .every(2), .every(7)] {
            var scanner = UsageScanner()
            pieces.forEach(bytes) { scanner.feed(Array($0).span) }
            #expect(scanner.usage == expected)
        }
        for place in 1..<max(2, bytes.count) {
            var scanner = UsageScanner()
            Pieces.cut(at: place).forEach(bytes) { scanner.feed(Array($0).span) }
            #expect(scanner.usage == expected, "cut at \(place)")
        }
    }

    @Test("Absurd counts saturate")
    func absurdCounts() {
        var scanner = UsageScanner()
        scanner.feed(Array("{\"usage\":{\"prompt_tokens\":\(String(repeating: "9", count: 400))}}".utf8).span)
        #expect(scanner.usage?.prompt == 1 << 48)
    }
}
