import MartletBase
import MartletExchange
import MartletGateway
import MartletNet
import MartletTesting
import MartletWire
import NIOCore
import Testing

@Suite("HTTP/1 front: who the client is")
struct ForwardedForTests {
    private let forged =
        "X-Forwarded-For: 9.9.9.9\r\nX-Real-IP: 9.9.9.9\r\nX-Request-Id: theirs\r\nX-Forwarded-Proto: https\r\n"

    private func sent(_ client: ClientConnection) throws -> String {
        let request = try #require(client.legs.last?.request)
        var bytes = ByteBuffer()
        request.head.headers.write(into: &bytes, except: request.except, exceptNamed: request.exceptNamed)
        bytes.writeImmutableBuffer(request.lines.bytes)
        return String(buffer: bytes)
    }

    @Test("what a stranger says about itself is dropped")
    func stranger() throws {
        let client = try ClientConnection()
        try client.get("/api/", forged + "Accept: x\r\n")
        let lines = try sent(client)
        #expect(lines.contains("X-Forwarded-For: 198.51.100.7\r\n"))
        #expect(lines.contains("X-Real-IP: 198.51.100.7\r\n"))
        #expect(lines.contains("X-Forwarded-Proto: http\r\n"))
        #expect(lines.contains("Accept: x\r\n"))
        #expect(!lines.contains("9.9.9.9"))
        #expect(!lines.contains("theirs"))
    }

    @Test("what a trusted proxy says is believed, and it joins the chain")
    func trusted() throws {
        let proxies = try #require(AddressRange(text: "198.51.100.0/24"))
        let client = try ClientConnection { $0.trustedProxies = [proxies] }
        try client.get("/api/", forged)
        let lines = try sent(client)
        #expect(lines.contains("X-Forwarded-For: 9.9.9.9, 198.51.100.7\r\n"))
        #expect(lines.contains("X-Real-IP: 9.9.9.9\r\n"))
        #expect(lines.contains("X-Request-Id: theirs\r\n"))
        #expect(lines.contains("X-Forwarded-Proto: https\r\n"))
    }

    @Test("an empty element of the chain is nobody", arguments: [", ,", ",", " \t, 198.51.100.8", ""])
    func emptyElements(value: String) throws {
        let proxies = try #require(AddressRange(text: "198.51.100.0/24"))
        let client = try ClientConnection { $0.trustedProxies = [proxies] }
        try client.get("/api/", "X-Forwarded-For: 9.9.9.9\r\nX-Forwarded-For: \(value)\r\n")
        #expect(try sent(client).contains("X-Real-IP: 9.9.9.9\r\n"))
    }

