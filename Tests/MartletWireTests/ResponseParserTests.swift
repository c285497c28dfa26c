import MartletBase
import MartletWire
import NIOCore
import Testing

@Suite("Responses are framed strictly")
struct ResponseParserTests {
    /// `1xx` heads, `status bodyBytes` (`+close`), then `!code`, `...` or what the end of the connection makes of it.
    static func outcome(
        _ text: String, _ pieces: Pieces = .whole, method: MartletWire.Method = .get, ends: Bool = false
    )
        -> String
    {
        var parser = ResponseParser(limits: HTTPLimits())
        parser.expect(method: method)
        var input = ByteBuffer()
        var done: [String] = []
        var head: (status: Int, closes: Bool)?
        var body = 0
        func take(_ part: ResponsePart) {
            switch part {
            case .informational(let head): done.append("\(head.status)")
            case .head(let found, let framing): head = (found.status, !framing.isKeepAlive)
            case .body(let slice): body += slice.readableBytes
            case .end:
                done.append("\(head?.status ?? 0) \(body)\(head?.closes == true ? "+close" : "")")
                head = nil
            }
        }
        do throws(WireError) {
            var failure: WireError?
            pieces.forEach(Array(text.utf8)) { piece in
                input.writeBytes(piece)
                do throws(WireError) {
                    while failure == nil, let part = try parser.next(&input) { take(part) }
                } catch { failure = error }
            }
            if let failure { throw failure }
            if ends, let part = try parser.endOfInput() { take(part) }
        } catch {
            done.append("!\(error.code.text)")
            return done.joined(separator: "; ")
        }
        if !parser.isIdle { done.append("...") }
        return done.joined(separator: "; ")
    }

