import MartletBase
import Testing

@testable import MartletLogic

/// Batches that fail, workers that die, computations that nobody wants.
@Suite struct BatchSetbackTests {
    /// A group whose one worker has items 1 to 4 as one batch.
    private func loaded(
        workers: Int = 1, concurrent: Int = 1, _ change: (inout BatchPolicy) -> Void = { _ in }
    ) -> Group {
        var group = Group(workers: 0, change)
        group.arrive(1...4)
        for worker in 0..<workers { group.ready(worker, maxBatch: 4, concurrent: concurrent) }
        return group
    }

    // MARK: Failed batches

    @Test func aFailedBatchIsTriedAgainInHalvesDownToTheOneAtFault() {
        var group = loaded()
        #expect(group.finish(1, 2, 3, as: .failedInBatch).isEmpty, "the rest is still to come")
        #expect(group.finish(4, as: .failedInBatch) == [.send(0, 2, 1, 2)])
        #expect(group.finish(1, 2) == [.send(0, 3, 3, 4)])
        #expect(group.finish(3, 4, as: .failedInBatch) == [.send(0, 4, 3)])
        #expect(group.finish(3) == [.send(0, 5, 4)])
        #expect(group.finish(4, as: .failedInBatch) == [.fail(ItemID(4), .failed)])
        #expect(group.machine.isAtRest)
    }

    @Test func halvesGoBeforeOthersAndMixWithNobody() {
        var group = loaded()
        group.arrive(5...6)
        #expect(group.finish(1, 2, 3, 4, as: .failedInBatch) == [.send(0, 2, 1, 2)])
        #expect(group.finish(1, 2) == [.send(0, 3, 3, 4)])
        #expect(group.finish(3, 4) == [.send(0, 4, 5, 6)])
    }

    @Test func halvesGoToAllWhoAreFree() {
        var group = loaded(workers: 2)
        #expect(group.finish(1, 2, 3, 4, as: .failedInBatch) == [.send(0, 2, 1, 2), .send(1, 3, 3, 4)])
    }

    @Test func aHalfLargerThanItsWorkerTakesGoesInParts() {
        var group = loaded()
        _ = group.machine.limited(WorkerNumber(0), maxBatch: 1, now: at(0))
        group.arrive(.number(5))
        #expect(group.finish(1, 2, 3, 4, as: .failedInBatch) == [.send(0, 2, 1)])
        #expect(group.finish(1) == [.send(0, 3, 2)])
        #expect(group.finish(2) == [.send(0, 4, 3)])
    }

    @Test func onlyThoseThatFailedWithTheBatchAreTriedAgain() {
        var group = loaded()
        group.finish(1, as: .answered)
        #expect(group.finish(2, as: .failed).isEmpty)
        group.finish(3, as: .failedInBatch)
        #expect(group.finish(4, as: .failedInBatch) == [.send(0, 2, 3)])
        #expect(group.finish(3, as: .answered) == [.send(0, 3, 4)])
    }

    @Test func theLastOfABatchThatFailsIsTriedAloneBeforeItIsBlamed() {
        var group = loaded()
        group.finish(1, 2, 3)
        #expect(group.finish(4, as: .failedInBatch) == [.send(0, 2, 4)])
        #expect(group.finish(4, as: .failedInBatch) == [.fail(ItemID(4), .failed)])
    }

    @Test func whatHasBegunToAnswerIsNotTriedAgain() {
        var group = loaded()
        group.machine.began(ItemID(1), now: at(0))
        #expect(group.finish(1, as: .failedInBatch) == [.fail(ItemID(1), .failed)])
        #expect(group.finish(2, 3, 4, as: .failedInBatch) == [.send(0, 2, 2, 3)])
    }

    @Test func whoIsCancelledWhileTheBatchFailsIsNotTriedAgain() {
        var group = loaded()
        group.cancel(1)
        group.finish(2, as: .failedInBatch)
        #expect(group.cancel(2) == [.forget(ItemID(2))])
        #expect(group.finish(1, as: .failedInBatch) == [.forget(ItemID(1))])
        #expect(group.finish(3, 4, as: .failedInBatch) == [.send(0, 2, 3)])
        #expect(group.cancel(4) == [.forget(ItemID(4))], "in the second half")
        #expect(group.finish(3).isEmpty)
        #expect(group.machine.isAtRest)
    }

