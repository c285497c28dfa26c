import MartletBase
import MartletLogic
import Testing

/// Leases are renewed while a task is in hand, and what they lose is given up. Leases of 30 s are looked at each 5 s.
@Suite struct DeskLeaseTests {
    private func desk(slots: Int = 1, _ change: (inout DeskPolicy) -> Void = { _ in }) -> WorkerDesk {
        WorkerDesk.with(slots: slots) {
            $0.lease = .seconds(30)
            change(&$0)
        }
    }

    @Test func aThirdIntoTheLeaseAllThatIsInHandIsRenewed() {
        var desk = desk { $0.prefetch = 2 }
        _ = desk.take([.number(1), .number(2) { $0.eta = wall(500) }, .number(3)], at: 0)
        _ = desk.take([.number(4, name: "nobody knows it")], at: 0)
        #expect(desk.nextWake(now: time(0)) == at(5))
        #expect(desk.woken(now: time(5)) == [])
        #expect(desk.woken(now: time(10)) == [.renew([1, 2, 3, 4])])
        // No answer: again at the next look.
        #expect(desk.woken(now: time(15)) == [.renew([1, 2, 3, 4])])
        _ = desk.renewed([1, 2, 3, 4], sentAt: at(15), lost: [], now: time(16))
        #expect(desk.woken(now: time(20)) == [])
        #expect(desk.woken(now: time(25)) == [.renew([1, 2, 3, 4])])
    }

    @Test func leasesCountFromBeforeTheyWereAskedFor() {
        var desk = desk()
        guard let pull = desk.pull(now: time(0)) else {
            Issue.record("nothing is taken")
            return
        }
        // The broker took nine seconds for its answer.
        #expect(desk.pulled([.number(1)], of: pull, now: time(9)) == [.run(1)])
        #expect(desk.woken(now: time(14)) == [.renew([1])])
    }

    @Test func anIdleWorkerIsNotWoken() {
        var desk = desk()
        #expect(desk.nextWake(now: time(0)) == .never)
        #expect(desk.run(.number(1), at: 0) == true)
        _ = desk.ended(1, .succeeded, now: time(1))
        desk.settled(1, isCommitted: true)
        #expect(desk.woken(now: time(5)) == [])
        #expect(desk.nextWake(now: time(5)) == .never)
        #expect(desk.run(.number(2), at: 6) == true)
        #expect(desk.nextWake(now: time(6)) == at(11))
    }

    @Test func aLeaseThatIsLostEndsTheRunAndItsResultIsDiscarded() {
        var desk = desk()
        #expect(desk.run(.number(1), at: 0) == true)
        #expect(desk.renewed([1], sentAt: at(10), lost: [1], now: time(10)) == [.abandon(1)])
        // It is not told twice, nor ended by anything else.
        #expect(desk.lost([1], now: time(11)) == [])
        #expect(desk.revoke(["t1"], terminate: true, now: time(11)) == [])
        // Its slot is taken until it has ended.
        #expect(desk.pull(now: time(11)) == nil)
        #expect(desk.ended(1, .succeeded, now: time(12)) == [.forget(1)])
        #expect(desk.counts.abandoned == 1 && desk.counts.succeeded == 0 && desk.inHand == 0)
    }

    @Test func whatWaitsIsForgottenWhenItsLeaseIsLost() {
        var desk = desk()
        let arrivals = [TaskArrival.number(1), .number(2), .number(3) { $0.eta = wall(99) }, .number(4)]
        _ = desk.take(arrivals, at: 0)
        #expect(desk.lost([2, 3], now: time(1)) == [.forget(2), .forget(3)])
        #expect(desk.ended(1, .succeeded, now: time(2)) == [.settle(1, .succeed), .run(4)])
        #expect(desk.scheduledInHand == 0 && desk.waiting == 0)
    }

    @Test func aLeaseThatCannotBeRenewedIsGivenUpBeforeItEnds() {
        var desk = desk()
        #expect(desk.run(.number(1), at: 0) == true)
        for look in [5.0, 10, 15, 20] { #expect(!desk.woken(now: time(look)).contains(.abandon(1))) }
        // The next look would come too late.
        #expect(desk.woken(now: time(25)) == [.abandon(1)])
    }

    @Test func aProcessThatWasStoppedGivesUpWhatItHadWhenItGoesOn() {
        var desk = desk(slots: 2)
        _ = desk.take([.number(1), .number(2), .number(3)], at: 0)
        #expect(desk.woken(now: time(300)) == [.abandon(1), .abandon(2), .forget(3)])
    }

    @Test func whatWasHeldWhileTheProcessWasStoppedIsNotBegunLate() {
        var desk = desk { $0.prefetch = 2 }
        _ = desk.take([.number(1), .number(2)], at: 0)
        // The run's end is heard before the timer.
        #expect(desk.ended(1, .succeeded, now: time(30)) == [.settle(1, .succeed), .forget(2)])
    }

    @Test func runsMayOutliveTheSilenceOfTheBroker() {
        var desk = desk { $0.outlivesSilence = true }
        #expect(desk.run(.number(1), at: 0) == true)
        _ = desk.take([.number(2) { $0.eta = wall(500) }], at: 1)
        // What does not run yet is given up all the same.
        #expect(desk.woken(now: time(300)) == [.forget(2), .renew([1])])
        #expect(desk.renewed([1], sentAt: at(300), lost: [1], now: time(301)) == [.abandon(1)])
    }

    @Test func anEndThatTheFenceRefusedIsNotCountedAsOne() {
        var desk = desk()
        #expect(desk.run(.number(1), at: 0) == true)
        _ = desk.ended(1, .succeeded, now: time(1))
        // While it is on its way, only the broker's answer to it counts.
        #expect(desk.lost([1], now: time(2)) == [])
        desk.settled(1, isCommitted: false)
        #expect(desk.counts.succeeded == 0 && desk.counts.abandoned == 1 && desk.inHand == 0)
    }
}
