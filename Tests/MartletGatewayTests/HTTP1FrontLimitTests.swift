import MartletBase
import MartletExchange
import MartletGateway
import MartletTelemetry
import MartletTesting
import NIOEmbedded
import Testing

@Suite("HTTP/1 front: refusals and limits")
struct HTTP1FrontLimitTests {
    @Test("what cannot be served is answered, and the connection closed behind the answer", arguments: [
        ("GET /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n", 404),
        ("POST /small/ HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\n", 413),
        ("POST /small/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n12345678901\r\n", 413),
        ("GET /api/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400), ("garbage\r\n\r\n", 400),
        ("GET /api/ HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    ])
    func refused(text: String, status: Int) throws {
        let client = try ClientConnection()
        try client.send(text)
        let answer = try client.received()
        #expect(answer.hasPrefix("HTTP/1.1 \(status) "))
        #expect(answer.contains("Connection: close\r\n"))
        #expect(answer.contains(#"{"error":{"#))
        // The rest of what the client sends is read away for a while.
        try client.send("more and more")
        client.manual.advance(.seconds(3))
        #expect(!client.channel.isActive)
        #expect(client.openConnections == 0)
        #expect(client.manual.leftovers([client.pool]) == [])
        #expect(client.manual.recordedRequests == 1)
    }

    @Test("an idle connection is closed without a word")
    func idle() throws {
        let client = try ClientConnection { $0.keepAlive = .seconds(20) }
        try client.get()
        try #require(client.legs.last).answer()
        _ = try client.received()
        client.manual.advance(.seconds(19))
        #expect(client.channel.isActive)
        client.manual.advance(.seconds(2))
        #expect(!client.channel.isActive)
        #expect(try client.received().isEmpty)
        #expect(client.openConnections == 0)
    }

    @Test("half a head is answered with 408")
    func slowHead() throws {
        let client = try ClientConnection()
        try client.send("GET /api/ HTTP/1.1\r\nHo")
        for _ in 0..<11 {
            client.manual.advance(.seconds(1))
            if client.channel.isActive { try client.send("s") }
        }
        #expect(try client.received().hasPrefix("HTTP/1.1 408 "))
        client.manual.advance(.seconds(3))
        #expect(!client.channel.isActive)
    }

    @Test("a body that drips is answered with 408, even when it began with its head", arguments: ["", "b"])
    func slowBody(first: String) throws {
        let client = try ClientConnection()
        try client.send("POST /api/ HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n\(first)")
        client.legs[0].accept()
        for _ in 0..<9 {
            client.manual.advance(.seconds(1))
            if client.channel.isActive { try client.send("b") }
        }
        #expect(try client.received().hasPrefix("HTTP/1.1 408 "))
        client.manual.advance(.seconds(3))
        #expect(!client.channel.isActive)
        #expect(client.manual.leftovers([client.pool]) == [])
    }

    @Test("a body that keeps up is not cut off")
    func steadyBody() throws {
        let client = try ClientConnection()
        try client.send("PUT /api/ HTTP/1.1\r\nHost: a\r\nContent-Length: 30000\r\n\r\n")
        client.legs[0].accept()
        for _ in 0..<30 {
            client.manual.advance(.seconds(1))
            try client.send(String(repeating: "b", count: 1000))
        }
        let leg = try #require(client.legs.last)
        #expect(leg.received.utf8.count == 30_000)
        #expect(leg.isBodyEnded)
        #expect(client.channel.isActive)
    }

    @Test("the client that closes is noticed while its target works")
    func leaves() throws {
        let client = try ClientConnection()
        try client.get()
        client.legs[0].accept()
        client.leave()
        #expect(client.legs[0].cancelled == .clientGone)
        #expect(client.openConnections == 0)
        #expect(client.manual.outcomes == [.clientGone: 1])
        #expect(client.manual.leftovers([client.pool]) == [])
    }

    @Test("a client that takes nothing for 30 s is cut off, and its work with it")
    func slowReader() throws {
        let client = try ClientConnection()
        try client.get()
        let leg = client.legs[0]
        leg.accept()
        leg.respond(200)
        client.setWritable(false)
        leg.say("held")
        #expect(leg.demanded == 0)
        client.manual.advance(.seconds(29))
        #expect(client.channel.isActive)
        client.manual.advance(.seconds(3))
        #expect(!client.channel.isActive)
        #expect(leg.cancelled != nil)
        #expect(client.openConnections == 0)
        #expect(client.manual.leftovers([client.pool]) == [])
    }

    @Test("a client that reads again in time goes on")
    func readsAgain() throws {
        let client = try ClientConnection()
        try client.get()
        let leg = client.legs[0]
        leg.accept()
        leg.respond(200)
        client.setWritable(false)
        leg.say("held")
        client.manual.advance(.seconds(20))
        client.setWritable(true)
        #expect(leg.demanded == 4)
        client.manual.advance(.seconds(40))
        leg.end()
        #expect(client.channel.isActive)
        #expect(client.manual.outcomes == [.completed: 1])
    }

    /// An answer whose client stopped taking it after the head; so many bytes wait.
    private func stalled(_ client: ClientConnection, bytes: Int) throws {
        try client.get()
        let leg = client.legs[0]
        leg.accept()
        leg.respondWithEvents()
        client.setWritable(false)
        leg.say("data: " + String(repeating: "x", count: bytes - 8) + "\n\n")
    }

    @Test("what a client does not take counts against the process's bound until it does, or is gone", arguments: [
        true, false,
    ])
    func heldBytes(takes: Bool) throws {
        let client = try ClientConnection()
        let budget = client.manual.context.budget
        try stalled(client, bytes: 10_000)
        #expect((10_000..<10_200).contains(budget.usedBytes))
        #expect(client.manual.totals.global.bufferedBytes == Int64(budget.usedBytes))
        if takes { client.setWritable(true) } else { client.leave() }
        #expect(budget.usedBytes == 0)
        #expect(client.manual.totals.global.bufferedBytes == 0)
    }

    @Test("bytes of an answer that is over count as well")
    func heldAfterTheEnd() throws {
        let client = try ClientConnection()
        try stalled(client, bytes: 10_000)
        client.legs[0].end()
        client.manual.run()
        #expect(client.manual.outcomes == [.completed: 1])
        #expect(client.manual.context.budget.usedBytes >= 10_000)
        client.manual.advance(.seconds(31))
        #expect(!client.channel.isActive)
        #expect(client.manual.context.budget.usedBytes == 0)
    }

    @Test("at the process's bound an answer that is not taken is called off, then cut")
    func calledOffAtTheBound() throws {
        let client = try ClientConnection(bufferLimit: 10_000)
        try stalled(client, bytes: 10_000)
        client.manual.advance(.milliseconds(900))
        #expect(client.legs[0].cancelled == nil)
        client.manual.advance(.milliseconds(200))
        #expect(client.legs[0].cancelled != nil)
        #expect(client.channel.isActive, "it may still take the reason")
        #expect(client.manual.outcomes == [.truncated: 1])
        #expect(client.manual.totals.global.errors[.overloaded] == 1)
        client.manual.advance(.seconds(2))
        #expect(!client.channel.isActive)
        #expect(client.manual.leftovers([client.pool]) == [])
    }

    @Test("at the process's bound a client that takes what waits in time is told why its answer ends")
    func readsTheReason() throws {
        let client = try ClientConnection(bufferLimit: 10_000)
        try stalled(client, bytes: 10_000)
        client.manual.advance(.milliseconds(1100))
        client.setWritable(true)
        let answer = try client.received()
        #expect(answer.contains(#""code":"overloaded""#))
        #expect(!answer.hasSuffix("0\r\n\r\n"), "a body that is broken off")
        #expect(!client.channel.isActive)
        #expect(client.manual.leftovers([client.pool]) == [])
    }
}