    static let bad = "!upstream_malformed"
    static let cases: [(text: String, outcome: String)] = [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "200 5"),
        ("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", "200 0"),
        ("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200 0"),
        ("HTTP/1.1 200 tr\u{e8}s bien\r\nContent-Length: 0\r\n\r\n", "200 0"),
        ("HTTP/1.1 599 ?\r\nContent-Length: 1\r\n\r\nx", "599 1"),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nT: 1\r\n\r\n", "200 3"),
        ("HTTP/1.1 204 No Content\r\n\r\n", "204 0"),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", "304 0"),
        ("HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "204 0"),
        ("HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 2+close"),
        ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", "200 2"),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", "200 2+close"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "..."), ("HTTP/1.1 200 OK\r\n", "..."),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                + "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
            "100; 103; 200 1"
        ),
        (String(repeating: "HTTP/1.1 102 P\r\n\r\n", count: 8), "102; 102; 102; 102; 102; 102; 102; 102; ..."),
        (String(repeating: "HTTP/1.1 102 P\r\n\r\n", count: 9), "102; 102; 102; 102; 102; 102; 102; 102; " + bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n", "200 1; " + bad),
        ("HTTP/1.1 200 OK\r\nSet_Cookie: a\r\nX-Title: \u{e9}\r\nContent-Length: 0\r\n\r\n", "200 0"),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\rContent-Length: 0\r\n\r\n", bad), ("HTTP/1.1 200 OK\nContent-Length: 0\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\n\r\n", bad), ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\n", bad),
        ("HTTP/1.1 2000 OK\r\n\r\n", bad), ("HTTP/1.1 20 OK\r\n\r\n", bad), ("HTTP/1.1 099 OK\r\n\r\n", bad),
        ("HTTP/1.1 600 OK\r\n\r\n", bad), ("HTTP/1.1 20x OK\r\n\r\n", bad), ("HTTP/1.1  200 OK\r\n\r\n", bad),
        ("HTTP/1.1 200OK\r\n\r\n", bad), ("HTTP/2.0 200 OK\r\n\r\n", bad), ("HTTP/1.2 200 OK\r\n\r\n", bad),
        ("http/1.1 200 OK\r\n\r\n", bad), ("ICY 200 OK\r\n\r\n", bad), ("\r\nHTTP/1.1 200 OK\r\n\r\n", bad),
        ("<html>\r\n", bad), ("HTTP/1.1 200 \u{0}\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nhello", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: \r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: 9223372036854775808\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n\r\n", bad),
        ("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nX : y\r\n\r\n", bad), ("HTTP/1.1 200 OK\r\nX: y\r\n z\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\n X: y\r\n\r\n", bad), ("HTTP/1.1 200 OK\r\nXy\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nX: \u{0}\r\n\r\n", bad), ("HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nConnection: \"close\"\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloX\r\n", bad),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nhello", bad),
        ("HTTP/1.1 200 OK\r\nX: " + String(repeating: "y", count: 16385) + "\r\n\r\n", bad),
        ("HTTP/1.1 200 OK\r\n" + String(repeating: "X: y\r\n", count: 101) + "\r\n", bad),
        ("HTTP/1.1 200 " + String(repeating: "y", count: 20000), bad),
    ]

    @Test("In one piece, byte by byte and cut at every byte", arguments: cases)
    func framing(_ text: String, _ outcome: String) {
        #expect(Self.outcome(text) == outcome)
        #expect(Self.outcome(text, .single) == outcome)
        #expect(Self.outcome(text, .every(7)) == outcome)
        guard text.utf8.count < 300 else { return }
        for place in 1..<text.utf8.count { #expect(Self.outcome(text, .cut(at: place)) == outcome, "cut at \(place)") }
    }

    @Test("An answer to HEAD has no body, whatever its fields say")
    func answerToHead() {
        #expect(Self.outcome("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method: .head) == "200 0")
        #expect(Self.outcome("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", method: .head) == "200 0")
        #expect(Self.outcome("HTTP/1.1 200 OK\r\n\r\n", method: .head) == "200 0")
    }

    @Test(
        "The end of the connection",
        arguments: [
            ("", "!upstream_reset"), ("HTTP/1.1 2", "!upstream_truncated"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", "!upstream_truncated"),
            ("HTTP/1.1 100 Continue\r\n\r\n", "100; !upstream_truncated"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "!upstream_truncated"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", "!upstream_truncated"),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n", "!upstream_truncated"),
            ("HTTP/1.1 200 OK\r\n\r\nall of it", "200 9+close"), ("HTTP/1.1 200 OK\r\n\r\n", "200 0+close"),
            ("HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nabc", "200 3+close"),
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 2"),
        ])
    func endOfConnection(_ text: String, _ outcome: String) {
        #expect(Self.outcome(text, ends: true) == outcome)
        #expect(Self.outcome(text, .single, ends: true) == outcome)
    }

    @Test("Fields that matter to the connection are read")
    func connectionFields() throws {
        var parser = ResponseParser(limits: HTTPLimits())
        parser.expect(method: .head)
        var input = ByteBuffer(
            string: "HTTP/1.1 200 Fine\r\nContent-Length: 7\r\nKeep-Alive: max=100, timeout=5\r\nConnection: x-hop\r\n"
                + "X-Hop: 1\r\nX-Kept: 2\r\n\r\n")
        guard case .head(let head, let framing) = try parser.next(&input) else {
            Issue.record("no head")
            return
        }
        #expect(String(buffer: head.reason) == "Fine")
        #expect(framing == ResponseFraming(body: .none, contentLength: 7, isKeepAlive: true, keepAliveTimeout: 5))
        #expect(head.headers.value(named: "x-hop") == nil)
        #expect(head.headers.value(named: "x-kept") == "2")
    }

    @Test("One parser reads the answers of many requests")
    func manyResponses() throws {
        var parser = ResponseParser(limits: HTTPLimits())
        var input = ByteBuffer()
        for length in 0..<20 {
            parser.expect(method: .post)
            input.writeString(
                "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n\(String(repeating: "x", count: length))")
            var body = 0
            while let part = try parser.next(&input) { if case .body(let slice) = part { body += slice.readableBytes } }
            #expect(parser.isIdle)
            #expect(body == length)
            #expect(input.readableBytes == 0)
        }
    }
}
