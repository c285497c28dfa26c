import MartletBase
import MartletExchange
import MartletLogic
import MartletTelemetry
import MartletTesting
import MartletWire
import NIOCore
import Testing

@Suite("An attempt fails")
struct ExchangeRetryTests {
    @Test("refused: another target, whatever the method", arguments: [MartletWire.Method.get, .post])
    func refused(method: MartletWire.Method) throws {
        let house = try House()
        let call = house.get(method)
        try house.leg().fail(.connect, sent: false)
        #expect(house.legs.count == 2)
        #expect(house.legs[0].target?.id != house.legs[1].target?.id)
        house.legs[1].answer()
        #expect(call.front.status == 200)
        house.expectOutcome(.completed)
        #expect(house.manual.totals.pools[0]?.retries[.connect] == 1)
    }

    @Test("a POST that was sent is not sent again")
    func sentPost() throws {
        let house = try House()
        let call = house.get(.post)
        try house.leg().accept()
        try house.leg().fail(.reset)
        #expect(house.legs.count == 1)
        #expect(call.front.status == 502)
        house.expectOutcome(.upstreamFailed)
    }

    @Test("the answer that began cannot be taken back: it is broken off")
    func afterTheHead() throws {
        let house = try House()
        let call = house.get()
        try house.leg().accept()
        try house.leg().respond(200, size: .exactly(100))
        try house.leg().say("some")
        try house.leg().fail(.truncated)
        #expect(house.legs.count == 1)
        #expect(call.front.heard == [.head(200), .body("some"), .abort])
        house.expectOutcome(.truncated)
        #expect(house.manual.totals.targets.values.first?.failures[.truncated] == 1)
    }

    @Test("a stale connection: the same target once more on a fresh one, and nobody is blamed")
    func stale() throws {
        let house = try House(targets: 1)
        let call = house.get(.post)
        try house.leg().accept(isNew: false)
        try house.leg().fail(.reset, stale: true)
        #expect(house.legs.count == 2)
        #expect(house.legs[1].isFresh)
        #expect(house.legs[1].target?.id == house.legs[0].target?.id)
        house.legs[1].answer()
        #expect(call.front.status == 200)
        house.expectOutcome(.completed)
        #expect(house.manual.totals.targets.values.first?.failures[.reset] == 0)
        #expect(house.pool.status(now: house.manual.now).targets.first?.state == .up)
    }

    @Test("the body goes out again, whole")
    func bodyAgain() throws {
        let house = try House()
        let body = #"{"model":"m","messages":[]}"#
        let call = house.openChat(.fake("m", house.pool), bytes: body.utf8.count)
        call.exchange.requestBody(ByteBuffer(string: String(body.prefix(10))))
        call.exchange.requestBody(ByteBuffer(string: String(body.dropFirst(10))))
        call.exchange.requestEnd()
        try house.leg().fail(.connect, sent: false)
        #expect(house.legs.map(\.received) == [body, body])
        #expect(house.legs[1].isBodyEnded)
        house.legs[1].answer()
        house.expectOutcome(.completed)
    }

    @Test("a body that is not kept whole is sent once")
    func largeBody() throws {
        let house = try House()
        let call = house.open(.fake(.put), route: .fake(.pool(house.pool)), caller: CallerFacts())
        call.exchange.requestBody(ByteBuffer(repeating: 1, count: 100_000))
        try house.leg().fail(.connect, sent: false)
        #expect(house.legs.count == 1)
        #expect(call.front.status == 502)
        house.expectOutcome(.upstreamFailed)
    }

    @Test("the later attempts wait, and the pool holds their place in the budget")
    func backsOff() throws {
        let house = try House(target: .forgiven) { $0.retry.attempts = 3 }
        house.get()
        try house.leg().fail(.reset)
        #expect(house.legs.count == 2)
        house.legs[1].fail(.reset)
        #expect(house.legs.count == 2)
        #expect(house.pool.status(now: house.manual.now).active == 0)
        #expect(house.pool.status(now: house.manual.now).retriesInProgress == 1)
        house.manual.advance(.milliseconds(130))
        #expect(house.legs.count == 3)
        house.legs[2].fail(.reset)
        house.expectOutcome(.upstreamFailed)
    }

    @Test("a spent budget stops retries, and tells the client not to add its own")
    func budget() throws {
        let house = try House(target: .forgiven) { $0.retry.attempts = 5 }
        let calls = (0..<4).map { _ in house.get() }
        for leg in house.legs { leg.fail(.reset) }
        #expect(house.pool.status(now: house.manual.now).retriesInProgress == 3)
        let refused = try #require(calls.first { $0.front.isAnswered })
        #expect(refused.front.status == 502)
        #expect(refused.front.lines.contains("x-should-retry: false\r\n"))
        for call in calls { call.exchange.gone() }
        house.expectClosedBooks()
    }

