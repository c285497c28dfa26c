import MartletBase
import Testing

@testable import MartletLogic

/// Which items go together, to whom and when.
@Suite struct BatchingTests {
    @Test func anIdleWorkerNeverWaitsForABatchToFill() {
        var group = Group(maxBatch: 8) { $0.window = .seconds(1) }
        #expect(group.arrive(.number(1)) == [.send(0, 1, 1)])
    }

    @Test func whatGathersWhileAllAreBusyGoesTogetherToTheNextThatIsFree() {
        var group = Group(workers: 2, maxBatch: 8)
        group.arrive(1...2)
        #expect(group.arrive(3...5).isEmpty)
        #expect(group.finish(2) == [.send(1, 3, 3, 4, 5)])
        #expect(group.machine.waiting == 0)
        #expect(group.machine.inHand == 4)
    }

    @Test func aBatchHoldsNoMoreThanItsWorkerAndThePolicyAllow() {
        var narrow = Group(maxBatch: 2)
        narrow.arrive(1...4)
        #expect(narrow.finish(1) == [.send(0, 2, 2, 3)])
        var strict = Group(maxBatch: 8) { $0.maxBatch = 2 }
        strict.arrive(1...4)
        #expect(strict.finish(1) == [.send(0, 2, 2, 3)])
    }

    @Test func aWorkerThatAsksForLessGetsLess() {
        var group = Group(maxBatch: 8)
        group.arrive(1...6)
        #expect(group.machine.limited(WorkerNumber(0), maxBatch: 2, now: at(0)).isEmpty)
        #expect(group.finish(1) == [.send(0, 2, 2, 3)])
        #expect(group.machine.limited(WorkerNumber(9), maxBatch: 2, now: at(0)).isEmpty)
        #expect(group.machine.limited(WorkerNumber(0), maxBatch: 0, now: at(0)).isEmpty)
        #expect(group.finish(2, 3) == [.send(0, 3, 4)])
    }

    @Test func aBatchIsBoundedInBytesAndWeightButASingleItemIsNot() {
        var group = Group(maxBatch: 8) {
            $0.maxBytes = 100
            $0.maxWeight = 10
        }
        group.arrive(.number(1))
        group.arrive(.number(2, bytes: 60))
        group.arrive(.number(3, bytes: 60))
        group.arrive(.number(4, weight: 9))
        group.arrive(.number(5, weight: 2))
        group.arrive(.number(6, bytes: 1_000, weight: 1_000))
        #expect(group.finish(1) == [.send(0, 2, 2)])
        #expect(group.finish(2) == [.send(0, 3, 3, 4)])
        #expect(group.finish(3, 4) == [.send(0, 4, 5)])
        #expect(group.finish(5) == [.send(0, 5, 6)])
    }

    @Test func aWorkerThatCanDoSeveralBatchesAtOnceHasThem() {
        var group = Group(concurrent: 2)
        #expect(group.arrive(1...3) == [.send(0, 1, 1), .send(0, 2, 2)])
        #expect(group.finish(2) == [.send(0, 3, 3)])
    }

    @Test func theOneWithLeastToDoIsChosen() {
        var group = Group(workers: 2, concurrent: 2)
        #expect(group.arrive(1...4) == [.send(0, 1, 1), .send(1, 2, 2), .send(0, 3, 3), .send(1, 4, 4)])
    }

    @Test func theHighestClassGoesFirstAndLowerOnesFillUp() {
        var group = Group(maxBatch: 3)
        group.arrive(.number(1))
        group.arrive(.number(2, .background))
        group.arrive(.number(3, .batch))
        group.arrive(.number(4, .batch))
        group.arrive(.number(5))
        #expect(group.finish(1) == [.send(0, 2, 5, 3, 4)])
        #expect(group.finish(5, 3, 4) == [.send(0, 3, 2)])
    }

    @Test func everyEighthBatchThatPassesOverALowerClassIsLedByTheOldestOfThem() {
        var group = Group()
        group.arrive(.number(100))
        group.arrive(.number(101, .background))
        group.arrive(.number(102, .batch), at: 0.1)
        group.arrive(1...9)
        var order: [UInt64] = []
        var current: UInt64 = 100
        while case .send(_, _, let ids)? = group.finish(current).first {
            current = ids[0].rawValue
            order.append(current)
        }
        #expect(order == [1, 2, 3, 4, 5, 6, 7, 101, 8, 9, 102])
    }

