import MartletBase
import MartletLogic
import Testing

/// Remote control and stopping.
@Suite struct DeskControlTests {
    private let revoke = Settlement.revoke(expired: false, terminated: false)

    // MARK: Revoking

    @Test func aTaskThatIsRevokedBeforeItComesIsNotRun() {
        var desk = WorkerDesk.with()
        #expect(desk.revoke(["t1"], terminate: false, now: time(0)) == [])
        #expect(desk.take([.number(1)], at: 1) == [.settle(1, revoke)])
        // Three hours later it is forgotten.
        #expect(desk.take([.number(2) { $0.task = "t1" }], at: 10_800) == [.run(2)])
    }

    @Test func aTaskThatWaitsIsRevokedAtOnceWhereverItIs() {
        var desk = WorkerDesk.with(rules: .add { $0.keyConcurrency = 1 })
        _ = desk.take([.number(1), .number(2), .number(3) { $0.eta = wall(9) }, .number(4, name: "other")], at: 0)
        #expect(desk.task(2)?.phase == .waitsForKey && desk.task(4)?.phase == .ready)
        let actions = desk.revoke(["t1", "t2", "t3", "t4"], terminate: false, now: time(1))
        #expect(actions == [.settle(2, revoke), .settle(3, revoke), .settle(4, revoke)])
        #expect(desk.waiting == 0 && desk.scheduledInHand == 0)
        // The one that runs goes on, and nobody stands in its key's way afterwards.
        #expect(desk.ended(1, .succeeded, now: time(2)) == [.settle(1, .succeed)])
        #expect(desk.take([.number(5)], at: 3) == [.run(5)])
    }

    @Test func withTerminateTheRunIsEnded() {
        var desk = WorkerDesk.with()
        #expect(desk.run(.number(1), at: 0) == true)
        #expect(desk.revoke(["t1"], terminate: true, now: time(1)) == [.kill(1, .revoked)])
        #expect(desk.revoke(["t1"], terminate: true, now: time(1)) == [])
        #expect(desk.ended(1, .lost, now: time(2)) == [.settle(1, .revoke(expired: false, terminated: true))])
    }

    @Test func tasksAreRevokedByTheirStamps() {
        var desk = WorkerDesk.with()
        let arrivals = [TaskArrival.number(1) { $0.stamps = ["team": ["red"]] }, .number(2), .number(3)]
        _ = desk.take(arrivals, at: 0)
        #expect(desk.revoke(stamp: "team", ["blue", "red"], terminate: true, now: time(1)) == [.kill(1, .revoked)])
        #expect(desk.take([.number(4) { $0.stamps = ["team": ["blue"]] }], at: 2) == [.settle(4, revoke)])
        #expect(desk.take([.number(5) { $0.stamps = ["crew": ["blue"]] }], at: 2) == [])
    }

    @Test func revocationsThatOthersKnowAreTakenOver() {
        var desk = WorkerDesk.with()
        _ = desk.take([.number(1), .number(2)], at: 0)
        let known = [(id: "t2", expires: wall(100)), (id: "t3", expires: wall(100)), (id: "t4", expires: wall(0.5))]
        #expect(desk.adopt(revocations: known, now: time(1)) == [.settle(2, revoke)])
        #expect(desk.take([.number(3), .number(4)], at: 2) == [.settle(3, revoke)])
    }

    // MARK: Queues and slots

    @Test func queuesComeAndGo() {
        var desk = WorkerDesk.with()
        #expect(desk.consume("b") && !desk.consume("b"))
        #expect(desk.stopConsuming("a") && !desk.stopConsuming("a"))
        #expect(desk.pull(now: time(0))?.queues == ["b"])
    }

    @Test func slotsGrowAndShrinkAndNoRunIsEndedByThat() {
        var desk = WorkerDesk.with(slots: 2)
        _ = desk.take([.number(1), .number(2), .number(3)], at: 0)
        #expect(desk.grow(by: 1, now: time(1)) == (.changed(3), [.run(3)]))
        #expect(desk.shrink(by: 2) == .changed(1))
        #expect(desk.running == 3)
        _ = desk.ended(1, .succeeded, now: time(2))
        _ = desk.ended(2, .succeeded, now: time(2))
        #expect(desk.pull(now: time(2)) == nil)
        _ = desk.ended(3, .succeeded, now: time(2))
        #expect(desk.pull(now: time(2))?.count == 1)
        #expect(desk.shrink(by: 1) == .outOfBounds)
        #expect(desk.grow(by: 0, now: time(2)).0 == .outOfBounds)
    }

    @Test func autoscaleBoundsTheSlotsAndRefusesGrowthByHand() {
        var desk = WorkerDesk.with(slots: 1) { $0.autoscale = 2...8 }
        #expect(desk.slots == 2)
        #expect(desk.grow(by: 1, now: time(0)).0 == .autoscaled)
        #expect(desk.shrink(by: 1) == .autoscaled)
        _ = desk.resize(to: 20, now: time(0))
        #expect(desk.slots == 8)
        #expect(desk.autoscale(max: 4, min: 3, now: time(0)).0 == .changed(4))
        #expect(desk.autoscale(max: 3, min: 4, now: time(0)).0 == .outOfBounds)
        #expect(desk.autoscale == 3...4)
    }

    // MARK: Rates and limits

