import MartletBase
import MartletExchange
import MartletGateway
import MartletLogic
import MartletTesting
import Testing

/// How a client's connection behaves when descriptors are scarce.
struct PressureTests {
    /// A connection of a process that has so many descriptors and uses so many of them otherwise.
    private func client(limit: Int = 1_024, standing: Int) throws -> ClientConnection {
        try ClientConnection { $0.governor = Governor(limit: limit, standing: standing) }
    }

    /// Standing descriptors with which the next connection meets `pressure`. Of 1,024 files 960 may be used.
    private func standing(_ pressure: Pressure) -> Int { (pressure.percent * 960 + 99) / 100 }

    @Test func whoFindsNoPlaceIsToldAndTheConnectionCloses() throws {
        let client = try client(standing: standing(.full))
        try client.get()
        let answer = try client.received()
        #expect(answer.hasPrefix("HTTP/1.1 503 "))
        #expect(answer.contains("\r\nRetry-After: 5\r\nx-should-retry: false\r\n"))
        #expect(answer.contains("\r\nConnection: close\r\n"))
        #expect(client.legs.isEmpty)
        #expect(client.openConnections == 0)
    }

    @Test func whoFindsNoPlaceAndSaysNothingIsToldAfterTwoSeconds() throws {
        let client = try client(standing: standing(.full))
        client.manual.advance(.seconds(1.9))
        #expect(try client.received().isEmpty)
        client.manual.advance(.seconds(0.2))
        #expect(try client.received().hasPrefix("HTTP/1.1 503 "))
    }

    @Test func nearTheLimitAnAnswerClosesItsConnection() throws {
        for (pressure, closes) in [(Pressure.shortened, false), (.closing, true)] {
            let client = try client(standing: standing(pressure))
            try client.get()
            client.legs[0].answer(200, "ok")
            #expect(try client.received().contains("Connection: close") == closes, "\(pressure)")
        }
    }

    @Test func onlyLowerClassesAreRefusedBeforeItIsFull() throws {
        for (priority, isServed) in [("interactive", true), ("batch", false), ("background", false)] {
            let client = try client(standing: standing(.shedding))
            try client.get("/api/", "x-request-priority: \(priority)\r\n")
            #expect(client.legs.isEmpty != isServed, "\(priority)")
            #expect(try client.received().hasPrefix("HTTP/1.1 503 ") != isServed, "\(priority)")
        }
    }

    @Test func idleConnectionsAreKeptForSecondsOncePressed() throws {
        for (pressure, seconds) in [(Pressure.none, 74), (.shortened, 4)] {
            let client = try client(standing: standing(pressure))
            try client.get()
            client.legs[0].answer(200, "ok")
            _ = try client.received()
            client.manual.advance(.seconds(seconds))
            #expect(client.openConnections == 1, "\(pressure)")
            client.manual.advance(.seconds(2))
            #expect(client.openConnections == 0, "\(pressure)")
        }
    }

    @Test func connectionsThatWereUsedGiveUpBeforeThoseThatAreNew() throws {
        let used = try client(standing: 0)
        try used.get()
        used.legs[0].answer(200, "ok")
        _ = try used.received()
        let fresh = try client(standing: 0)
        for client in [used, fresh] {
            client.manual.advance(.seconds(2))
            client.manual.context.clients.giveUpIdle(since: client.manual.now - .seconds(1), count: 32)
        }
        #expect(used.openConnections == 0)
        #expect(fresh.openConnections == 1)
        fresh.manual.advance(.seconds(4))
        fresh.manual.context.clients.giveUpIdle(since: fresh.manual.now - .seconds(1), count: 32)
        #expect(try fresh.received().hasPrefix("HTTP/1.1 503 "), "nobody is closed without an answer")
    }
}