    @Test func whoseDeadlinePassedIsNotSent() {
        var group = Group(maxBatch: 8)
        #expect(group.arrive(.number(9, deadline: at(0))) == [.fail(ItemID(9), .expired)])
        group.arrive(.number(1))
        group.arrive(.number(2, deadline: at(1)))
        group.arrive(.number(3, deadline: at(3)))
        #expect(group.finish(1, at: 2) == [.fail(ItemID(2), .expired), .send(0, 2, 3)])
        group.arrive(.number(4, deadline: at(3)))
        #expect(group.finish(3, at: 3) == [.fail(ItemID(4), .expired)])
        #expect(group.machine.isAtRest)
    }

    @Test func whoIsCancelledWhileWaitingIsNeverSent() {
        var group = Group(maxBatch: 8)
        group.arrive(1...3)
        #expect(group.cancel(2) == [.forget(ItemID(2))])
        #expect(group.cancel(2).isEmpty)
        #expect(group.finish(1) == [.send(0, 2, 3)])
    }

    @Test func whoIsCancelledWithAWorkerIsTheWorkersUntilItSaysSo() {
        var group = Group(maxBatch: 8)
        group.arrive(1...2)
        #expect(group.cancel(1) == [.cancel(WorkerNumber(0), [ItemID(1)])])
        #expect(group.cancel(1).isEmpty)
        #expect(group.machine.holder(of: ItemID(1)) == WorkerNumber(0))
        #expect(group.finish(1, as: .givenUp) == [.send(0, 2, 2)])
        #expect(group.finish(1).isEmpty, "too late")
    }

    @Test func anAnswerThatCrossedTheCancelEndsTheItemToo() {
        var group = Group()
        group.arrive(.number(1))
        group.cancel(1)
        #expect(group.finish(1, as: .answered).isEmpty)
        #expect(group.machine.isAtRest)
    }

    // MARK: Workers that come and go

    @Test func whileThereIsNoWorkerItemsWaitForOne() {
        var group = Group(workers: 0)
        #expect(group.arrive(1...2).isEmpty)
        #expect(group.machine.workersInService == 0)
        #expect(group.machine.oldestArrival == at(0))
        #expect(group.ready(0, maxBatch: 8) == [.send(0, 1, 1, 2)])
        #expect(group.machine.oldestArrival == nil)
    }

    @Test func whenNobodyWillComeThoseWhoWaitAreToldSo() {
        var group = Group(workers: 0)
        group.arrive(.number(1, .background))
        group.arrive(.number(2))
        #expect(group.machine.turnAway() == [.fail(ItemID(2), .noWorker), .fail(ItemID(1), .noWorker)])
        #expect(group.machine.isAtRest)
    }

    @Test func aWorkerThatDrainsEndsWhatItHasAndGetsNothingMore() {
        var group = Group(maxBatch: 8)
        group.arrive(1...2)
        group.machine.drain(WorkerNumber(0))
        #expect(group.machine.workersInService == 0)
        #expect(group.finish(1).isEmpty)
        #expect(group.machine.isIdle(WorkerNumber(0)))
        #expect(group.gone(0).isEmpty)
        #expect(group.ready(0) == [.send(0, 2, 2)])
    }

    @Test func aWorkerThatDrainsMayServeOnAndGetsWhatWaits() {
        var group = Group()
        group.arrive(1...2)
        group.machine.drain(WorkerNumber(0))
        #expect(group.finish(1).isEmpty)
        #expect(group.machine.resume(WorkerNumber(7), now: at(0)).isEmpty)
        #expect(group.machine.resume(WorkerNumber(0), now: at(0)) == [.send(0, 2, 2)])
        #expect(group.machine.workersInService == 1)
    }

    @Test func aWorkerThatTheMachineDoesNotKnowChangesNothing() {
        var group = Group()
        group.arrive(.number(1))
        #expect(group.gone(7).isEmpty)
        group.machine.drain(WorkerNumber(7))
        #expect(group.machine.isIdle(WorkerNumber(7)))
        #expect(!group.machine.isExcused(WorkerNumber(7), now: at(0)))
        #expect(group.machine.workersInService == 1)
    }

    // MARK: Ahead of time

    @Test func shortBatchesAreSentAheadToKeepAWorkerBusyForAMillisecond() {
        var group = Group()
        group.settle(after: 0.000_55)
        // 550 µs for each: two more than the one it works on.
        #expect(group.arrive(1...3) == [.send(0, 21, 1), .send(0, 22, 2), .send(0, 23, 3)])
        #expect(group.arrive(.number(4)).isEmpty)
    }

