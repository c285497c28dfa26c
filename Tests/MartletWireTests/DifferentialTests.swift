import MartletBase
import MartletWire
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

/// The same corpus through NIOHTTP1 (llhttp): where we take a request, it must see the same requests; where it takes
/// what we refuse, the difference is listed with its reason.
@Suite("Requests compared with NIOHTTP1")
struct DifferentialTests {
    /// What NIOHTTP1 makes of bytes, in the words of the corpus (`+close` is left out).
    static func reference(_ bytes: [UInt8]) -> String {
        let channel = EmbeddedChannel()
        var done: [String] = []
        var current: (line: String, body: Int)?
        var hasFailed = false
        do {
            try channel.pipeline.syncOperations.addHandler(ByteToMessageHandler(HTTPRequestDecoder()))
            try channel.writeInbound(ByteBuffer(bytes: bytes))
        } catch {
            hasFailed = true
        }
        while let part = (try? channel.readInbound(as: HTTPServerRequestPart.self)) ?? nil {
            switch part {
            case .head(let head): current = ("\(head.method.rawValue) \(head.uri)", 0)
            case .body(let slice): current?.body += slice.readableBytes
            case .end:
                if let current { done.append("\(current.line) \(current.body)") }
                current = nil
            }
        }
        if hasFailed { done.append("!") } else if current != nil || done.isEmpty { done.append("...") }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return done.joined(separator: "; ")
    }

    /// Why we may differ, and the starts of the cases' names. A difference under no heading fails the test.
    static let accepted: [(reason: String, prefixes: [String])] = [
        ("we normalise the path", ["path: ", "segments: ", "escape: ", "escape at the end: "]),
        (
            "we bring the target into origin form",
            [
                "absolute target", "form: ", "form with a port: ", "form in the old version: ", "options: http",
                "pipelined to different hosts",
            ]
        ),
        (
            "we drop the body of a GET or HEAD and close",
            [
                "get with body", "head with chunked body", "smuggle: request behind a get", "body of: GET",
                "body of: HEAD", "chunked body of: GET", "chunked body of: HEAD", #"upgrade: h2c\r\nContent-Length"#,
                #"second request: GET /2 HTTP/1.1\r\nHost: a\r\nContent-Length"#,
            ]
        ),
        (
            "what follows a request that ends the connection is no request to us",
            [
                "bytes after close", "Connection: ", "Connection in the old version: ", "body in the old version: ",
                "second request: GET /2 HTTP/1.0",
            ]
        ),
        (
            "llhttp knows a list of methods; any token is a method to us",
            [
                "unknown method", "method in lower case", "method: ", "body of: get", "second request: X",
                "length: 0", "length: 1",
            ]
        ),
        ("an upgrade that is offered ends the requests to llhttp, and is not taken by us", ["upgrade: h2c"]),
        ("llhttp refuses tabs around what frames a message", [#"length: \x20\t5"#, #"coding: Transfer-Encoding: \t"#]),
        ("llhttp looks at what has no line end yet", [#"last chunk: 0\r\n\rX"#, "not HTTP: "]),
        ("we drop chunk extensions, and look for nothing but what could hide a line end", ["chunk extension: ;"]),
    ]

    @Test("What we take, llhttp takes as the same requests")
    func sameRequests() {
        let listed = Self.accepted.flatMap(\.prefixes)
        for item in RequestCorpusTests.cases where !item.outcome.contains("!") {
            guard !listed.contains(where: { item.name.hasPrefix($0) }) else { continue }
            // What is awaited behind a whole request, llhttp does not say.
            let ours = item.outcome.replacing("+close", with: "").replacing("; ...", with: "")
            #expect(Self.reference(item.bytes) == ours, "\(item.name)")
        }
    }

    /// Cases that we refuse and llhttp takes, under what llhttp does.
    static let stricter: [(reason: String, cases: [String])] = [
        (
            "several blanks between the parts of a request line are taken",
            [
                "line: two blanks before the target", "line: two blanks before the version",
            ]
        ),
        (
            "CONNECT and TRACE are methods as any other",
            [
                "line: trace", "line: connect", "connect with a tunnel behind it", "trace with a body",
            ]
        ),
        (
            "no bound on the target",
            [
                "line: target too long", "line: line too long",
            ]
        ),
        (
            "line ends before a request are skipped",
            [
                "line: two empty lines before", "line: line feed before", "line: carriage return before",
            ]
        ),
        (
            "the target is passed on as it is",
            [
                "target: hash", "target: hash in the query", "target: backslash", "target: encoded slash",
                "target: encoded slash in capitals", "target: encoded nul", "target: encoded backslash",
                "target: cut escape", "target: bad escape", "target: above the root", "target: lone percent",
                "target: above the root by encoding", "target: star on get", "target: star with more",
                "target: other scheme", "target: no authority", "target: user in the authority", "target: other port",
                "target: other authority", "target: bad port",
            ]
        ),
        (
            "`_` is a token character",
            [
                "field: underscore", "field: underscore elsewhere",
            ]
        ),
        (
            "no bound on fields of this size",
            [
                "field: field too long", "field: head too long", "field: too many fields", "field: name too long",
                "field: endless name",
            ]
        ),
        (
            "Host is not looked at",
            [
                "host: empty", "host: missing", "host: list", "host: with blank", "host: with path",
                "host: with scheme", "host: empty port", "host: with user", "host: port too long",
                "host: port too high", "host: port not a number", "host: two ports", "host: only port",
                "host: bare ipv6", "host: open bracket", "host: letters in brackets", "host: above ascii",
                "host: text behind brackets", "host: percent", "host: quote", "host: question mark",
                "host: semicolon", "host: too long", "host: twice", "host: twice, different",
                "host: twice in the old version",
            ]
        ),
        (
            "no limit on the body",
            [
                "length: beyond what is taken", "length: beyond an integer", "length: greatest 64 bits",
                "length: above the limit", "chunk: size above the limit", "chunk: size of 63 bits",
            ]
        ),
        (
            "a list that ends in chunked is chunked",
            [
                "coding: gzip then chunked", "coding: empty element",
            ]
        ),
        (
            "Transfer-Encoding is taken in HTTP/1.0",
            [
                "coding: old version"
            ]
        ),
        (
            "no bound on chunk lines or trailers",
            [
                "chunk: extension too long", "chunk: size line too long", "chunk: endless size",
                "chunk: endless trailer",
            ]
        ),
        (
            "Expect is not looked at",
            [
                "expect: something else", "expect: list", "expect: empty",
            ]
        ),
        (
            "Connection is read loosely",
            [
                "connection: quoted", "connection: not a token", "connection: too many names",
                "connection: above ascii",
            ]
        ),
        (
            "values of other fields are not looked at",
            [
                "authorization: above ascii", "authorization: twice", "api key: twice", "content type: twice",
                "forwarded for: above ascii", "request id: above ascii",
            ]
        ),
    ]

    /// The tables say themselves why they refuse; the cases with names of their own stand for each reason.
    @Test("What we refuse and llhttp takes is listed")
    func refusals() {
        for item in RequestCorpusTests.cases where item.outcome.contains("!") && !item.isRow {
            let isTaken = !Self.reference(item.bytes).contains("!")
            let isListed = Self.stricter.contains { $0.cases.contains(item.name) }
            #expect(isTaken == isListed, "\(item.name); llhttp: \(Self.reference(item.bytes))")
        }
    }
}
