import MartletWire
import NIOCore
import Testing

@Suite("Server-sent events, read")
struct EventReaderTests {
    private static let text = """
        : a comment\r
        event: added\r
        data: {"name": "年假"}\r
        \r
        data:one\ndata: two\n\nevent: nothing\n\ndata\r\rid: 7\ndata:  x\n\n
        """
    private static let events = [
        EventReader.Event(name: "added", data: #"{"name": "年假"}"#), EventReader.Event(name: "", data: "one\ntwo"),
        EventReader.Event(name: "", data: ""), EventReader.Event(name: "", data: " x"),
    ]

    @Test("Events come whole, however the bytes are cut and the lines end", arguments: [1, 2, 3, 7, 4096])
    func cuts(size: Int) throws {
        let bytes = Array(Self.text.utf8)
        var (reader, found) = (EventReader(), [EventReader.Event]())
        for start in stride(from: 0, to: bytes.count, by: size) {
            found += try reader.read(ByteBuffer(bytes: bytes[start..<min(start + size, bytes.count)]))
        }
        #expect(found == Self.events)
    }

    @Test("An event without its end is not told")
    func unfinished() throws {
        var reader = EventReader()
        #expect(try reader.read(ByteBuffer(string: "data: x\n")).isEmpty)
    }

    @Test("An event that has no end is refused")
    func endless() throws {
        var reader = EventReader(bound: 10)
        #expect(try reader.read(ByteBuffer(string: "data: 1234\n\ndata: 1234\n\n")).count == 2)
        #expect(throws: WireError.self) {
            _ = try reader.read(ByteBuffer(string: "data: 12\ndata: 345678\ndata: 9\n"))
        }
    }
}