    @Test func thoseThatFailedDoNotWaitForWhatNobodyWants() {
        var group = loaded(workers: 2)
        group.finish(1, 2, as: .failedInBatch)
        group.finish(3)
        #expect(group.cancel(4) == [.cancel(WorkerNumber(0), [ItemID(4)]), .send(1, 2, 1)])
        #expect(group.finish(4, as: .givenUp) == [.send(0, 3, 2)])
    }

    // MARK: Workers that die

    @Test func theItemsOfADeadWorkerAreTriedAgainEachAlone() {
        var group = loaded(workers: 2)
        group.arrive(.number(5))
        group.arrive(.number(6))
        #expect(group.gone(0).isEmpty)
        #expect(group.finish(5) == [.send(1, 3, 1)])
        #expect(group.ready(0, maxBatch: 4) == [.send(0, 4, 2)])
        #expect(group.finish(1) == [.send(1, 5, 3)])
        #expect(group.finish(2) == [.send(0, 6, 4)])
        #expect(group.finish(3) == [.send(1, 7, 6)])
    }

    @Test func whoseWorkersDiedTwiceIsPoisoned() {
        var group = loaded()
        #expect(group.gone(0).isEmpty)
        #expect(group.ready(0, maxBatch: 4) == [.send(0, 2, 1)])
        #expect(group.gone(0) == [.fail(ItemID(1), .poisoned)])
        #expect(group.ready(0, maxBatch: 4) == [.send(0, 3, 2)])
        #expect(group.finish(2) == [.send(0, 4, 3)])
    }

    @Test func noWorkerHasTwoSuspectsForElseTheInnocentOneWouldBeBlamed() {
        var group = loaded(concurrent: 4)
        _ = group.gone(0)
        #expect(group.ready(0, maxBatch: 4, concurrent: 4) == [.send(0, 2, 1)])
        #expect(group.arrive(.number(5)) == [.send(0, 3, 5)], "others may")
        #expect(group.gone(0) == [.fail(ItemID(1), .poisoned)])
        #expect(group.ready(0, maxBatch: 4, concurrent: 4) == [.send(0, 4, 2)])
        #expect(group.finish(2) == [.send(0, 5, 3)])
    }

    @Test func whatHadBegunOrMayNotBeTriedAgainFailsWithItsWorker() {
        var group = loaded()
        group.machine.began(ItemID(2), now: at(0))
        #expect(group.gone(0) == [.fail(ItemID(2), .crashed)])
        #expect(group.machine.waiting == 3)
        var once = loaded { $0.triesAgainAfterCrash = false }
        #expect(once.gone(0) == (1...4).map { .fail(ItemID($0), .crashed) })
        #expect(once.machine.isAtRest)
    }

    @Test func whoWasCancelledIsForgottenWithItsWorker() {
        var group = loaded()
        group.cancel(3)
        #expect(group.gone(0) == [.forget(ItemID(3))])
        #expect(group.machine.waiting == 3)
    }

    @Test func whatWasSentAheadIsNoSuspect() {
        var group = Group()
        group.settle(after: 0.000_11)
        group.arrive(1...3)
        #expect(group.machine.inHand == 3)
        #expect(group.gone(0).isEmpty)
        #expect(group.ready(0, maxBatch: 4) == [.send(0, 24, 1), .send(0, 25, 2, 3)], "one is, the others are not")
    }

    @Test func aWorkerThatDiesOfAHalfLeavesTheOtherHalfAsItIs() {
        var group = loaded()
        group.finish(1, 2, 3, 4, as: .failedInBatch)
        #expect(group.gone(0).isEmpty)
        group.arrive(.number(5))
        #expect(group.ready(0, maxBatch: 4) == [.send(0, 3, 1)])
        #expect(group.finish(1) == [.send(0, 4, 2)])
        #expect(group.finish(2) == [.send(0, 5, 3, 4)])
        #expect(group.finish(3, 4) == [.send(0, 6, 5)])
    }

    @Test func aWorkerThatDiesWhileItsBatchFailsBlamesOnlyThoseItHadNotTold() {
        var group = loaded()
        group.finish(1, 2, as: .failedInBatch)
        #expect(group.gone(0).isEmpty)
        #expect(group.ready(0, maxBatch: 4) == [.send(0, 2, 3)])
        #expect(group.finish(3) == [.send(0, 3, 4)])
        #expect(group.finish(4) == [.send(0, 4, 1)])
    }

