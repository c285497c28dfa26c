import MartletWire
import NIOCore
import Testing

@Suite("Header blocks and what is written")
struct HeaderBlockTests {
    static func block(_ fields: (String, String)...) -> HeaderBlock {
        var block = HeaderBlock()
        for (name, value) in fields {
            let isTaken = block.append(name, value)
            #expect(isTaken)
        }
        return block
    }

    @Test("Every known name is found in any case of letters", arguments: FieldName.allCases.filter { $0 != .other })
    func knownNames(_ name: FieldName) {
        #expect(FieldName(name.text) == name)
        #expect(FieldName(name.text.uppercased()) == name)
        #expect(FieldName(name.text.lowercased()) == name)
        #expect(name.text.utf8.count <= 24)
        #expect(FieldName(name.text + "x") == .other)
        #expect(FieldName("x" + name.text) == .other)
        #expect(FieldName(String(name.text.dropLast())) != name)
        // A letter whose bit 0x20 differs folds; another character must not.
        #expect(FieldName(name.text.replacing("-", with: "\r")) == (name.text.contains("-") ? .other : name))
    }

    @Test("Values are found by name")
    func lookUp() throws {
        let block = Self.block(("Host", "a"), ("X-Custom", "one"), ("x-custom", "two"), ("Content-Type", "text/plain"))
        #expect(block.contains(.host) && !block.contains(.connection))
        #expect(block.containsAny([.connection, .host]) && !block.containsAny([.connection, .via]))
        #expect(block.value(.contentType) == "text/plain")
        #expect(block.value(named: "X-CUSTOM") == "one")
        #expect(block.value(named: "content-TYPE") == "text/plain")
        #expect(block.value(named: "absent") == nil)
        let field = try #require(block.first(.contentType))
        #expect(block.value(field, isIgnoringCase: "Text/Plain") && !block.value(field, isIgnoringCase: "text"))
        #expect(String(buffer: block.valueBytes(field)) == "text/plain")
    }

    @Test(
        "Nothing can break out of its line",
        arguments: [
            ("X", "a\r\nY: b"), ("X", "a\nb"), ("X", "a\rb"), ("X", "a\u{0}b"), ("X", "a\u{7f}"), ("X: y\r\nZ", "a"),
            ("", "a"), ("X Y", "a"), ("X:", "a"), ("\u{e9}", "a"), ("X\u{0}", "a"),
        ])
    func injection(_ name: String, _ value: String) {
        var block = Self.block(("A", "1"))
        let isTaken = block.append(name, value)
        #expect(!isTaken)
        #expect(String(buffer: block.bytes) == "A: 1\r\n")
        #expect(block.fields.count == 1)
        var buffer = ByteBuffer()
        let isWritten = HTTP1Writer.field(name, value, into: &buffer)
        #expect(!isWritten)
        #expect(buffer.readableBytes == 0)
    }

    @Test("Copies leave out what they are told to")
    func copying() {
        let block = Self.block(
            ("Host", "a"), ("X-A", "1"), ("Connection", "close"), ("X-B", "2"), ("Via", "v"), ("X-C", "3"))
        var buffer = ByteBuffer()
        block.write(into: &buffer, except: [.connection, .via], exceptNamed: ["x-b"])
        #expect(String(buffer: buffer) == "Host: a\r\nX-A: 1\r\nX-C: 3\r\n")
        var copy = Self.block(("First", "0"))
        copy.append(contentsOf: block, except: [.connection, .via], exceptNamed: ["x-b"])
        #expect(String(buffer: copy.bytes) == "First: 0\r\nHost: a\r\nX-A: 1\r\nX-C: 3\r\n")
        #expect(copy.fields.map { "\(copy.name($0))=\(copy.value($0))" } == ["First=0", "Host=a", "X-A=1", "X-C=3"])
        #expect(copy.contains(.host) && !copy.contains(.via))
        var everything = ByteBuffer()
        block.write(into: &everything)
        #expect(everything == block.bytes)
        var single = HeaderBlock()
        block.first(.via).map { single.append($0, from: block) }
        #expect(String(buffer: single.bytes) == "Via: v\r\n")
    }

    @Test("Removed fields are neither found nor sent")
    func removing() {
        var block = Self.block(("Host", "a"), ("X-A", "1"), ("Via", "v"), ("X-A", "2"), ("Date", "d"))
        block.remove([.via, .host])
        block.remove(named: "x-a")
        var buffer = ByteBuffer()
        block.write(into: &buffer)
        #expect(String(buffer: buffer) == "Date: d\r\n")
        #expect(!block.contains(.via) && block.value(named: "X-A") == nil && block.contains(.date))
        block.remove(named: "DATE")
        #expect(!block.contains(.date) && block.fields.isEmpty)
        block.append(.server, "s")
        block.removeAll(keepingCapacity: true)
        #expect(block.fields.isEmpty && block.bytes.readableBytes == 0 && !block.contains(.server))
    }

    @Test("Numbers, lines and chunks")
    func writer() {
        func written(_ body: (inout ByteBuffer) -> Void) -> String {
            var buffer = ByteBuffer()
            body(&buffer)
            return String(buffer: buffer)
        }
        for number in [0, 1, 9, 10, 99, 100, 12345, .max] {
            #expect(written { HTTP1Writer.decimal(number, into: &$0) } == String(number))
        }
        #expect(written { HTTP1Writer.decimal(-5, into: &$0) } == "0")
        for length in [1, 9, 10, 15, 16, 17, 255, 256, 4095, 4096, 65535, 1 << 32, .max] {
            #expect(written { HTTP1Writer.chunkHeader(length, into: &$0) } == String(length, radix: 16) + "\r\n")
        }
        #expect(written { HTTP1Writer.statusLine(200, into: &$0) } == "HTTP/1.1 200 OK\r\n")
        #expect(written { HTTP1Writer.statusLine(299, into: &$0) } == "HTTP/1.1 299 Status\r\n")
        #expect(written { HTTP1Writer.statusLine(99999, into: &$0) } == "HTTP/1.1 500 Internal Server Error\r\n")
        #expect(written { HTTP1Writer.contentLength(1024, into: &$0) } == "Content-Length: 1024\r\n")
        #expect(written { HTTP1Writer.lastChunk(into: &$0) } == "0\r\n\r\n")
        #expect(HTTP1Writer.isValidTarget("/a?b") && !HTTP1Writer.isValidTarget("/a b"))
        #expect(!HTTP1Writer.isValidTarget("/a\r\n") && !HTTP1Writer.isValidTarget(""))
    }

    @Test("A forwarded request reads as the same request")
    func roundTrip() throws {
        for item in try CorpusCase.load() where !item.outcome.contains("!") {
            var parser = RequestParser(limits: HTTPLimits())
            var input = ByteBuffer(bytes: item.bytes)
            guard case .head(let head, _) = try parser.next(&input), head.headers.contains(.host) else { continue }
            var sent = ByteBuffer()
            HTTP1Writer.requestLine(head, into: &sent)
            head.headers.write(into: &sent, except: FieldSet.hopByHop.union(.framing))
            HTTP1Writer.endOfHead(into: &sent)
            var second = RequestParser(limits: HTTPLimits())
            guard case .head(let again, let framing) = try second.next(&sent) else {
                Issue.record("\(item.name) is not a request any more")
                continue
            }
            #expect(again.target == head.target && again.authority == head.authority)
            #expect(again.methodText == head.methodText && again.pathLength == head.pathLength)
            #expect(framing.body == .none && sent.readableBytes == 0)
        }
    }
}
