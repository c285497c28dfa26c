import MartletBase
import MartletExchange
import MartletTesting
import MartletWire
import NIOCore
import NIOEmbedded
import Testing

@Suite("HTTP/1 front: answers")
struct HTTP1FrontTests {
    @Test("requests of one connection are answered in turn, the connection kept")
    func keepAlive() throws {
        let client = try ClientConnection()
        for _ in 0..<3 {
            try client.get()
            try #require(client.legs.last).answer()
            #expect(try client.received() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
        #expect(client.legs.count == 3)
        #expect(client.channel.isActive)
        client.leave()
        #expect(client.manual.leftovers([client.pool]) == [])
        #expect(client.openConnections == 0)
    }

    @Test("an empty answer says so, or the client waits for its end")
    func empty() throws {
        let client = try ClientConnection()
        for size in [BodySize.none, .exactly(0)] {
            try client.get()
            let leg = try #require(client.legs.last)
            leg.accept()
            leg.respond(200, size: size)
            leg.end()
            #expect(try client.received() == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        }
    }

    @Test("HEAD, 204 and 304 have no body, whatever the target sends", arguments: [
        ("HEAD", 200, "Content-Length: 5\r\n"), ("GET", 204, ""), ("GET", 304, "Content-Length: 5\r\n"),
    ])
    func withoutBody(method: String, status: Int, line: String) throws {
        let client = try ClientConnection()
        try client.send("\(method) /api/ HTTP/1.1\r\nHost: example.com\r\n\r\n")
        let leg = try #require(client.legs.last)
        leg.accept()
        leg.respond(status, size: .exactly(5))
        leg.say("hello")
        leg.end()
        let answer = try client.received()
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.hasSuffix("\r\n\(line)\r\n"))
        #expect(client.channel.isActive)
    }

    @Test("a body of unknown length is chunked, small pieces and large ones")
    func chunked() throws {
        let client = try ClientConnection()
        try client.get()
        let leg = try #require(client.legs.last)
        leg.accept()
        leg.respond(200)
        leg.say("hello")
        let large = String(repeating: "x", count: 5000)
        leg.say(large)
        leg.end()
        #expect(
            try client.received()
                == "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1388\r\n\(large)\r\n0\r\n\r\n")
    }

    @Test("an HTTP/1.0 client gets the body until the connection closes")
    func http10() throws {
        let client = try ClientConnection()
        try client.send("GET /api/ HTTP/1.0\r\nHost: example.com\r\n\r\n")
        let leg = try #require(client.legs.last)
        leg.accept()
        leg.respond(200)
        leg.say("hello")
        leg.end()
        #expect(try client.received() == "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello")
        #expect(!client.channel.isActive)
        #expect(client.openConnections == 0)
    }

    @Test("an answer that breaks off ends without its last chunk, and the connection with it")
    func abort() throws {
        let client = try ClientConnection()
        try client.get()
        let leg = try #require(client.legs.last)
        leg.accept()
        leg.respond(200)
        leg.say("some")
        leg.fail(.reset)
        #expect(try client.received().hasSuffix("4\r\nsome\r\n"))
        #expect(!client.channel.isActive)
        #expect(client.openConnections == 0)
        #expect(client.manual.leftovers([client.pool]) == [])
    }

    @Test("pipelined requests wait for the one before, and are answered in order")
    func pipelining() throws {
        let client = try ClientConnection()
        let one = "GET /api/1 HTTP/1.1\r\nHost: a\r\n\r\n"
        try client.send(one + "GET /api/2 HTTP/1.1\r\nHost: a\r\n\r\nGET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.legs.count == 1)
        client.legs[0].answer(200, "first")
        #expect(client.legs.count == 2)
        #expect(client.legs[1].request?.head.path == "/api/2")
        client.legs[1].answer(200, "second")
        let answers = try client.received()
        #expect(answers.ranges(of: "HTTP/1.1 ").count == 3)
        let first = try #require(answers.firstRange(of: "first"))
        let second = try #require(answers.firstRange(of: "second"))
        let third = try #require(answers.firstRange(of: "HTTP/1.1 404"))
        #expect(first.lowerBound < second.lowerBound && second.lowerBound < third.lowerBound)
    }

    @Test("a pipelined client that waits to be told to go on is told")
    func pipelinedExpectation() throws {
        let client = try ClientConnection()
        let one = "GET /api/1 HTTP/1.1\r\nHost: a\r\n\r\n"
        try client.send(
            one + "POST /v1/chat/completions HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 13\r\n\r\n")
        client.legs[0].answer(200, "first")
        #expect(try client.received().hasSuffix("firstHTTP/1.1 100 Continue\r\n\r\n"))
        try client.send(#"{"model":"m"}"#)
        #expect(client.legs.count == 2)
        client.legs[1].answer()
        #expect(try client.received().hasPrefix("HTTP/1.1 200 OK\r\n"))
    }

    @Test("a drain closes an idle client when it has the rest of its answer")
    func drainKeepsTheRest() throws {
        let client = try ClientConnection()
        client.setWritable(false)
        try client.get()
        client.legs[0].answer(200, "late")
        client.manual.context.clients.drain()
        #expect(client.channel.isActive)
        client.setWritable(true)
        #expect(try client.received().hasSuffix("late"))
        #expect(!client.channel.isActive)
        #expect(client.manual.leftovers([client.pool]) == [])
    }

    @Test("a client that has just come is served while the process drains, once")
    func drainServesNewcomers() throws {
        let client = try ClientConnection()
        client.manual.context.clients.drain()
        try client.get()
        try #require(client.legs.last).answer()
        #expect(try client.received() == "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        #expect(!client.channel.isActive)
        #expect(client.manual.context.clients.count == 0)
    }

    @Test("a request that arrives byte by byte is the same request")
    func dripFed() throws {
        let client = try ClientConnection()
        for byte in "POST /api/x HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody" { try client.send(String(byte)) }
        let leg = try #require(client.legs.last)
        #expect(leg.received == "body")
        #expect(leg.isBodyEnded)
        #expect(leg.size == .exactly(4))
    }

    @Test("100-continue is ours to say, other 1xx pass")
    func informational() throws {
        let client = try ClientConnection()
        try client.send("POST /api/ HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        #expect(try client.received() == "HTTP/1.1 100 Continue\r\n\r\n")
        try client.send("ok")
        let leg = try #require(client.legs.last)
        leg.accept()
        leg.inform(103)
        leg.exchange?.legReadComplete()
        #expect(try client.received() == "HTTP/1.1 103 Early Hints\r\n\r\n")
        leg.respond(200, size: .exactly(2))
        leg.say("ok")
        leg.end()
        #expect(try client.received().hasPrefix("HTTP/1.1 200 OK\r\n"))
    }
}
