import MartletBase
import MartletLogic
import Testing

/// Tasks whose rate all workers keep together.
@Suite struct DeskSharedRateTests {
    private func rule(_ key: String = "k") throws -> SharedRateRule {
        SharedRateRule(key: key, limit: try #require(RateLimit(10)))
    }

    private func desk(slots: Int = 2, _ change: (inout DeskPolicy) -> Void = { _ in }) throws -> WorkerDesk {
        let rule = try rule()
        return .with(slots: slots, rules: .add { $0.sharedRate = rule }, change)
    }

    @Test func nothingBeginsBeforeTheBrokerAllowsIt() throws {
        var desk = try desk()
        #expect(desk.take([1, 2, 3].map { .number($0) }, at: 0) == [.askRate(try rule(), count: 2)])
        #expect(desk.woken(now: time(0)) == [], "it is asked once")
        #expect(desk.granted("k", 1, again: .seconds(1), now: time(0)) == [.run(1)])
        #expect(desk.nextWake(now: time(0)) == at(1))
        #expect(desk.woken(now: time(0.5)) == [])
        #expect(desk.woken(now: time(1)) == [.askRate(try rule(), count: 1)], "one slot is free")
        #expect(desk.granted("k", 1, again: .zero, now: time(1)) == [.run(2)])
        #expect(desk.nextWake(now: time(1)) > at(2), "without a slot nobody asks")
        #expect(desk.ended(1, .succeeded, now: time(2)) == [.settle(1, .succeed), .askRate(try rule(), count: 1)])
    }

    @Test func whoWaitsForASharedRateHoldsNoSlot() throws {
        var desk = try desk(slots: 1)
        #expect(desk.take([.number(1), .number(2, name: "other")], at: 0).contains(.run(2)))
    }

    @Test func twoRatesDoNotAskForOneSlotAtATime() throws {
        var desk = try desk(slots: 1)
        let other = SharedRateRule(key: "z", limit: try #require(RateLimit(5)))
        let actions = desk.take([.number(1), .number(2) { $0.sharedRate = other }], at: 0)
        #expect(actions == [.askRate(try rule(), count: 1)])
        #expect(desk.nextWake(now: time(0)) > at(1), "the answer is waited for")
        #expect(desk.granted("k", 0, again: .seconds(1), now: time(0)) == [.askRate(other, count: 1)])
    }

    @Test func aBrokerThatCannotBeAskedIsAskedAgain() throws {
        var desk = try desk()
        _ = desk.take([.number(1)], at: 0)
        #expect(desk.granted("k", 0, again: .seconds(1), now: time(0)) == [])
        #expect(desk.woken(now: time(1)) == [.askRate(try rule(), count: 1)])
    }

    @Test func aMessagesRateComesBeforeItsTasksAndItsQueues() throws {
        let limit = try #require(RateLimit(5))
        var desk = try desk(slots: 9) { $0.queueRates = ["a": limit] }
        let own = SharedRateRule(key: "own", limit: limit)
        let actions = desk.take(
            [.number(1) { $0.sharedRate = own }, .number(2), .number(3, name: "other")], at: 0)
        #expect(
            actions == [
                .askRate(try rule(), count: 1), .askRate(own, count: 1),
                .askRate(SharedRateRule(key: "queue:a", limit: limit), count: 1),
            ])
    }

    @Test func whoIsRevokedWhileItWaitsTakesNothingOfTheRate() throws {
        var desk = try desk()
        _ = desk.take([.number(1), .number(2)], at: 0)
        _ = desk.revoke(["t1"], terminate: false, now: time(0))
        #expect(desk.granted("k", 1, again: .zero, now: time(0)) == [.run(2)])
    }

    @Test func aWorkerThatDrainsGivesBackWhoWaits() throws {
        var desk = try desk()
        _ = desk.take([.number(1)], at: 0)
        #expect(desk.drain(until: at(9), now: time(0)) == [.settle(1, .giveBack(atHead: true))])
        #expect(desk.granted("k", 1, again: .zero, now: time(0)) == [])
    }
}
