import MartletBase
import MartletLogic
import Testing

/// Tasks that are run together.
@Suite struct DeskBatchTests {
    private func desk(
        slots: Int = 1, size: Int = 3, rules change: (inout TaskRules) -> Void = { _ in },
        policy: (inout DeskPolicy) -> Void = { _ in }
    ) -> WorkerDesk {
        .with(
            slots: slots,
            rules: .add { rules in
                rules.batch = BatchRule(size: size, timeout: .seconds(1))
                change(&rules)
            }, policy)
    }

    private func numbers(_ numbers: ClosedRange<UInt64>) -> [TaskArrival] { numbers.map { .number($0) } }

    @Test func aFullBatchIsOneRunInOneSlot() {
        var desk = desk()
        #expect(desk.take(numbers(1...3), at: 0) == [.run(1)])
        #expect(desk.batch(of: 1) == [1, 2, 3])
        #expect(desk.running == 1)
        #expect(desk.active.map(\.id) == [1, 2, 3])
        #expect(desk.counts.started == 3)
    }

    @Test func onesThatWaitBeginTogetherWhenTheTimeOfTheFirstIsOver() {
        var desk = desk()
        #expect(desk.take(numbers(1...1), at: 0) == [])
        #expect(desk.take(numbers(2...2), at: 0.5) == [])
        #expect(desk.reserved.map(\.phase) == [.waitsForBatch, .waitsForBatch])
        #expect(desk.waiting == 2)
        #expect(desk.nextWake(now: time(0.5)) == at(1))
        #expect(desk.woken(now: time(0.9)) == [])
        #expect(desk.woken(now: time(1)) == [.run(1)])
        #expect(desk.batch(of: 1) == [1, 2])
    }

