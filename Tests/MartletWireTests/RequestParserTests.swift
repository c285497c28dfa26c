import MartletBase
import MartletWire
import NIOCore
import Testing

@Suite("What a request head says")
struct RequestParserTests {
    static func head(_ text: String) throws -> (head: RequestHead, framing: RequestFraming) {
        var parser = RequestParser(limits: HTTPLimits())
        var input = ByteBuffer(string: text)
        guard case .head(let head, let framing) = try parser.next(&input) else {
            throw WireError(.internalError, "no head")
        }
        return (head, framing)
    }

    static func names(_ block: HeaderBlock) -> [String] { block.fields.map { block.name($0) } }

    @Test("Nominated fields go, fields that carry identity stay")
    func nominatedFields() throws {
        let (head, framing) = try Self.head(
            "POST / HTTP/1.1\r\nHost: a\r\nConnection: x-one, Authorization, close, content-length\r\nX-ONE: 1\r\n"
                + "Authorization: Bearer k\r\nX-Two: 2\r\nConnection: X-Forwarded-For, accept, host\r\n"
                + "X-Forwarded-For: 1.2.3.4\r\nAccept: b\r\nContent-Length: 3\r\n\r\nabc")
        #expect(
            Self.names(head.headers) == [
                "Host", "Connection", "Authorization", "X-Two", "Connection", "X-Forwarded-For", "Content-Length",
            ])
        #expect(head.headers.value(.accept) == nil)
        #expect(!head.headers.contains(.accept))
        #expect(framing.body == .length(3))
        #expect(!framing.isKeepAlive)
    }

    @Test("Target, path and authority")
    func target() throws {
        let (head, _) = try Self.head(
            "GET http://API.Example.com:80/a/../b%41?q=/../ HTTP/1.1\r\nHost: api.example.com:80\r\n\r\n")
        #expect(String(buffer: head.target) == "/bA?q=/../")
        #expect(head.path == "/bA")
        #expect(head.pathLength == 3)
        #expect(String(buffer: head.authority) == "api.example.com:80")
    }

    @Test("An expectation counts only where a body follows")
    func expectation() throws {
        #expect(
            try Self.head("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").framing
                .expectsContinue)
        #expect(try !Self.head("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n").framing.expectsContinue)
        #expect(
            try !Self.head("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n").framing
                .expectsContinue)
    }

    @Test("An upgrade is noticed and never taken")
    func upgrade() throws {
        let (head, framing) = try Self.head(
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        #expect(framing.wantsUpgrade)
        var sent = ByteBuffer()
        head.headers.write(into: &sent, except: FieldSet.hopByHop)
        #expect(String(buffer: sent) == "Host: a\r\n")
    }

    @Test("Payload slices keep their bytes and order")
    func payload() throws {
        var parser = RequestParser(limits: HTTPLimits())
        var input = ByteBuffer(
            string: "PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n")
        var body = ""
        var parts: [String] = []
        while let part = try parser.next(&input) {
            switch part {
            case .head: parts.append("head")
            case .body(let slice): body += String(buffer: slice)
            case .end: parts.append("end")
            }
        }
        #expect(body == "abcd")
        #expect(parts == ["head", "end"])
        #expect(parser.isBetweenRequests)
    }

    @Test("A route's body limit holds for its request only")
    func routeLimit() throws {
        let post = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n123456789"
        let chunked =
            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n5;xyz\r\n67890\r\n0\r\n\r\n"
        func refusal(_ text: String, limits: [Int?]) -> (code: ErrorCode?, requests: Int) {
            var configured = HTTPLimits()
            configured.bodyBytes = 10
            var parser = RequestParser(limits: configured)
            var input = ByteBuffer(string: text)
            var limits = limits[...]
            var requests = 0
            do throws(WireError) {
                while let part = try parser.next(&input) {
                    if case .head = part, let limit = limits.popFirst() ?? nil { parser.setBodyLimit(limit) }
                    if case .end = part { requests += 1 }
                }
                return (nil, requests)
            } catch {
                return (error.code, requests)
            }
        }
        #expect(refusal(post, limits: []) == (nil, 1))
        #expect(refusal(post, limits: [8]) == (.bodyTooLarge, 0))
        #expect(refusal(post + post, limits: [9, 8]) == (.bodyTooLarge, 1))
        #expect(refusal(post + post, limits: [100, nil]) == (nil, 2))
        #expect(refusal(chunked, limits: []) == (.bodyTooLarge, 0), "ten bytes and an extension of three")
        #expect(refusal(chunked, limits: [13]) == (nil, 1))
        #expect(refusal(chunked + chunked, limits: [13, nil]) == (.bodyTooLarge, 1))
        #expect(refusal(post, limits: [-1]) == (.bodyTooLarge, 0))
    }

    @Test("Where the parser stands is known at every byte")
    func standing() throws {
        var parser = RequestParser(limits: HTTPLimits())
        var input = ByteBuffer()
        #expect(parser.isBetweenRequests)
        for byte in Array("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n".utf8) {
            input.writeInteger(byte)
            if case .head = try parser.next(&input) { break }
            #expect(parser.isInHead)
            #expect(!parser.isBetweenRequests)
        }
        #expect(!parser.isInHead)
        #expect(!parser.isBetweenRequests)
        input.writeString("x")
        guard case .body = try parser.next(&input), case .end = try parser.next(&input) else {
            Issue.record("no body")
            return
        }
        #expect(parser.isBetweenRequests)
    }

    @Test("After an error everything is dropped")
    func afterAnError() throws {
        var parser = RequestParser(limits: HTTPLimits())
        var input = ByteBuffer(string: "BAD\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(throws: WireError(.badRequest, "invalid method")) {
            while try parser.next(&input) != nil {}
        }
        #expect(try parser.next(&input) == nil)
        #expect(input.readableBytes == 0)
    }

    @Test("Normal paths stay normal")
    func normalisationIsIdempotent() throws {
        var random = SeededRandom(seed: 7)
        let pieces = ["/", "//", ".", "..", "%2e", "%2E", "a", "%41", "%c3%a9", ";", "%25", "...", "?", "~", "%7e"]
        for _ in 0..<2000 {
            let path =
                "/"
                + (0..<Int.random(in: 0...8, using: &random)).map { _ in
                    pieces.randomElement(using: &random) ?? ""
                }.joined()
            guard let once = try? Self.head("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n").head else { continue }
            let text = String(buffer: once.target)
            let twice = try Self.head("GET \(text) HTTP/1.1\r\nHost: a\r\n\r\n").head
            #expect(String(buffer: twice.target) == text, "from \(path)")
            #expect(twice.pathLength == once.pathLength)
            let segments = once.path.split(separator: "/", omittingEmptySubsequences: false)
            #expect(!segments.contains("..") && !segments.contains("."))
            #expect(!once.path.contains("//"))
        }
    }
}
