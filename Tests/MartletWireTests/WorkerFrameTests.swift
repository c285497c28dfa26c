import MartletBase
import MartletWire
import NIOCore
import Testing

@Suite("Frames of workers are read as the protocol says, however they are cut")
struct WorkerFrameParserTests {
    /// A frame as a worker writes it; the length and the count are what they should be unless stated.
    static func frame(
        _ type: UInt8, flags: UInt8 = 0, count: Int? = nil, id: UInt64 = 0, length: Int? = nil, _ items: [[UInt8]] = []
    ) -> [UInt8] {
        let payload = items.flatMap { $0 }
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(
            UInt32(length ?? payload.count), type, flags, UInt16(count ?? items.count), id, endianness: .little)
        buffer.writeBytes(payload)
        return Array(buffer.readableBytesView)
    }

    static func item(
        _ id: UInt64, status: UInt16 = 200, flags: UInt16 = 0, meta: String = "", body: String = "",
        bodyLength: Int? = nil
    ) -> [UInt8] {
        var buffer = ByteBuffer()
        buffer.writeMultipleIntegers(
            id, status, flags, UInt32(meta.utf8.count), UInt32(bodyLength ?? body.utf8.count), endianness: .little)
        buffer.writeString(meta + body)
        return Array(buffer.readableBytesView)
    }

    /// What the parser makes of the bytes, in words.
    static func outcome(_ bytes: [UInt8], _ pieces: Pieces = .whole) -> [String] {
        var parser = WorkerFrameParser()
        var input = ByteBuffer()
        var done: [String] = []
        do {
            try pieces.forEach(bytes) { piece in
                input.writeBytes(piece)
                while let part = try parser.next(&input) { done.append(words(part)) }
            }
        } catch let error as WireError {
            return done + ["!\(error.reason)"]
        } catch {
            return done + ["!\(error)"]
        }
        return done + (parser.isBetweenFrames ? [] : ["…"])
    }

    private static func words(_ part: WorkerPart) -> String {
        switch part {
        case .control(let type, let id, let payload): "\(type) \(id) \(String(buffer: payload))"
        case .item(let type, let item):
            "\(type) \(item.id) \(item.status) \(item.flags.rawValue) "
                + "[\(String(buffer: item.meta))] [\(String(buffer: item.body))]"
        }
    }

    static let conversation =
        frame(65, count: 0, [Array(#"{"protocol":1}"#.utf8)])
        + frame(67, id: 3, [item(7, body: "seven"), item(8, status: 404, meta: #"{"type":"x"}"#, body: "")])
        + frame(70, count: 0, id: 99) + frame(68, [item(9, status: 65535, flags: 1, body: "last")])
        + frame(71, [item(10, status: 0, meta: #"{"phase":"waiting"}"#)]) + frame(72, count: 0, [Array("{}".utf8)])

    static let words = [
        #"ready 0 {"protocol":1}"#, "result 7 200 0 [] [seven]", #"result 8 404 0 [{"type":"x"}] []"#, "pong 99 ",
        "chunk 9 65535 1 [] [last]", #"cancelled 10 0 0 [{"phase":"waiting"}] []"#, "log 0 {}",
    ]

    @Test("Whole, byte by byte, and cut at every place")
    func everyCut() {
        #expect(Self.outcome(Self.conversation) == Self.words)
        #expect(Self.outcome(Self.conversation, .single) == Self.words)
        for place in 1..<Self.conversation.count {
            #expect(Self.outcome(Self.conversation, .cut(at: place)) == Self.words, "cut at \(place)")
        }
    }

    @Test("An item is handed on before its frame is complete")
    func itemByItem() {
        let whole = Self.frame(67, [Self.item(1, body: "one"), Self.item(2, body: "two")])
        #expect(Self.outcome(Array(whole.dropLast())) == ["result 1 200 0 [] [one]", "…"])
    }

    @Test(
        "What the protocol does not allow ends the connection",
        arguments: [
            (frame(1, count: 0), "unknown type of frame"),
            (frame(64, count: 0), "unknown type of frame"),
            (frame(75, count: 0), "unknown type of frame"),
            (frame(76, count: 0), "unknown type of frame"),
            (Array("Traceback (most recent call last):".utf8), "unknown type of frame"),
            (frame(72, count: 0, length: (1 << 20) + 1), "frame too long"),
            (frame(72, count: 0, length: 0xffff_ffff), "frame too long"),
            (frame(72, flags: 1, count: 0), "unknown flags of a frame"),
            (frame(72, count: 1), "control frame with items"),
            (frame(67, count: 0), "data frame without items"),
            (frame(67, count: 1, length: 19), "frame shorter than its items"),
            (frame(67, count: 2, [item(1)]), "frame shorter than its items"),
            (frame(67, [item(1, bodyLength: 1)]), "item longer than its frame"),
            (frame(67, [item(1, bodyLength: 0xffff_ffff)]), "item longer than its frame"),
            (frame(67, count: 1, [item(1), [0]]), "frame longer than its items"),
            (frame(68, [item(1, flags: 2)]), "unknown flags of an item"),
            (frame(68, [item(1, flags: 4)]), "unknown flags of an item"),
            (frame(68, [item(1, flags: 0x8000)]), "unknown flags of an item"),
        ])
    func refused(bytes: [UInt8], reason: String) {
        #expect(Self.outcome(bytes).last == "!\(reason)")
        #expect(Self.outcome(bytes, .single) == Self.outcome(bytes))
    }

    @Test("After an error nothing more is read")
    func ended() throws {
        var parser = WorkerFrameParser()
        var input = ByteBuffer(bytes: Self.frame(1, count: 0) + Self.conversation)
        #expect(throws: WireError.self) { try parser.next(&input) }
        #expect(try parser.next(&input) == nil)
        #expect(!parser.isBetweenFrames)
    }

    @Test("The longest payload is taken, and an empty body pins nothing")
    func longest() throws {
        let room = WorkerProtocol.payloadBytes - WorkerProtocol.itemHeaderBytes
        var parser = WorkerFrameParser()
        var input = ByteBuffer(bytes: Self.frame(67, [Self.item(1, body: String(repeating: "x", count: room))]))
        guard case .item(.result, let item) = try parser.next(&input) else {
            Issue.record("no item")
            return
        }
        #expect(item.body.readableBytes == room)
        #expect(item.meta.capacity == 0)
    }

    @Test("Mutated bytes neither trap nor change with their pieces", arguments: 0..<8)
    func mutated(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(300 + seed))
        for _ in 0..<200 {
            let bytes = MutationTests.mutate(Self.conversation, &random)
            let whole = Self.outcome(bytes)
            #expect(Self.outcome(bytes, .single) == whole, "\(bytes)")
            #expect(Self.outcome(bytes, .every(Int.random(in: 2...40, using: &random))) == whole, "\(bytes)")
        }
    }
}