    @Test("a status that the route retries goes elsewhere, and its answer is never seen")
    func status() throws {
        let house = try House(target: .forgiven) { $0.retry.on.insert(.http503) }
        let call = house.get()
        try house.leg().accept()
        try house.leg().respond(503)
        #expect(house.legs[0].cancelled == .replaced)
        #expect(house.legs.count == 2)
        house.legs[1].answer()
        #expect(call.front.heard == [.head(200), .body("ok"), .end])
        house.expectOutcome(.completed)
        #expect(house.manual.totals.pools[0]?.retries[.status5xx] == 1)
    }

    @Test("with nowhere else to go the status is passed on as it came")
    func statusWithoutElsewhere() throws {
        let house = try House(targets: 1, target: .forgiven) { $0.retry.on.insert(.http503) }
        let call = house.get()
        try house.leg().answer(503, "busy")
        #expect(call.front.heard == [.head(503), .body("busy"), .end])
        house.expectOutcome(.completed)
    }

    @Test("a 5xx counts against the target, a 4xx does not, both are passed on", arguments: [404, 500])
    func passedOn(status: Int) throws {
        let house = try House(targets: 1, target: .forgiven)
        let call = house.get()
        try house.leg().answer(status, "words")
        #expect(call.front.status == status)
        #expect(call.front.text == "words")
        house.expectOutcome(.completed)
        let failures = house.pool.status(now: house.manual.now).targets.first?.failures[.status5xx]
        #expect(failures == (status == 500 ? 1 : 0))
    }

    @Test("who waits at a target that is lost goes elsewhere; who has an answer stays")
    func targetLost() throws {
        let house = try House(target: .forgiven)
        let waiting = house.chat(.fake("m", house.pool))
        let streaming = house.chat(.fake("m", house.pool))
        for leg in house.legs { leg.accept() }
        house.legs[1].respondWithEvents()
        for leg in house.legs { house.manual.legs.targetLost(leg.target?.id ?? TargetID(0)) }
        #expect(house.legs.count == 3)
        #expect(house.legs[0].cancelled == .replaced)
        #expect(house.legs[2].target?.id != house.legs[0].target?.id)
        house.legs[1].say("data: [DONE]\n\n")
        house.legs[1].end()
        house.legs[2].answer()
        #expect(waiting.front.status == 200)
        #expect(streaming.front.heard.last == .end)
        house.expectOutcome(.completed)
    }

    @Test("who waits at a lost target stays when there is no other")
    func targetLostAlone() throws {
        let house = try House(targets: 1)
        let call = house.chat(.fake("m", house.pool))
        try house.leg().accept()
        house.manual.legs.targetLost(TargetID(1))
        #expect(try house.leg().cancelled == nil)
        try house.leg().answer()
        #expect(call.front.status == 200)
        house.expectOutcome(.completed)
    }

    @Test("who waits at a lost target stays when the retry budget is spent")
    func targetLostWithoutBudget() throws {
        let house = try House(target: .forgiven)
        let calls = (0..<8).map { _ in house.chat(.fake("m", house.pool)) }
        let legs = house.legs
        for leg in legs { leg.accept() }
        let lost = try #require(legs[0].target?.id)
        house.manual.legs.targetLost(lost)
        let waiting = legs.filter { $0.target?.id == lost }
        // Four waited there; the budget has room for three.
        #expect(waiting.count { $0.cancelled == .replaced } == 3)
        #expect(calls.allSatisfy { $0.front.heard.isEmpty })
        for leg in house.legs where !leg.isOver { leg.answer() }
        #expect(calls.allSatisfy { $0.front.status == 200 })
        house.expectOutcome(.completed)
    }

    @Test("what the client sent goes out when a place is granted, not with its next bytes")
    func sendsWhenGranted() throws {
        let house = try House(targets: 1, target: .holding(1))
        house.get()
        let waiting = house.open(.fake(.post), route: .fake(.pool(house.pool)), caller: CallerFacts())
        waiting.exchange.requestBody(ByteBuffer(string: "so far"))
        try house.leg().answer()
        house.manual.run()
        #expect(try house.leg().received == "so far")
        #expect(try house.leg().flushes > 0)
        waiting.exchange.gone()
        house.expectClosedBooks()
    }

    @Test("an answer goes out once for each read, however many pieces it came in")
    func oneFlush() throws {
        let house = try House()
        let call = house.get()
        let leg = try house.leg()
        leg.accept()
        leg.respond(200)
        for _ in 0..<5 { leg.exchange?.legBody(ByteBuffer(string: "piece")) }
        #expect(call.front.flushes == 0)
        leg.exchange?.legReadComplete()
        #expect(call.front.flushes == 1)
        leg.end()
        house.expectOutcome(.completed)
    }

    @Test("the place of a failed attempt serves the next in the queue")
    func queueMovesOn() throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.retry.attempts = 1 }
        house.get()
        let second = house.get()
        #expect(house.legs.count == 1)
        house.legs[0].fail(.reset)
        house.manual.run()
        #expect(house.legs.count == 2)
        house.legs[1].answer()
        #expect(second.front.status == 200)
        house.expectClosedBooks()
        #expect(house.manual.outcomes == [.upstreamFailed: 1, .completed: 1])
    }
}
