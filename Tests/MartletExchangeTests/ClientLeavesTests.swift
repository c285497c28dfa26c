import MartletBase
import MartletExchange
import MartletLogic
import MartletTelemetry
import MartletTesting
import MartletWire
import NIOCore
import Testing

@Suite("The client leaves")
struct ClientLeavesTests {
    private func expectCancelled(_ house: House, in phase: CancelPhase?) {
        house.expectOutcome(.clientGone)
        for other in CancelPhase.allCases {
            #expect(house.manual.totals.global.cancelled[other] == (other == phase ? 1 : 0), "\(other)")
        }
        // The target is not to blame.
        #expect(house.manual.totals.targets.values.allSatisfy { row in
            FailureClass.allCases.allSatisfy { row.failures[$0] == 0 || phase == .backingOff }
        })
    }

    @Test("while its body is read")
    func collecting() throws {
        let house = try House()
        let call = house.openChat(.fake("m", house.pool), bytes: 100)
        call.exchange.requestBody(ByteBuffer(string: #"{"model":"#))
        #expect(house.manual.context.budget.usedBytes > 0)
        call.exchange.gone()
        expectCancelled(house, in: nil)
        #expect(house.legs.isEmpty)
    }

    @Test("while queued")
    func queued() throws {
        let house = try House(targets: 1, target: .holding(1))
        let holder = house.get()
        let call = house.get()
        #expect(house.pool.status(now: house.manual.now).queued.total == 1)
        call.exchange.gone()
        #expect(house.pool.status(now: house.manual.now).queued.total == 0)
        holder.exchange.gone()
        house.expectOutcome(.clientGone)
        #expect(house.manual.totals.global.cancelled[.queued] == 1)
        #expect(house.legs.count == 1)
    }

    @Test("while a place that was granted is on its way")
    func granted() throws {
        let house = try House(targets: 1, target: .holding(1))
        let holder = house.get()
        let call = house.get()
        holder.exchange.gone()
        // The place is granted now, and told in the next turn of the loop.
        call.exchange.gone()
        house.expectOutcome(.clientGone)
        #expect(house.legs.count == 1)
    }

    @Test("while connecting")
    func connecting() throws {
        let house = try House()
        let call = house.get()
        call.exchange.gone()
        expectCancelled(house, in: .connecting)
        #expect(try house.leg().cancelled == .clientGone)
    }

    @Test("while waiting for the first byte")
    func waiting() throws {
        let house = try House()
        let call = house.get()
        try house.leg().accept()
        call.exchange.gone()
        expectCancelled(house, in: .waiting)
        #expect(try house.leg().cancelled == .clientGone)
    }

    @Test("while the answer streams, its own bytes not taken")
    func streaming() throws {
        let house = try House()
        let call = house.get()
        let leg = try house.leg()
        leg.accept()
        leg.respond(200)
        call.front.isWritable = false
        leg.say("held back")
        #expect(leg.demanded == 0)
        call.exchange.gone()
        expectCancelled(house, in: .streaming)
        #expect(leg.cancelled == .clientGone)
    }

    @Test("while it backs off")
    func backingOff() throws {
        let house = try House(target: .forgiven) { $0.retry.attempts = 5 }
        let call = house.get()
        try house.leg().fail(.reset)
        try house.leg().fail(.reset)
        #expect(house.pool.status(now: house.manual.now).retriesInProgress == 1)
        call.exchange.gone()
        expectCancelled(house, in: .backingOff)
        house.manual.advance(.seconds(10))
        #expect(house.legs.count == 2)
    }

    @Test("twice, and after the end: counted once")
    func twice() throws {
        let house = try House()
        let call = house.get()
        call.exchange.gone()
        call.exchange.gone()
        house.expectOutcome(.clientGone)
        #expect(try house.leg().cancels == 1)
        let done = house.get()
        try house.leg().answer()
        done.exchange.gone()
        house.expectClosedBooks()
        #expect(house.manual.outcomes == [.clientGone: 1, .completed: 1])
    }

    @Test("what comes afterwards from either side is dropped")
    func eventsAfterwards() throws {
        let house = try House()
        let call = house.get(.post)
        call.exchange.gone()
        call.exchange.requestBody(ByteBuffer(string: "late"))
        call.exchange.requestEnd()
        call.exchange.frontWritable()
        call.exchange.targetLost()
        call.exchange.legHead(ResponseHead(status: 200), size: .unknown)
        call.exchange.legBody(ByteBuffer(string: "late"))
        call.exchange.legEnd()
        house.manual.advance(.seconds(4000))
        house.expectOutcome(.clientGone)
        #expect(call.front.heard.isEmpty)
    }
}
