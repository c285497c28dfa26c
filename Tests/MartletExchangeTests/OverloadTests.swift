import MartletBase
import MartletExchange
import MartletLogic
import MartletTelemetry
import MartletTesting
import MartletWire
import NIOCore
import Testing

/// More comes than the targets can take.
@Suite("Overload")
struct OverloadTests {
    private func expectShed(_ call: House.Call, _ code: ErrorCode, _ location: SourceLocation = #_sourceLocation) {
        #expect(call.front.status == 503, sourceLocation: location)
        #expect(call.front.text.contains(code.text), sourceLocation: location)
        #expect(call.front.line("x-should-retry") == "false", sourceLocation: location)
        #expect(call.front.line("Retry-After") != nil, sourceLocation: location)
    }

    @Test("a higher class takes the place of the youngest of the lowest, who is told at once")
    func eviction() throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.queue.length = 2 }
        house.get()
        let first = house.get(.get, .background)
        let youngest = house.get(.get, .background)
        let refused = house.get(.get, .background)
        expectShed(refused, .queueFull)
        let urgent = house.get(.get, .interactive)
        #expect(!urgent.front.isAnswered)
        house.manual.run()
        expectShed(youngest, .queueFull)
        try house.leg().answer()
        house.manual.run()
        try house.leg().answer()
        #expect(urgent.front.status == 200)
        #expect(!first.front.isAnswered)
        house.manual.run()
        try house.leg().answer()
        #expect(first.front.status == 200)
        house.expectClosedBooks()
    }

    @Test("who loses its place and leaves in the same moment gives back nothing twice")
    func evictedAndGone() throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.queue.length = 1 }
        house.get()
        let lower = house.get(.get, .batch)
        let urgent = house.get(.get, .interactive)
        lower.exchange.gone()
        house.manual.run()
        #expect(!lower.front.isAnswered)
        urgent.exchange.gone()
        try house.leg().answer()
        house.expectClosedBooks()
        #expect(house.manual.outcomes == [.completed: 1, .clientGone: 2])
    }

    @Test("what those who wait hold is bounded in bytes, announced bodies with it")
    func bytes() throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.queue.bytes = 1500 }
        func put() -> House.Call {
            var caller = CallerFacts()
            caller.bodySize = .exactly(1000)
            return house.open(.fake(.put), route: .fake(.pool(house.pool)), caller: caller)
        }
        house.get()
        let waiting = put()
        #expect(house.pool.status(now: house.manual.now).queuedBytes == 1000)
        let refused = put()
        expectShed(refused, .queueFull)
        waiting.exchange.gone()
        #expect(house.pool.status(now: house.manual.now).queuedBytes == 0)
        try house.leg().answer()
        house.expectClosedBooks()
    }

    @Test("what arrives of a body while its request waits is counted, and no more is read than may be held")
    func growingBytes() throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.queue.bytes = 15_001 }
        func put() -> House.Call {
            var caller = CallerFacts()
            caller.bodySize = .unknown
            return house.open(.fake(.put), route: .fake(.pool(house.pool)), caller: caller)
        }
        func queued() -> Int { house.pool.status(now: house.manual.now).queuedBytes }
        let holder = house.get()
        let (first, second) = (put(), put())
        #expect(queued() == 0)
        // Crumbs are not worth the pool's lock.
        first.exchange.requestBody(ByteBuffer(repeating: 0x61, count: 1))
        #expect(queued() == 0)
        for call in [first, second, first] { call.exchange.requestBody(ByteBuffer(repeating: 0x61, count: 5_000)) }
        #expect(queued() == 15_001)
        #expect(first.front.heard.isEmpty && second.front.heard.isEmpty)
        second.exchange.requestBody(ByteBuffer(repeating: 0x62, count: 5_000))
        #expect(second.front.heard == [.reading(false)], "its client waits with the rest")
        #expect(queued() == 20_001)
        expectShed(house.chat(.fake("m", house.pool)), .queueFull)
        holder.exchange.gone()
        house.manual.run()
        let leg = try house.leg()
        #expect(leg.received.utf8.count == 10_001)
        #expect(queued() == 10_000)
        first.exchange.requestEnd()
        leg.answer()
        house.manual.run()
        #expect(second.front.heard == [.reading(false), .reading(true)])
        #expect(queued() == 0)
        second.exchange.requestEnd()
        try house.leg().answer()
        #expect(second.front.status == 200)
        house.expectClosedBooks()
    }

    @Test("who waits in a pool that a reload removes is told at once, or goes to the fallback")
    func removedPool() throws {
        let house = try House(targets: 1, target: .holding(1))
        let spare = try house.addPool("spare", targets: 1)
        let holder = house.get()
        let waiting = house.get()
        let table = ModelTable.fake("m", house.pool, fallback: spare)
        let lucky = house.chat(table)
        let uploading = house.openChat(.fake("m", house.pool), bytes: 100)
        house.pool.retire()
        house.manual.run()
        #expect(!waiting.front.isAnswered, "its target is still there")
        #expect(house.pool.remove(TargetID(1), now: house.manual.now) == false)
        house.pool.turnAway()
        house.manual.run()
        let late = house.get()
        uploading.exchange.requestBody(ByteBuffer(string: #"{"model":"m"}"#))
        uploading.exchange.requestEnd()
        for call in [waiting, late, uploading] {
            #expect(call.front.status == 503)
            #expect(call.front.text.contains("pool_removed"))
            #expect(call.front.line("Retry-After") == "1" || call.front.line("Retry-After") == "2")
            #expect(call.front.line("x-should-retry") == nil, "what holds now may have a place for it")
        }
        try house.leg().answer()
        #expect(lucky.front.status == 200)
        #expect(!holder.front.isAnswered, "what runs goes on")
        holder.exchange.gone()
        house.expectClosedBooks()
    }

    @Test("who waits for a target that is not to come any more is told at once")
    func noTargetToCome() throws {
        let house = try House(targets: 0)
        house.pool.expectTargets(true, now: house.manual.now)
        let waiting = house.get()
        house.manual.run()
        #expect(!waiting.front.isAnswered)
        house.pool.expectTargets(false, now: house.manual.now)
        house.manual.run()
        #expect(waiting.front.status == 502)
        #expect(waiting.front.text.contains("no_target"))
        house.expectClosedBooks()
    }

    @Test("work that could not be over in time is refused on arrival")
    func lateness() throws {
        let house = try House(targets: 1, target: .holding(1))
        for _ in 0..<40 {
            house.get()
            let leg = try house.leg()
            leg.accept()
            house.manual.advance(.seconds(1))
            leg.answer()
        }
        let holder = house.get()
        let waiting = (0..<4).map { _ in house.get() }
        let late = house.get(deadline: house.manual.now + .seconds(5))
        expectShed(late, .noCapacity)
        #expect(Int(try #require(late.front.line("Retry-After"))).map { (4...6).contains($0) } == true)
        for call in waiting + [holder] { call.exchange.gone() }
        house.expectClosedBooks()
    }

    @Test("those refused together are not asked back together")
    func spread() throws {
        let house = try House(targets: 1, target: .holding(1)) { $0.queue.length = 20 }
        for _ in 0..<40 {
            house.get()
            let leg = try house.leg()
            leg.accept()
            house.manual.advance(.seconds(1))
            leg.answer()
        }
        for _ in 0..<21 { house.get() }
        let refused = (0..<50).map { _ in house.get() }
        let pauses = refused.compactMap { $0.front.line("Retry-After").flatMap { Int($0) } }
        #expect(pauses.count == 50)
        #expect(Set(pauses).count >= 4, "\(Set(pauses))")
        #expect(pauses.allSatisfy { (16...26).contains($0) }, "\(Set(pauses))")
        for call in house.calls { call.exchange.gone() }
        house.expectClosedBooks()
    }

    @Test("a first wave is told as soon as it is known that it cannot be served")
    func firstWave() throws {
        let house = try House(targets: 1, target: .holding(1))
        house.get()
        let wave = (0..<200).map { _ in house.get() }
        let leg = try house.leg()
        leg.accept()
        house.manual.advance(.seconds(1))
        leg.answer()
        house.pool.tick(now: house.manual.now)
        house.manual.run()
        let told = wave.filter { $0.front.isAnswered }
        #expect((120...180).contains(told.count), "\(told.count)")
        for call in told { expectShed(call, .noCapacity) }
        for call in house.calls { call.exchange.gone() }
        house.expectClosedBooks()
    }

    @Test("targets that asked for time are no load of ours: clients may try again")
    func rateLimited() throws {
        let house = try House(targets: 1)
        house.get()
        try house.leg().accept()
        try house.leg().respond(429, [("Retry-After", "100")])
        try house.leg().end()
        let refused = house.get()
        #expect(refused.front.status == 503)
        #expect(refused.front.line("x-should-retry") == nil)
        #expect(Int(try #require(refused.front.line("Retry-After"))).map { (80...121).contains($0) } == true)
        house.expectClosedBooks()
    }
}
