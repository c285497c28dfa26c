import MartletBase
import MartletExchange
import MartletLogic
import MartletTelemetry
import MartletTesting
import MartletWire
import NIOCore
import Testing

/// `limits.buffered`: what all requests of the process hold together.
@Suite("The bound on buffered bytes")
struct BufferBoundTests {
    private func upload(_ house: House) -> House.Call {
        var caller = CallerFacts()
        caller.bodySize = .unknown
        return house.open(.fake(.put), route: .fake(.pool(house.pool)), caller: caller)
    }

    /// Bytes that others hold: the bound is reached.
    private func fill(_ house: House) { house.manual.context.hold(house.manual.context.budget.limit) }
    private func empty(_ house: House) { house.manual.context.hold(-house.manual.context.budget.limit) }

    private func expectOverloaded(_ call: House.Call) {
        #expect(call.front.status == 503)
        #expect(call.front.text.contains(ErrorCode.overloaded.text))
        #expect(call.front.lines.contains("x-should-retry: false"))
    }

    @Test("a body that would wait in the queue is refused")
    func queued() throws {
        let house = try House(targets: 1, bufferLimit: 100, target: .holding(1))
        let holder = house.get()
        let call = upload(house)
        call.exchange.requestBody(ByteBuffer(repeating: 0x61, count: 99))
        #expect(!call.front.isAnswered)
        call.exchange.requestBody(ByteBuffer(repeating: 0x61, count: 1))
        expectOverloaded(call)
        holder.exchange.gone()
        house.expectClosedBooks()
        #expect(house.manual.outcomes == [.clientGone: 1, .refused: 1])
    }

    @Test("a body that its target does not take is refused, its target let go")
    func notTaken() throws {
        let house = try House(bufferLimit: 100)
        house.manual.legs.onOpen = { $0.isUploadWritable = false }
        let call = upload(house)
        let leg = try house.leg()
        leg.accept()
        call.exchange.requestBody(ByteBuffer(repeating: 0x61, count: 200))
        expectOverloaded(call)
        #expect(leg.cancelled != nil)
        house.expectOutcome(.refused)
    }

    @Test("a body that its target takes flows on, but is not kept for another attempt")
    func taken() throws {
        let house = try House(bufferLimit: 100)
        fill(house)
        let call = upload(house)
        let leg = try house.leg()
        leg.accept()
        for _ in 0..<3 { call.exchange.requestBody(ByteBuffer(string: "piece ")) }
        call.exchange.requestEnd()
        #expect(leg.received == "piece piece piece ")
        #expect(house.manual.context.budget.usedBytes == 100)
        leg.fail(.reset)
        #expect(call.front.status == 502)
        #expect(house.legs.count == 1)
        empty(house)
        house.expectOutcome(.upstreamFailed)
    }

    @Test("nothing is read ahead for a client that takes nothing, and its target is not blamed for the silence")
    func readsNothingAhead() throws {
        let house = try House(bufferLimit: 100, target: .forgiven) { $0.timeouts.idle = .seconds(5) }
        let call = house.get()
        let leg = try house.leg()
        #expect(!call.exchange.waitsForClient())
        leg.accept()
        leg.respond(200)
        call.front.isWritable = false
        #expect(!call.exchange.waitsForClient(), "there is room")
        fill(house)
        #expect(call.exchange.waitsForClient())
        house.manual.advance(.seconds(20))
        #expect(!call.front.isAnswered)
        call.front.isWritable = true
        let asked = Box(0)
        leg.onDemand = { _ in asked.value += 1 }
        call.exchange.frontWritable()
        #expect(asked.value == 1, "it may read again")
        #expect(!call.exchange.waitsForClient())
        empty(house)
        leg.end()
        house.expectOutcome(.completed)
    }

    @Test("a stream that is called off says why, and is broken off")
    func calledOff() throws {
        let house = try House()
        let call = house.chat(.fake("m", house.pool))
        let leg = try house.leg()
        leg.accept()
        leg.respondWithEvents()
        leg.say("data: 1\n\ndata: ha")
        call.front.isWritable = false
        call.exchange.requestFailed(MartletError(.overloaded))
        #expect(call.front.text.hasPrefix("data: 1\n\ndata: {\"error\":"))
        #expect(call.front.text.contains(ErrorCode.overloaded.text))
        #expect(call.front.heard.last == .abort)
        #expect(leg.cancelled != nil)
        #expect(house.manual.totals.global.errors[.overloaded] == 1)
        house.expectOutcome(.truncated)
    }
}

private final class Box {
    var value: Int
    init(_ value: Int) { self.value = value }
}
