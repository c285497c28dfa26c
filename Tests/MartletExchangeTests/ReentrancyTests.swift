import MartletBase
import MartletExchange
import MartletLogic
import MartletTelemetry
import MartletTesting
import NIOCore
import Testing

@Suite("Events inside a step")
struct ReentrancyTests {
    /// A caller that leaves as soon as it hears something of this kind.
    private func leaver(_ house: House, when isTime: @escaping (FakeFront.Heard) -> Bool) -> FakeFront {
        let front = FakeFront()
        front.onHeard = { [weak house, weak front] what in
            guard isTime(what) else { return }
            house?.calls.first { $0.front === front }?.exchange.gone()
        }
        return front
    }

    @Test("the client leaves inside respond()")
    func goneInRespond() throws {
        let house = try House()
        let front = leaver(house) { $0 == .head(200) }
        house.get(front: front)
        try house.leg().answer()
        #expect(front.heard == [.head(200)])
        house.expectOutcome(.clientGone)
    }

    @Test("the client leaves inside body()")
    func goneInBody() throws {
        let house = try House()
        let front = leaver(house) { $0 == .body("one") }
        house.get(front: front)
        let leg = try house.leg()
        leg.accept()
        leg.respond(200)
        leg.say("one")
        leg.say("two")
        #expect(front.text == "one")
        #expect(leg.cancelled == .clientGone)
        house.expectOutcome(.clientGone)
    }

    @Test("the client leaves inside end(), when all was done")
    func goneInEnd() throws {
        let house = try House()
        let front = leaver(house) { $0 == .end }
        house.get(front: front)
        try house.leg().answer()
        house.expectOutcome(.completed)
    }

    @Test("the client leaves inside an error answer")
    func goneInErrorAnswer() throws {
        let house = try House(targets: 0)
        let front = leaver(house) { $0 == .head(502) }
        let call = house.get(front: front)
        call.exchange.gone()
        house.expectClosedBooks()
    }

    @Test("the client leaves and the target fails in one step: the target is not to blame")
    func goneAndFailed() throws {
        let house = try House()
        let front = leaver(house) { $0 == .body("one") }
        house.get(front: front)
        let leg = try house.leg()
        leg.onDemand = { $0.fail(.reset) }
        leg.accept()
        leg.respond(200)
        leg.say("one")
        house.expectOutcome(.clientGone)
        #expect(house.manual.totals.targets.values.first?.failures[.reset] == 0)
    }

    @Test("every target fails inside start()")
    func failsInStart() throws {
        let house = try House { $0.retry.attempts = 2 }
        house.manual.legs.onOpen = { leg in leg.onStart = { $0.fail(.connect, sent: false) } }
        let call = house.get()
        #expect(house.legs.count == 2)
        #expect(call.front.status == 502)
        house.expectOutcome(.upstreamFailed)
    }

    @Test("a target answers inside start()")
    func answersInStart() throws {
        let house = try House()
        house.manual.legs.onOpen = { leg in leg.onStart = { $0.answer() } }
        let call = house.get()
        #expect(call.front.heard == [.head(200), .body("ok"), .end])
        house.expectOutcome(.completed)
    }

    @Test("a target that answers inside demand() sends its pieces in order")
    func speaksInDemand() throws {
        let house = try House()
        let call = house.get()
        let leg = try house.leg()
        var rest = ["two", "three"]
        leg.onDemand = { leg in
            if rest.isEmpty { leg.end() } else { leg.say(rest.removeFirst()) }
        }
        leg.accept()
        leg.respond(200)
        leg.say("one")
        #expect(call.front.heard == [.head(200), .body("one"), .body("two"), .body("three"), .end])
        house.expectOutcome(.completed)
    }
}
