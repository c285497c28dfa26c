import MartletBase
import MartletExchange
import MartletLogic
import MartletTelemetry
import MartletTesting
import MartletWire
import NIOCore
import Testing

@Suite("Bodies on their way")
struct BodyTests {
    private func upload(_ house: House, size: BodySize = .unknown) -> House.Call {
        var caller = CallerFacts()
        caller.bodySize = size
        return house.open(.fake(.put), route: .fake(.pool(house.pool)), caller: caller)
    }

    private func bytes(_ count: Int) -> ByteBuffer { ByteBuffer(repeating: 0x61, count: count) }

    @Test("an upload that its target does not take is held back, bounded, and flows on")
    func uploadIsHeldBack() throws {
        let house = try House()
        house.manual.legs.onOpen = { $0.isUploadWritable = false }
        let call = upload(house)
        let leg = try house.leg()
        leg.accept()
        for _ in 0..<5 { call.exchange.requestBody(bytes(16 << 10)) }
        #expect(call.front.heard == [.reading(false)])
        #expect(house.manual.context.budget.usedBytes == 80 << 10)
        #expect(leg.received.isEmpty)
        leg.isUploadWritable = true
        leg.exchange?.legUploadWritable()
        #expect(leg.received.utf8.count == 80 << 10)
        call.exchange.requestBody(bytes(100_000))
        call.exchange.requestEnd()
        #expect(leg.received.utf8.count == (80 << 10) + 100_000)
        #expect(leg.isBodyEnded)
        #expect(call.front.heard.last == .reading(true))
        leg.answer()
        house.expectOutcome(.completed)
    }

    @Test("a small body keeps its length even when it arrives in pieces", arguments: [0, 1, 5])
    func length(count: Int) throws {
        let house = try House()
        let call = upload(house, size: count == 0 ? .none : .exactly(count))
        for _ in 0..<count { call.exchange.requestBody(bytes(1)) }
        call.exchange.requestEnd()
        let leg = try house.leg()
        #expect(leg.size == (count == 0 ? BodySize.none : .exactly(count)))
        #expect(leg.received.utf8.count == count)
        #expect(leg.isBodyEnded)
        leg.answer()
        house.expectOutcome(.completed)
    }

    @Test("a body that came while the request was queued goes out whole")
    func whileQueued() throws {
        let house = try House(targets: 1, target: .holding(1))
        let holder = house.get()
        let call = upload(house)
        call.exchange.requestBody(ByteBuffer(string: "one "))
        call.exchange.requestBody(ByteBuffer(string: "two"))
        call.exchange.requestEnd()
        holder.exchange.gone()
        house.manual.run()
        let leg = try house.leg()
        #expect(leg.received == "one two")
        #expect(leg.size == .exactly(7) || leg.size == .unknown)
        leg.answer()
        #expect(call.front.status == 200)
        house.expectClosedBooks()
    }

    @Test("an answer may begin before the upload has ended")
    func earlyAnswer() throws {
        let house = try House()
        let call = upload(house)
        let leg = try house.leg()
        call.exchange.requestBody(bytes(10))
        leg.accept()
        leg.respond(200)
        call.exchange.requestBody(bytes(10))
        #expect(leg.received.utf8.count == 20)
        leg.say("done")
        leg.end()
        call.exchange.requestBody(bytes(10))
        call.exchange.requestEnd()
        #expect(call.front.heard.last == .end)
        house.expectOutcome(.completed)
    }

    @Test("a request whose body turns out malformed is refused, and its target's work stopped")
    func malformedBody() throws {
        let house = try House()
        let call = upload(house)
        call.exchange.requestBody(bytes(10))
        try house.leg().accept()
        call.exchange.requestFailed(MartletError(.badRequest))
        #expect(call.front.status == 400)
        #expect(try house.leg().cancelled != nil)
        house.expectOutcome(.refused)
    }

    @Test("what a slow client does not take is asked for once it reads again")
    func slowClient() throws {
        let house = try House()
        let call = house.get()
        let leg = try house.leg()
        leg.accept()
        leg.respond(200)
        leg.say("taken")
        #expect(leg.demanded == 5)
        call.front.isWritable = false
        leg.say("held")
        leg.say("held")
        #expect(leg.demanded == 5)
        call.front.isWritable = true
        call.exchange.frontWritable()
        #expect(leg.demanded == 13)
        leg.end()
        house.expectOutcome(.completed)
    }

    @Test("an event that never ends is held up to its bound, then passed; an error after it stands apart")
    func endlessEvent() throws {
        let house = try House()
        let call = house.chat(.fake("m", house.pool))
        let leg = try house.leg()
        leg.accept()
        leg.respondWithEvents()
        let piece = "data: " + String(repeating: "x", count: 40_000)
        leg.say(piece)
        #expect(call.front.text.isEmpty)
        #expect(house.manual.context.budget.usedBytes == piece.utf8.count)
        leg.say(piece)
        #expect(call.front.text == piece + piece)
        #expect(house.manual.context.budget.usedBytes == 0)
        leg.fail(.reset)
        #expect(call.front.text.hasPrefix(piece + piece + "\n\ndata: {\"error\":"))
        #expect(call.front.heard.last == .abort)
        house.expectOutcome(.truncated)
    }

    @Test("events reach the client as they were, wherever the target's pieces end", arguments: 1...12)
    func anySplit(length: Int) throws {
        let stream = "data: {\"a\":1}\n\n: note\r\n\r\nevent: x\rdata: 2\r\rdata: [DONE]\n\n"
        let house = try House()
        let call = house.chat(.fake("m", house.pool))
        let leg = try house.leg()
        leg.accept()
        leg.respondWithEvents()
        var rest = Substring(stream)
        while !rest.isEmpty {
            leg.say(String(decoding: rest.utf8.prefix(length), as: UTF8.self))
            rest = Substring(String(decoding: rest.utf8.dropFirst(length), as: UTF8.self))
        }
        leg.end()
        #expect(Array(call.front.text.utf8) == Array(stream.utf8))
        #expect(call.front.heard.last == .end)
        house.expectOutcome(.completed)
    }

    @Test("a full queue refuses at once, and says when to come again")
    func queueFull() throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.queue.length = 1 }
        let calls = [house.get(), house.get(), house.get()]
        #expect(calls[2].front.status == 503)
        #expect(calls[2].front.text.contains(ErrorCode.queueFull.text))
        #expect(calls[2].front.lines.contains("Retry-After: "))
        for call in calls { call.exchange.gone() }
        house.expectClosedBooks()
    }

    @Test("a queue timeout of zero still takes a place that is free")
    func zeroQueue() throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.timeouts.queue = .zero }
        house.get()
        #expect(house.legs.count == 1)
        let second = house.get()
        house.manual.advance(.milliseconds(50))
        #expect(second.front.status == 503)
        try house.leg().answer()
        house.expectClosedBooks()
    }
}