    @Test func eachMemberHasItsOwnEndAndTheSlotIsFreeWithTheFirst() {
        var desk = desk()
        _ = desk.take(numbers(1...3), at: 0)
        for id in [1, 2, 3] as [DeliveryID] { desk.started(id, now: time(0)) }
        #expect(desk.ended(2, .failed, now: time(1)) == [.settle(2, .fail(.raised))])
        #expect(desk.ended(3, .retry(after: .seconds(9)), now: time(1)) == [
            .settle(3, .retry(retries: 1, eta: wall(10)))
        ])
        #expect(desk.running == 1)
        #expect(desk.ended(1, .succeeded, now: time(1)) == [.settle(1, .succeed)])
        #expect(desk.running == 0)
        #expect(desk.batch(of: 1) == [1])
    }

    @Test func thoseThatHaveNoEndWhenTheFirstHasOneGoBack() {
        var desk = desk()
        _ = desk.take(numbers(1...2), at: 0)
        _ = desk.woken(now: time(1))
        #expect(desk.ended(1, .succeeded, now: time(2)) == [
            .settle(2, .giveBack(atHead: true)), .settle(1, .succeed),
        ])
    }

    @Test func theNextBatchWaitsForASlotAndTakesAlongWhoCameMeanwhile() {
        var desk = desk(size: 2)
        _ = desk.take(numbers(1...2), at: 0)
        #expect(desk.take(numbers(3...4), at: 0) == [])
        _ = desk.revoke(["t4"], terminate: false, now: time(0))
        #expect(desk.take(numbers(5...5), at: 0.1) == [])
        _ = desk.ended(2, .succeeded, now: time(0.2))
        #expect(desk.ended(1, .succeeded, now: time(0.2)) == [.settle(1, .succeed), .run(3)])
        #expect(desk.batch(of: 3) == [3, 5])
    }

    @Test func batchesThatWereBegunWithAreFilledWhileASlotIsFree() {
        var desk = desk(size: 64)
        #expect(desk.pull(now: time(0))?.count == 1)
        _ = desk.pulled([.number(1)], of: DeskPull(count: 1, queues: ["a"], askedAt: at(0)), now: time(0))
        #expect(desk.pull(now: time(0))?.count == 63)
    }

    @Test func theNextBatchIsTakenAheadAsThePrefetchSays() {
        var desk = desk(size: 4, policy: { $0.prefetch = 2 })
        _ = desk.take(numbers(1...4), at: 0)
        #expect(desk.pull(now: time(0))?.count == 1, "nobody knows yet what comes")
        _ = desk.pulled([.number(5)], of: DeskPull(count: 1, queues: ["a"], askedAt: at(0)), now: time(0))
        #expect(desk.pull(now: time(0))?.count == 3)
    }

    @Test func whoWaitsBehindALongBatchGoesBackToWhereOthersCanTakeIt() {
        var desk = desk()
        _ = desk.take(numbers(1...3), at: 0)
        #expect(desk.take(numbers(4...5), at: 0) == [])
        #expect(desk.woken(now: time(0.3)) == [
            .settle(5, .giveBack(atHead: true)), .settle(4, .giveBack(atHead: true)),
        ])
    }

    @Test func prioritiesAndNamesAreNotMixed() {
        var desk = desk(slots: 2, size: 2)
        let urgent = TaskArrival.number(3)
        #expect(desk.take([.number(1) { $0.priority = 9 }, .number(2, name: "other"), urgent], at: 0) == [.run(2)])
        #expect(desk.take([.number(4)], at: 0) == [.run(3)])
        #expect(desk.batch(of: 3) == [3, 4])
    }

    @Test func aTaskThatWasServedTooOftenRunsByItself() {
        var desk = desk()
        #expect(desk.take([.number(1) { $0.deliveries = 3 }, .number(2)], at: 0) == [.run(1)])
        #expect(desk.batch(of: 1) == [1])
    }

    // MARK: Ending

    @Test func aRevokedMemberIsLeftOutBeforeTheStart() {
        var desk = desk()
        _ = desk.take(numbers(1...2), at: 0)
        #expect(desk.revoke(["t1"], terminate: false, now: time(0)) == [
            .settle(1, .revoke(expired: false, terminated: false))
        ])
        #expect(desk.woken(now: time(1)) == [.run(2)])
        #expect(desk.batch(of: 2) == [2])
    }

    @Test func aMemberThatExpiredIsLeftOutOfItsBatch() {
        var desk = desk()
        _ = desk.take([.number(1), .number(2) { $0.expires = wall(0.5) }], at: 0)
        #expect(desk.woken(now: time(1)) == [.settle(2, .revoke(expired: true, terminated: false)), .run(1)])
        #expect(desk.batch(of: 1) == [1])
    }

    @Test func terminatingOneDiscardsItsResultAndTerminatingAllEndsTheCall() {
        var desk = desk(size: 2)
        _ = desk.take(numbers(1...2), at: 0)
        for id in [1, 2] as [DeliveryID] { desk.started(id, now: time(0)) }
        #expect(desk.revoke(["t2"], terminate: true, now: time(0)) == [])
        #expect(desk.revoke(["t1"], terminate: true, now: time(0)) == [.kill(1, .revoked)])
        #expect(desk.ended(2, .succeeded, now: time(1)) == [.settle(2, .revoke(expired: false, terminated: true))])
        #expect(desk.ended(1, .stopped, now: time(1)) == [.settle(1, .revoke(expired: false, terminated: true))])
    }

    @Test func theShortestLimitHoldsForTheBatch() {
        var desk = desk(size: 2, rules: { $0.hardLimit = 60 })
        _ = desk.take([.number(1), .number(2) { $0.hardLimit = 5 }], at: 0)
        for id in [1, 2] as [DeliveryID] { desk.started(id, now: time(0)) }
        #expect(desk.limits(of: 1).hard == at(5))
        #expect(desk.woken(now: time(5)) == [.kill(1, .timeLimit(5))])
        #expect(desk.ended(2, .stopped, now: time(5)) == [.settle(2, .fail(.timeLimit(5)))])
        #expect(desk.ended(1, .stopped, now: time(5)) == [.settle(1, .fail(.timeLimit(5)))])
    }

    @Test func aLimitHoldsThoughTheFirstIsRevoked() {
        var desk = desk(size: 2, rules: { $0.hardLimit = 60 })
        _ = desk.take(numbers(1...2), at: 0)
        for id in [1, 2] as [DeliveryID] { desk.started(id, now: time(0)) }
        _ = desk.revoke(["t1"], terminate: true, now: time(0))
        #expect(desk.woken(now: time(60)) == [.kill(1, .timeLimit(60))])
    }

    @Test func aLostLeaseIsTheMembersOwnAndTheLastOneEndsTheCall() {
        var desk = desk(size: 2)
        _ = desk.take(numbers(1...2), at: 0)
        #expect(desk.lost([2], now: time(0)) == [])
        #expect(desk.lost([1], now: time(0)) == [.abandon(1)])
        #expect(desk.ended(2, .stopped, now: time(0)) == [.forget(2)])
        #expect(desk.ended(1, .stopped, now: time(0)) == [.forget(1)])
    }

    @Test func aProcessThatDiesGivesAllBack() {
        var desk = desk(size: 2)
        _ = desk.take(numbers(1...2), at: 0)
        #expect(desk.ended(2, .lost, now: time(0)) == [.settle(2, .giveBack(atHead: false))])
        #expect(desk.ended(1, .lost, now: time(0)) == [.settle(1, .giveBack(atHead: false))])
    }

    @Test func aWorkerThatDrainsGivesBackWhoWaitsAndEndsTheBatchInTime() {
        var desk = desk(size: 2)
        _ = desk.take(numbers(1...3), at: 0)
        #expect(desk.drain(until: at(9), now: time(0)) == [.settle(3, .giveBack(atHead: true))])
        #expect(desk.woken(now: time(9)) == [.kill(1, .drain)])
        #expect(desk.ended(2, .stopped, now: time(9)) == [.settle(2, .giveBack(atHead: true))])
        #expect(desk.ended(1, .stopped, now: time(9)) == [.settle(1, .giveBack(atHead: true))])
        for id in [1, 2, 3] as [DeliveryID] { desk.settled(id, isCommitted: true) }
        #expect(desk.isDrained)
    }

    @Test func aKeysLimitHoldsAmongMembers() {
        var desk = desk(size: 2, rules: { $0.keyConcurrency = 1 })
        let keyed = [1, 2, 3].map { number in
            TaskArrival.number(number) { $0.key = number < 3 ? "k" : "other" }
        }
        #expect(desk.take(keyed, at: 0) == [.run(1)])
        #expect(desk.batch(of: 1) == [1, 3])
        _ = desk.ended(3, .succeeded, now: time(0.1))
        #expect(desk.ended(1, .succeeded, now: time(0.1)) == [.settle(1, .succeed)])
        #expect(desk.reserved.map(\.id) == [2])
    }
}