    @Test func aRateIsSetAndLifted() {
        var desk = WorkerDesk.with(slots: 9)
        #expect(desk.setRate(RateLimit(2), of: "add", now: time(0)) == [])
        #expect(desk.take((1...4).map { .number($0) }, at: 0) == [.run(1)])
        #expect(desk.nextWake(now: time(0)) == at(0.5))
        #expect(desk.woken(now: time(0.5)) == [.run(2)])
        #expect(desk.setRate(nil, of: "add", now: time(0.6)) == [.run(3), .run(4)])
        #expect(desk.setRate(nil, of: "nobody knows it", now: time(1)) == nil)
    }

    @Test func aRateHoldsForItsNameOnly() {
        var desk = WorkerDesk.with(slots: 9, rules: .add { $0.rateLimit = RateLimit(1, per: .minute) })
        let arrivals = [TaskArrival.number(1), .number(2), .number(3, name: "other"), .number(4, name: "other")]
        #expect(desk.take(arrivals, at: 0) == [.run(1), .run(3), .run(4)])
        #expect(desk.reserved.map(\.phase) == [.waitsForRate])
    }

    @Test func timeLimitsAreSetForRunsThatBeginLater() {
        var desk = WorkerDesk.with(slots: 2)
        #expect(desk.run(.number(1), at: 0) == true)
        #expect(desk.setTimeLimits(soft: nil, hard: 4, of: "add") == true)
        #expect(desk.setTimeLimits(soft: nil, hard: 4, of: "nobody knows it") == false)
        #expect(desk.run(.number(2), at: 1) == true)
        #expect(desk.woken(now: time(100)) == [.kill(2, .timeLimit(4))])
    }

    @Test func aTaskThatIsNoLongerRegisteredIsNotRun() {
        var desk = WorkerDesk.with(slots: 2)
        desk.register([TaskRules(name: "other")])
        #expect(desk.take([.number(1)], at: 0) == [.settle(1, .fail(.notRegistered))])
        #expect(desk.rules(of: "add") == nil && desk.rules(of: "other") != nil)
    }

    // MARK: Stopping

    @Test func aDrainHandsBackWhatHasNotBegunAndWaitsForWhatRuns() {
        var desk = WorkerDesk.with()
        let pull = desk.pull(now: time(0))
        let arrivals = [TaskArrival.number(1), .number(2), .number(3) { $0.eta = wall(99) }, .number(4)]
        _ = pull.map { desk.pulled(arrivals, of: $0, now: time(0)) }
        let actions = desk.drain(until: at(60), now: time(1))
        let head = Settlement.giveBack(atHead: true)
        #expect(actions == [.settle(4, head), .settle(3, .postpone(eta: wall(99))), .settle(2, head)])
        #expect(desk.pull(now: time(1)) == nil && !desk.isDrained)
        #expect(desk.nextWake(now: time(1)) == at(60))
        #expect(desk.ended(1, .succeeded, now: time(20)) == [.settle(1, .succeed)])
        for id in [1, 2, 3, 4] as [DeliveryID] {
            #expect(!desk.isDrained)
            desk.settled(id, isCommitted: true)
        }
        #expect(desk.isDrained)
    }

    @Test func whatDoesNotEndInTimeIsEndedAndHandedBack() {
        var desk = WorkerDesk.with(slots: 2)
        _ = desk.take([.number(1), .number(2)], at: 0)
        _ = desk.drain(until: at(60), now: time(1))
        // Asked for again: sooner, not later.
        #expect(desk.drain(until: at(30), now: time(2)) == [])
        #expect(desk.drain(until: at(90), now: time(2)) == [])
        #expect(desk.woken(now: time(29)) == [])
        #expect(desk.woken(now: time(30)) == [.kill(1, .drain), .kill(2, .drain)])
        #expect(desk.ended(1, .stopped, now: time(31)) == [.settle(1, .giveBack(atHead: true))])
        #expect(desk.ended(2, .succeeded, now: time(31)) == [.settle(2, .succeed)])
    }

    @Test func whatArrivesAfterTheDrainGoesBackInItsOrder() {
        var desk = WorkerDesk.with(slots: 3)
        guard let pull = desk.pull(now: time(0)) else {
            Issue.record("nothing is taken")
            return
        }
        _ = desk.drain(until: at(60), now: time(1))
        #expect(!desk.isDrained)
        let head = Settlement.giveBack(atHead: true)
        let actions = desk.pulled([.number(1), .number(2)], of: pull, now: time(2))
        #expect(actions == [.settle(2, head), .settle(1, head)])
    }

    @Test func whatWasAcknowledgedFirstCannotGoBack() {
        var desk = WorkerDesk.with(slots: 2, rules: .add { $0.acksLate = false })
        _ = desk.take([.number(1), .number(2)], at: 0)
        _ = desk.acknowledged(1, isOurs: true, now: time(0))
        _ = desk.drain(until: at(5), now: time(1))
        #expect(desk.woken(now: time(5)) == [.kill(1, .drain)])
        #expect(desk.ended(1, .stopped, now: time(6)) == [.settle(1, .fail(.workerLost))])
        #expect(desk.acknowledged(2, isOurs: true, now: time(6)) == [.settle(2, .fail(.workerLost))])
    }

    @Test func aBudgetComesBeforeTheLowerBound() {
        var desk = WorkerDesk.with(slots: 4) { $0.autoscale = 3...8 }
        _ = desk.resize(to: 1, now: time(0))
        #expect(desk.slots == 3)
        _ = desk.resize(to: 1, least: 1, now: time(0))
        #expect(desk.slots == 1)
    }
}
