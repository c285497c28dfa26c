import MartletBase
import MartletWire
import NIOCore
import Testing

@Suite("Frames to workers are written as the protocol says")
struct WorkerFrameWriterTests {
    /// One frame as it lies in a buffer.
    private struct Frame: Equatable {
        var type: UInt8
        var count: UInt16
        var id: UInt64
        var items: [WorkerItem] = []
        var payload = ""
    }

    /// Takes frames apart by the page's table, independently of the parser.
    private static func frames(_ buffer: ByteBuffer) throws -> [Frame] {
        var rest = buffer
        var frames: [Frame] = []
        while rest.readableBytes > 0 {
            let header = rest.readMultipleIntegers(
                endianness: .little, as: (UInt32, UInt8, UInt8, UInt16, UInt64).self)
            let (length, type, _, count, id) = try #require(header)
            #expect(length <= WorkerProtocol.payloadBytes)
            let slice = rest.readSlice(length: Int(length))
            var payload = try #require(slice)
            let items = try (0..<count).map { _ in try item(&payload, isCredit: type == 4) }
            frames.append(Frame(type: type, count: count, id: id, items: items, payload: String(buffer: payload)))
        }
        return frames
    }

    private static func item(_ payload: inout ByteBuffer, isCredit: Bool) throws -> WorkerItem {
        let header = payload.readMultipleIntegers(
            endianness: .little, as: (UInt64, UInt16, UInt16, UInt32, UInt32).self)
        let (id, status, flags, metaBytes, bodyBytes) = try #require(header)
        let meta = payload.readSlice(length: isCredit ? 0 : Int(metaBytes))
        let body = payload.readSlice(length: Int(bodyBytes))
        return WorkerItem(
            id: id, status: status, flags: .init(rawValue: flags), meta: try #require(meta), body: try #require(body))
    }

    private static let now = Instant(nanoseconds: 1_000_000_000)

    private static func request(_ id: UInt64, meta: String = "{}", bytes: Int) throws -> WorkerRequest {
        try WorkerRequest(
            id: id, meta: ByteBuffer(string: meta), body: ByteBuffer(repeating: UInt8(id), count: bytes))
    }

    @Test("Control frames carry text, and PING its nonce")
    func control() throws {
        var buffer = ByteBuffer(string: "before")
        buffer.moveReaderIndex(forwardBy: 6)
        WorkerFrameWriter.control(.hello, payload: #"{"protocol":1}"#, into: &buffer)
        WorkerFrameWriter.control(.ping, id: .max, into: &buffer)
        WorkerFrameWriter.cancel([7, 9], reason: "disconnect", into: &buffer)
        #expect(
            try Self.frames(buffer) == [
                Frame(type: 1, count: 0, id: 0, payload: #"{"protocol":1}"#),
                Frame(type: 6, count: 0, id: .max),
                Frame(type: 3, count: 0, id: 0, payload: #"{"ids":[7,9],"reason":"disconnect"}"#),
            ])
    }

    @Test("An EXEC holds the whole batch")
    func batch() throws {
        var requests = [try Self.request(1, bytes: 3), try Self.request(2, meta: "", bytes: 0)]
        let bodies = requests.map(\.body)
        var buffer = ByteBuffer()
        WorkerFrameWriter.exec(batch: 5, &requests, now: Self.now, into: &buffer)
        let items = [
            WorkerItem(id: 1, meta: ByteBuffer(string: "{}"), body: bodies[0]), WorkerItem(id: 2),
        ]
        #expect(try Self.frames(buffer) == [Frame(type: 2, count: 2, id: 5, items: items)])
        #expect(requests.allSatisfy { $0.isSent })
    }

    @Test("What is left until the deadline is what is left when the request is sent")
    func deadline() throws {
        let metas = try [#"{"op":"predict"}"#, "{}"].flatMap { meta in
            try [Self.now + .milliseconds(2500), Self.now - .seconds(1), .never].map { deadline in
                var requests = [
                    try WorkerRequest(id: 1, meta: ByteBuffer(string: meta), body: ByteBuffer(), deadline: deadline)
                ]
                var buffer = ByteBuffer()
                WorkerFrameWriter.exec(batch: 5, &requests, now: Self.now, into: &buffer)
                return String(buffer: try #require(try Self.frames(buffer).first?.items.first).meta)
            }
        }
        #expect(
            metas == [
                #"{"op":"predict","ms":2500}"#, #"{"op":"predict","ms":0}"#, #"{"op":"predict"}"#, #"{"ms":2500}"#,
                #"{"ms":0}"#, "{}",
            ])
    }

    @Test("Bodies that are too long for the frame follow in pieces")
    func pieces() throws {
        let limit = WorkerProtocol.bodyBytes
        var requests = [
            try Self.request(1, bytes: 100), try Self.request(2, bytes: 2 * limit), try Self.request(3, bytes: 1),
        ]
        var buffer = ByteBuffer()
        WorkerFrameWriter.exec(batch: 5, &requests, now: Self.now, into: &buffer)
        for index in requests.indices where !requests[index].isSent {
            while WorkerFrameWriter.body(of: &requests[index], into: &buffer) {}
        }
        let frames = try Self.frames(buffer)
        #expect(frames.map(\.type) == [2, 5, 5, 5])
        let items = frames.flatMap(\.items)
        #expect(items.map(\.id) == [1, 2, 3, 2, 2, 3])
        #expect(items.map(\.flags) == [[], .more, .more, .more, [], []])
        #expect(items.map(\.body.readableBytes) == [100, limit - 100, 0, limit, 100, 1])
    }

    @Test("Metas that are too long for one frame take several")
    func longMetas() throws {
        let meta = String(repeating: "m", count: WorkerProtocol.metaBytes)
        var requests = try (1...3).map { try Self.request($0, meta: meta, bytes: WorkerProtocol.bodyBytes) }
        var buffer = ByteBuffer()
        WorkerFrameWriter.exec(batch: 5, &requests, now: Self.now, into: &buffer)
        let frames = try Self.frames(buffer)
        #expect(frames.map(\.id) == [5, 5, 5])
        #expect(frames.flatMap(\.items).map(\.id) == [1, 2, 3])
        #expect(requests.allSatisfy { $0.isSent })
        #expect(throws: WireError(.headersTooLarge, "fields longer than a worker takes them")) {
            try Self.request(4, meta: meta + "m", bytes: 0)
        }
    }

    @Test("Credit is numbers in the place of lengths")
    func credit() throws {
        var buffer = ByteBuffer()
        WorkerFrameWriter.credit(7, chunks: 64, bytes: 262_144, into: &buffer)
        #expect(buffer.readableBytes == 36)
        #expect(try Self.frames(buffer).first?.items == [WorkerItem(id: 7, status: 64)])
        #expect(buffer.getInteger(at: 28, endianness: .little, as: UInt32.self) == 262_144)
    }
}

@Suite("The meta of an answer")
struct WorkerAnswerTests {
    private static func read(_ meta: String) throws -> String {
        let answer = try WorkerAnswer(meta: ByteBuffer(string: meta))
        var lines = ByteBuffer()
        answer.headers.write(into: &lines)
        let status = answer.status.map { "\($0)" } ?? "-"
        let length = answer.length.map { "\($0)" } ?? "-"
        return "\(status) \(length) " + String(buffer: lines).replacing("\r\n", with: "|")
    }

    @Test(
        "says type, status, length and fields",
        arguments: [
            ("", "- - Content-Type: application/json|"),
            ("{}", "- - Content-Type: application/json|"),
            (#"{"type":"text/event-stream","status":201}"#, "201 - Content-Type: text/event-stream|"),
            (
                #" { "length" : 70000 , "headers" : [ [ "X-A" , "1" ] , ["x-b","\u00e9 \"q\""] ] } "#,
                "- 70000 Content-Type: application/json|X-A: 1|x-b: é \"q\"|"
            ),
            (#"{"headers":[["content-type","no"]],"type":"a/b"}"#, "- - Content-Type: a/b|"),
            (#"{"later":{"a":[1,-2.5e3,"]}"],"b":null},"status":204}"#, "204 - Content-Type: application/json|"),
        ])
    func read(meta: String, expected: String) throws {
        #expect(try Self.read(meta) == expected)
    }

    @Test(
        "is refused when it is anything else",
        arguments: [
            "[]", "{", "}", #"{"status":"200"}"#, #"{"status":20}"#, #"{"status":600}"#, #"{"status":-1}"#, "{} {}",
            #"{"status":99999999999999999999}"#, #"{"type":1}"#, #"{"type":"a\r\nX: y"}"#, #"{"headers":{}}"#,
            #"{"headers":[["a b","c"]]}"#, #"{"headers":[["a","b\nc"]]}"#, #"{"headers":[["a"]]}"#, #"{"a":}"#,
            #"{"a":1,}"#, #"{"a":"\"#, #"{"a":"\ud800","type":"\ud800"}"#, "{\"type\":\"a\u{1}\"}",
            #"{"x":"# + String(repeating: "[", count: 100),
        ])
    func refused(meta: String) {
        #expect(throws: WireError.self) { try Self.read(meta) }
    }
}