    @Test func whatIsSentAheadIsBounded() {
        var group = Group { $0.maxAhead = 3 }
        group.settle(after: 0.000_001)
        #expect(group.arrive(1...9).count == 4)
        var none = Group { $0.maxAhead = 0 }
        none.settle(after: 0.000_001)
        #expect(none.arrive(1...9).count == 1)
    }

    @Test func aWorkerBusyWithLongerWorkGetsNothingAhead() {
        var group = Group()
        group.settle(after: 0.01)
        #expect(group.arrive(1...3).count == 1)
        var sudden = Group()
        sudden.settle(after: 0.000_1)
        #expect(sudden.arrive(.number(1)).count == 1)
        #expect(sudden.arrive(.number(2), at: sudden.now + 0.01).isEmpty, "this one takes long")
    }

    @Test func aBatchThatIsNotFullGathersForTheWindowBeforeItIsSentAhead() {
        var group = Group(maxBatch: 3) { $0.window = .microseconds(300) }
        group.settle(after: 0.000_1)
        let start = group.now
        group.arrive(.number(1))
        #expect(group.arrive(.number(2)) == [.wake(at: at(start) + .microseconds(300))])
        #expect(group.arrive(.number(3), at: start + 0.000_1).isEmpty)
        #expect(group.wake(at: start + 0.000_2).isEmpty, "early")
        #expect(group.wake(at: start + 0.000_301) == [.send(0, 22, 2, 3)])
        #expect(group.wake(at: start + 0.000_301).isEmpty, "twice")
        #expect(group.arrive(4...6).filter { !$0.isWake } == [.send(0, 23, 4, 5, 6)], "full")
    }

    @Test func anItemSentAheadIsCancelledThere() {
        var group = Group()
        group.settle(after: 0.000_1)
        group.arrive(1...2)
        #expect(group.cancel(2) == [.cancel(WorkerNumber(0), [ItemID(2)])])
        #expect(group.finish(2, as: .givenUp).isEmpty)
        #expect(group.machine.inHand == 1)
    }

    // MARK: Silence

    @Test func aWorkerIsExcusedWhileItWorksOnWhatIsNotLate() {
        var group = Group(maxBatch: 2)
        let worker = WorkerNumber(0)
        #expect(!group.machine.isExcused(worker, now: at(0)))
        group.arrive(.number(1, deadline: at(5)))
        #expect(group.machine.isExcused(worker, now: at(4)))
        #expect(!group.machine.isExcused(worker, now: at(5)))
        group.finish(1)
        #expect(!group.machine.isExcused(worker, now: at(4)))
    }

    // MARK: The objective

    @Test func whatCannotBeOverInTimeIsRefusedUnlessAWorkerIsFree() {
        var group = Group { $0.objective = .milliseconds(250) }
        group.settle(after: 0.1)
        #expect(group.arrive(.number(1)).count == 1)
        #expect(group.arrive(.number(2)).isEmpty, "in 200 ms")
        #expect(group.arrive(.number(3)) == [.fail(ItemID(3), .hopeless)], "in 300 ms")
        let relief = group.machine.relief(for: .interactive, now: at(group.now)).inSeconds
        #expect((0.03...0.07).contains(relief), "50 ms later it would have been in time: \(relief)")
        #expect(group.arrive(.number(4), at: group.now + 0.06).isEmpty, "the first is nearly over")
        var slow = Group { $0.objective = .milliseconds(50) }
        slow.settle(after: 0.1)
        #expect(slow.arrive(.number(1)).count == 1)
    }

    @Test func aBatchIsNoLargerThanTheObjectiveAllows() {
        var group = Group(maxBatch: 64) { $0.objective = .milliseconds(100) }
        var next: UInt64 = 1
        for size in [1, 5, 10, 1, 5, 10] as [UInt64] {
            // 10 ms for each item: those that gather behind a first one go together.
            group.arrive(.number(next))
            group.arrive(next + 1...next + size)
            group.finish(next, at: group.now + 0.01)
            for number in next + 1...next + size { group.finish(number, at: group.now + 0.01) }
            next += size + 1
        }
        _ = group.gone(0)
        group.arrive(next...next + 30)
        guard case .send(_, _, let ids)? = group.ready(0, maxBatch: 64).first else { return #expect(Bool(false)) }
        #expect((9...10).contains(ids.count))
    }
}