    // MARK: What nobody wants

    @Test func aWorkerThatGoesOnWithWhatNobodyWantsIsKilled() {
        var group = loaded { $0.killAfter = .seconds(5) }
        for number in 1...3 as ClosedRange<UInt64> { group.cancel(number) }
        #expect(group.cancel(4, at: 1) == [.cancel(WorkerNumber(0), [ItemID(4)]), .wake(at: at(6))])
        #expect(group.wake(at: 5.9).isEmpty)
        #expect(group.wake(at: 6) == [.kill(WorkerNumber(0))])
        #expect(group.wake(at: 7).isEmpty)
        #expect(group.arrive(.number(5)).isEmpty, "it gets nothing more")
        #expect(group.gone(0) == (1...4).map { .forget(ItemID($0)) })
        #expect(group.ready(0) == [.send(0, 2, 5)])
    }

    @Test func aBatchThatSomebodyStillWantsIsNotEnded() {
        var group = loaded { $0.killAfter = .seconds(5) }
        for number in 1...3 as ClosedRange<UInt64> { #expect(group.cancel(number).allSatisfy { !$0.isWake }) }
        #expect(group.finish(4, at: 9) == [.wake(at: at(14))], "the last one who did has its answer")
        #expect(group.finish(1, 2, 3, as: .givenUp, at: 10).isEmpty)
        #expect(group.wake(at: 14).isEmpty)
    }

    @Test func whoIsWithAKilledWorkerForOthersIsNoSuspect() {
        var group = Group(concurrent: 2) { $0.killAfter = .seconds(5) }
        group.arrive(.number(1))
        group.cancel(1)
        group.arrive(.number(2), at: 1)
        #expect(group.wake(at: 5) == [.kill(WorkerNumber(0))])
        #expect(group.gone(0) == [.forget(ItemID(1))])
        group.arrive(.number(3))
        #expect(group.ready(0, maxBatch: 4) == [.send(0, 3, 2, 3)])
    }

    @Test func whatWasSentAheadIsNoReasonToKill() {
        var group = Group { $0.killAfter = .seconds(5) }
        group.settle(after: 0.000_1)
        let start = group.now
        group.arrive(1...2)
        group.cancel(2)
        #expect(group.wake(at: start + 5.1) == [.wake(at: at(start + 5.1) + .seconds(5))])
        group.finish(1)
        #expect(group.wake(at: start + 10.2) == [.kill(WorkerNumber(0))], "now it is what the worker is busy with")
    }

    @Test func aWorkerThatBringsOthersForwardIsNotEndedForOneThatDoesNotEnd() {
        var group = Group(concurrent: 3) { $0.killAfter = .seconds(5) }
        group.arrive(1...3)
        group.cancel(1)
        group.finish(2, at: 2)
        #expect(group.wake(at: 5) == [.wake(at: at(7))], "it ended another one since")
        group.machine.began(ItemID(3), now: at(6))
        #expect(group.wake(at: 7) == [.wake(at: at(11))], "it sent a piece of another one's answer")
        group.finish(3, at: 8)
        #expect(group.wake(at: 11) == [.wake(at: at(13))])
        #expect(group.wake(at: 13) == [.kill(WorkerNumber(0))])
    }

    @Test func whatCameOfTheOneThatNobodyWantsIsNoSignOfLife() {
        var group = Group { $0.killAfter = .seconds(5) }
        group.arrive(.number(1))
        group.cancel(1)
        group.machine.began(ItemID(1), now: at(4))
        #expect(group.wake(at: 5) == [.kill(WorkerNumber(0))])
    }

    @Test func aWorkerOfSeveralIsEndedWhenNobodyWaitsForWhatItHadBefore() {
        var group = Group(concurrent: 3) { $0.killAfter = .seconds(5) }
        group.arrive(1...2)
        group.cancel(1)
        #expect(group.wake(at: 5) == [.wake(at: at(10))], "the other one may be a long call")
        group.arrive(.number(3), at: 6)
        group.cancel(2, at: 7)
        #expect(
            group.wake(at: 10).first == .kill(WorkerNumber(0)),
            "who came later says nothing: whoever hangs is given more")
        #expect(group.gone(0) == [.forget(ItemID(1)), .forget(ItemID(2))])
        #expect(group.ready(0) == [.send(0, 4, 3)])
    }
}
