import MartletBase
import MartletLogic
import Testing

/// How many messages a worker takes, from where, and when it hands them back.
@Suite struct DeskTakingTests {
    @Test func onlyWhatHasASlotIsTaken() {
        var desk = WorkerDesk.with(slots: 2)
        let first = desk.pull(now: time(0))
        #expect(first?.count == 2)
        // Room for them is kept while they are on their way.
        #expect(desk.pull(now: time(0)) == nil)
        if let first { #expect(desk.pulled([.number(1)], of: first, now: time(0)) == [.run(1)]) }
        #expect(desk.pull(now: time(0))?.count == 1)
    }

    @Test func aPullThatBroughtNothingGivesItsRoomBack() {
        var desk = WorkerDesk.with(slots: 2)
        #expect(desk.take([], at: 0) == [])
        #expect(desk.pull(now: time(0))?.count == 2)
    }

    @Test func urgentStepsOfAllQueuesComeFirstAndQueuesTakeTurns() {
        var desk = WorkerDesk.with(slots: 9, queues: ["a", "b", "c"])
        let pull = desk.pull(now: time(0))
        #expect(pull?.lists.map(\.queue) == ["a", "b", "c", "a", "b", "c", "a", "b", "c", "a", "b", "c"])
        #expect(pull?.lists.map(\.step) == [0, 0, 0, 3, 3, 3, 6, 6, 6, 9, 9, 9])
        if let pull { _ = desk.pulled([.number(1)], of: pull, now: time(0)) }
        #expect(desk.queues == ["b", "c", "a"])
        _ = desk.take([.number(2) { $0.queue = "c" }, .number(3) { $0.queue = "gone" }], at: 0)
        #expect(desk.queues == ["b", "a", "c"])
    }

    @Test func aPrefetchMultiplierTakesSoManyForEachSlot() {
        var desk = WorkerDesk.with(slots: 2) { $0.prefetch = 4 }
        #expect(desk.pull(now: time(0))?.count == 8)
    }

    @Test func quickTasksAreTakenAheadOfTimeAndSlowOnesAreNot() {
        func room(after seconds: Double) -> Int? {
            var desk = WorkerDesk.with(slots: 2) { $0.ahead = .milliseconds(50) }
            #expect(desk.run(.number(1), at: 0) == true)
            _ = desk.ended(1, .succeeded, now: time(seconds))
            return desk.pull(now: time(seconds))?.count
        }
        #expect((101...102).contains(room(after: 0.001) ?? 0))
        #expect(room(after: 0.000_001) == 500, "half of what may be taken ahead: the rest comes while these run")
        #expect(room(after: 60) == 2)
        // As long as nobody knows: no more than there are slots.
        var fresh = WorkerDesk.with(slots: 2) { $0.ahead = .milliseconds(50) }
        #expect(fresh.pull(now: time(0))?.count == 2)
    }

    @Test func whatWaitsBehindSlowRunsIsHandedBackOldestAtTheHead() {
        var desk = WorkerDesk.with { $0.ahead = .milliseconds(50) }
        #expect(desk.run(.number(1), at: 0) == true)
        _ = desk.ended(1, .succeeded, now: time(0.001))
        #expect(desk.take([.number(2), .number(3), .number(4)], at: 1) == [.run(2)])
        #expect(desk.nextWake(now: time(1)) == at(1.25))
        #expect(desk.woken(now: time(1.2)) == [])
        let handedBack = desk.woken(now: time(1.25))
        #expect(handedBack == [.settle(4, .giveBack(atHead: true)), .settle(3, .giveBack(atHead: true))])
        // Nor is anything taken ahead of time while it lasts.
        #expect(desk.pull(now: time(1.3)) == nil)
        _ = desk.ended(2, .succeeded, now: time(1.3))
        #expect(desk.pull(now: time(1.3)) != nil)
    }

    @Test func whatAPrefetchMultiplierTookStays() {
        var desk = WorkerDesk.with {
            $0.ahead = .milliseconds(50)
            $0.prefetch = 2
        }
        #expect(desk.take([.number(1), .number(2), .number(3)], at: 0) == [.run(1)])
        #expect(desk.woken(now: time(1)) == [.settle(3, .giveBack(atHead: true))])
        #expect(desk.reserved.map(\.id) == [2])
        #expect(desk.ended(1, .succeeded, now: time(2)) == [.settle(1, .succeed), .run(2)])
    }

    @Test func nothingIsTakenWithoutQueuesOrSlots() {
        var desk = WorkerDesk.with(queues: [])
        #expect(desk.pull(now: time(0)) == nil)
        desk = WorkerDesk.with(slots: 0)
        #expect(desk.pull(now: time(0)) == nil)
    }

    @Test func nothingIsTakenWhileTooManyWaitForARate() {
        var desk = WorkerDesk.with(slots: 5, rules: .add { $0.rateLimit = RateLimit(1) }) { $0.maximumBlocked = 2 }
        _ = desk.take((1...3).map { .number($0) }, at: 0)
        #expect(desk.waiting == 2)
        #expect(desk.pull(now: time(0)) == nil)
        #expect(desk.woken(now: time(1)) == [.run(2)])
        #expect(desk.pull(now: time(1))?.count == 1)
    }
}