    @Test("a port or brackets do not make another client", arguments: [
        ("9.9.9.9:5678", "9.9.9.9"), ("[2001:db8::1]:80", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"), ("9.9.9.9", "9.9.9.9"), ("9.9.9.9:5678, 198.51.100.8:99", "9.9.9.9"),
    ])
    func ports(value: String, client expected: String) throws {
        let proxies = try #require(AddressRange(text: "198.51.100.0/24"))
        let client = try ClientConnection { $0.trustedProxies = [proxies] }
        try client.get("/api/", "X-Forwarded-For: \(value)\r\n")
        #expect(try sent(client).contains("X-Real-IP: \(expected)\r\n"))
        #expect(client.legs.last?.exchange?.caller.client == expected)
    }

    @Test("who is named alone is the client, if it is an address and there is no chain", arguments: [
        ("", "X-Real-IP: 9.9.9.9:80\r\n", "9.9.9.9"), ("X-Forwarded-For: , \r\n", "X-Real-IP: 9.9.9.9\r\n", "9.9.9.9"),
        ("X-Forwarded-For: 8.8.8.8\r\n", "X-Real-IP: 9.9.9.9\r\n", "8.8.8.8"),
        ("", "X-Real-IP: [::]]\r\n", "198.51.100.7"), ("", "X-Real-IP: me\r\n", "198.51.100.7"),
        ("", "X-Real-IP: \r\n", "198.51.100.7"),
    ])
    func named(chain: String, named: String, expected: String) throws {
        let proxies = try #require(AddressRange(text: "198.51.100.0/24"))
        let client = try ClientConnection { $0.trustedProxies = [proxies] }
        try client.get("/api/", chain + named)
        #expect(try sent(client).contains("X-Real-IP: \(expected)\r\n"))
    }

    /// Values made of what such fields are made of, put together at random.
    @Test("whatever a trusted proxy says, one line of each goes on, its address last", arguments: 0..<4)
    func anyChain(_ seed: UInt64) throws {
        let parts = [
            "", ",", " ", "\t", ", ", "9.9.9.9", "198.51.100.8", "::1", "[::1]", ":443", "unknown", "_x", "\"", "%", "-",
            "999.1", "::ffff:198.51.100.9", "fe80::1%lo", "9.9.9.9\\", ";", String(repeating: "1,", count: 400),
        ]
        let proxies = try #require(AddressRange(text: "198.51.100.0/24"))
        var random = SplitMix64(seed: seed)
        func value() -> String {
            (0..<Int.random(in: 0...6, using: &random)).map { _ in parts.randomElement(using: &random) ?? "" }.joined()
        }
        for _ in 0..<60 {
            let client = try ClientConnection { $0.trustedProxies = [proxies] }
            let chains = (0..<Int.random(in: 0...3, using: &random)).map { _ in "X-Forwarded-For: \(value())\r\n" }
            let others = "X-Real-IP: \(value())\r\nX-Forwarded-Proto: \(value())\r\nX-Request-Id: \(value())\r\n"
            try client.get("/api/", chains.joined() + others)
            let lines = try sent(client).split(separator: "\r\n")
            for name in ["X-Forwarded-For: ", "X-Forwarded-Proto: ", "X-Real-IP: ", "X-Request-Id: "] {
                #expect(lines.count { $0.hasPrefix(name) } == 1, "\(name) of \(chains) \(others)")
            }
            #expect(lines.contains { $0.hasPrefix("X-Forwarded-For: ") && $0.hasSuffix("198.51.100.7") })
        }
    }

    @Test("hop-by-hop fields stay here, and models are asked for plain bytes")
    func hopByHop() throws {
        let client = try ClientConnection()
        try client.send(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, x-private\r\nX-Private: 1\r\n"
                + "TE: trailers\r\nAccept-Encoding: gzip\r\nContent-Length: 13\r\n\r\n{\"model\":\"m\"}")
        let lines = try sent(client)
        #expect(!lines.contains("Private"))
        #expect(!lines.contains("TE:"))
        #expect(!lines.contains("gzip"))
        #expect(lines.contains("Accept-Encoding: identity\r\n"))
    }

    @Test(
        "a caller may lower the class that its route has, and not raise it",
        arguments: [
            ("/api/", "", PriorityClass.interactive), ("/api/", "batch", .batch), ("/api/", "Background", .background),
            ("/api/", "urgent", .interactive), ("/batch/", "", .batch), ("/batch/", "interactive", .batch),
            ("/batch/", "background", .background), ("/batch/", "urgent", .batch),
        ])
    func priority(path: String, stated: String, result: PriorityClass) throws {
        let client = try ClientConnection()
        try client.get(path, stated.isEmpty ? "" : "X-Request-Priority: \(stated)\r\n")
        #expect(client.legs.last?.exchange?.caller.priority == result)
    }

    @Test("a deadline that the caller states is kept", arguments: ["500ms", "0.5"])
    func deadline(text: String) throws {
        let client = try ClientConnection()
        try client.get("/api/", "X-Request-Timeout: \(text)\r\n")
        client.manual.advance(.milliseconds(450))
        #expect(try client.received().isEmpty)
        client.manual.advance(.milliseconds(100))
        #expect(try client.received().hasPrefix("HTTP/1.1 504 "))
    }
}
