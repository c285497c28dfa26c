import MartletBase
import MartletExchange
import MartletLogic
import MartletTelemetry
import MartletTesting
import NIOCore
import Testing

@Suite("A request takes too long")
struct ExchangeTimeoutTests {
    private func expectAnswer(_ house: House, _ call: House.Call, _ status: Int, _ code: ErrorCode) {
        #expect(call.front.status == status)
        #expect(call.front.text.contains(code.text))
        #expect(call.front.heard.last == .end)
        #expect(house.manual.totals.global.errors[code] == 1)
        house.expectClosedBooks()
    }

    @Test("to connect: 502 when there is nowhere else")
    func connect() throws {
        let house = try House(targets: 1, target: .forgiven) { $0.retry.attempts = 1 }
        let call = house.get()
        house.manual.advance(.milliseconds(1900))
        #expect(call.front.heard.isEmpty)
        house.manual.advance(.milliseconds(200))
        expectAnswer(house, call, 502, .connectTimeout)
        #expect(try house.leg().cancelled == .timeout)
    }

    @Test("to connect: another target")
    func connectElsewhere() throws {
        let house = try House(target: .forgiven)
        house.get()
        house.manual.advance(.milliseconds(2100))
        #expect(house.legs.count == 2)
        #expect(house.legs[0].target?.id != house.legs[1].target?.id)
        house.legs[1].answer()
        house.expectOutcome(.completed)
    }

    @Test("in the queue: 503 with Retry-After")
    func queue() throws {
        let house = try House(targets: 1, target: .holding(1))
        let holder = house.get()
        try house.leg().accept()
        let call = house.get()
        house.manual.advance(.seconds(31))
        #expect(call.front.lines.contains("Retry-After: "))
        #expect(call.front.lines.contains("x-should-retry: false\r\n"))
        holder.exchange.gone()
        expectAnswer(house, call, 503, .queueTimeout)
        #expect(house.manual.outcomes == [.timedOut: 1, .clientGone: 1])
    }

    @Test("in the queue by the pool's own clock: the same answer")
    func queueTick() throws {
        let house = try House(targets: 1, target: .holding(1))
        let holder = house.get()
        let call = house.get()
        house.pool.tick(now: house.manual.now + .seconds(31))
        house.manual.run()
        #expect(call.front.status == 503)
        holder.exchange.gone()
        expectAnswer(house, call, 503, .queueTimeout)
    }

    @Test("to the first byte: 504")
    func firstByte() throws {
        let house = try House(targets: 1) {
            $0.timeouts.firstByte = .seconds(5)
            $0.retry.attempts = 1
        }
        let call = house.get()
        try house.leg().accept()
        house.manual.advance(.milliseconds(5100))
        expectAnswer(house, call, 504, .firstByteTimeout)
        #expect(house.manual.outcomes == [.timedOut: 1])
        #expect(try house.leg().cancelled == .timeout)
    }

    @Test("between two bytes: the stream tells, and breaks off")
    func stall() throws {
        let house = try House { $0.timeouts.idle = .seconds(5) }
        let call = house.chat(.fake("m", house.pool))
        let leg = try house.leg()
        leg.accept()
        leg.respondWithEvents()
        leg.say("data: 1\n\n")
        house.manual.advance(.milliseconds(5100))
        #expect(call.front.heard.last == .abort)
        #expect(call.front.text.hasPrefix("data: 1\n\n"))
        #expect(call.front.text.contains(ErrorCode.idleTimeout.text))
        #expect(leg.cancelled != nil)
        house.expectOutcome(.timedOut)
    }

    @Test("a client that does not read is not the target's stall")
    func stalledClient() throws {
        let house = try House { $0.timeouts.idle = .seconds(5) }
        let call = house.get()
        let leg = try house.leg()
        leg.accept()
        leg.respond(200)
        call.front.isWritable = false
        leg.say("data")
        #expect(leg.demanded == 0)
        house.manual.advance(.seconds(60))
        #expect(!call.front.isAnswered)
        call.front.isWritable = true
        call.exchange.frontWritable()
        #expect(leg.demanded == 4)
        leg.end()
        house.expectOutcome(.completed)
    }

    @Test("in all, in every phase", arguments: [0, 1, 2, 3])
    func total(phase: Int) throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.timeouts.total = .seconds(1) }
        if phase == 3 { house.get() }
        let call = house.get()
        if phase == 1 { try house.leg().accept() }
        if phase == 2 {
            try house.leg().accept()
            try house.leg().respond(200)
        }
        house.manual.advance(.milliseconds(1100))
        #expect(call.front.status == (phase == 2 ? 200 : 504))
        #expect(call.front.heard.last == (phase == 2 ? .abort : .end))
        house.expectOutcome(.timedOut)
    }

    @Test("for its caller, who stated a deadline")
    func callerDeadline() throws {
        let house = try House()
        let call = house.get(deadline: house.manual.now + .milliseconds(300))
        try house.leg().accept()
        house.manual.advance(.milliseconds(350))
        expectAnswer(house, call, 504, .deadlineExceeded)
        // The target is not to blame for it.
        #expect(house.pool.status(now: house.manual.now).targets.allSatisfy { $0.state == .up })
    }

    @Test("an event stream that is silent gets comments, between events only")
    func heartbeat() throws {
        let house = try House()
        house.manual.context.heartbeat = Interval(.seconds(15))
        let call = house.chat(.fake("m", house.pool))
        let leg = try house.leg()
        leg.accept()
        leg.respondWithEvents()
        leg.say("data: 1\n\ndata: half")
        house.manual.advance(.seconds(31))
        #expect(call.front.text == "data: 1\n\n:\n\n:\n\n")
        leg.say(" and half\n\ndata: [DONE]\n\n")
        leg.end()
        #expect(call.front.text.hasSuffix("data: half and half\n\ndata: [DONE]\n\n"))
        house.expectOutcome(.completed)
    }
}
