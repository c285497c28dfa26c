import MartletBase
import MartletLogic
import Testing

/// From the door to the end: what becomes of one message.
@Suite struct DeskRunTests {
    // MARK: The door

    @Test func whatIsNotToBeRunIsSettledAtTheDoor() {
        let cases: [(TaskArrival, Settlement)] = [
            (.number(1) { $0.expires = wall(10) }, .revoke(expired: true, terminated: false)),
            (.number(1, name: "nobody knows it"), .fail(.notRegistered)),
            (.number(1) { $0.deliveries = 6 }, .bury),
            (.number(1) { $0.task = "gone" }, .revoke(expired: false, terminated: false)),
            (.number(1) { $0.stamps = ["team": ["x", "red"]] }, .revoke(expired: false, terminated: false)),
        ]
        for (arrival, settlement) in cases {
            var desk = WorkerDesk.with()
            _ = desk.revoke(["gone"], terminate: false, now: time(0))
            _ = desk.revoke(stamp: "team", ["red"], terminate: false, now: time(0))
            #expect(desk.take([arrival], at: 10) == [.settle(1, settlement)])
            // It takes no slot, and the next one is run.
            #expect(desk.take([.number(2) { $0.deliveries = 5 }], at: 10) == [.run(2)])
        }
    }

    @Test func aTaskWhoseTimeIsToComeIsHeldAndTakesNoSlot() {
        var desk = WorkerDesk.with()
        #expect(desk.take([.number(1) { $0.eta = wall(60) }], at: 0) == [])
        #expect(desk.scheduledTasks.map(\.id) == [1])
        #expect(desk.run(.number(2), at: 0) == true)
        _ = desk.ended(2, .succeeded, now: time(1))
        #expect(desk.woken(now: time(59.9)).contains(.run(1)) == false)
        #expect(desk.woken(now: time(60)).contains(.run(1)))
    }

    @Test func itWakesForTheEarliestEta() {
        var desk = WorkerDesk.with()
        _ = desk.take([.number(1) { $0.eta = wall(60) }, .number(2) { $0.eta = wall(30.5) }], at: 0)
        #expect(desk.nextWake(now: time(0)) == at(30.5))
        // The wall's clock was set back by five seconds meanwhile.
        #expect(desk.nextWake(now: TaskTime(at(10), wall: wall(5))) == at(35.5))
    }

    @Test func tasksOfTheFutureAboveTheBoundGoBackUntilTheirTime() {
        var desk = WorkerDesk.with { $0.maximumScheduled = 1 }
        let arrivals = [TaskArrival.number(1) { $0.eta = wall(9) }, .number(2) { $0.eta = wall(8) }, .number(3)]
        #expect(desk.take(arrivals, at: 0) == [.settle(2, .postpone(eta: wall(8))), .run(3)])
    }

    @Test func whatExpiresWhileItWaitsIsNotRun() {
        var desk = WorkerDesk.with { $0.prefetch = 3 }
        _ = desk.take([.number(1), .number(2) { $0.expires = wall(5) }, .number(3)], at: 0)
        let actions = desk.ended(1, .succeeded, now: time(5))
        #expect(actions == [.settle(1, .succeed), .settle(2, .revoke(expired: true, terminated: false)), .run(3)])
    }

    // MARK: Ends

    @Test(arguments: [
        (RunEnd.succeeded, Settlement.succeed), (.failed, .fail(.raised)), (.settled, .acknowledge),
        (.rejected(requeue: false), .acknowledge), (.rejected(requeue: true), .giveBack(atHead: false)),
        (.lost, .giveBack(atHead: false)), (.stopped, .giveBack(atHead: true)), (.timedOut, .fail(.timeLimit(0))),
        (.retry(after: .seconds(7)), .retry(retries: 1, eta: wall(8))),
    ])
    func anEndIsSettled(end: RunEnd, settlement: Settlement) {
        var desk = WorkerDesk.with()
        #expect(desk.run(.number(1), at: 0) == true)
        #expect(desk.ended(1, end, now: time(1)) == [.settle(1, settlement)])
        #expect(desk.settling.map(\.id) == [1])
        // Too late, and no more than that.
        #expect(desk.ended(1, .failed, now: time(1)) == [])
        desk.settled(1, isCommitted: true)
        #expect(desk.inHand == 0)
    }

    @Test func aTaskWhoseProcessesDieIsRunSoManyTimesAndThenBuried() {
        var desk = WorkerDesk.with { $0.maximumDeliveries = 3 }
        for delivery in 1...3 {
            #expect(desk.run(.number(UInt64(delivery)) { $0.deliveries = delivery }, at: 0) == true)
            let settlement = delivery < 3 ? Settlement.giveBack(atHead: false) : .bury
            let id = DeliveryID(UInt64(delivery))
            #expect(desk.ended(id, .lost, now: time(1)) == [.settle(id, settlement)])
            desk.settled(id, isCommitted: true)
        }
        #expect(desk.counts.returned == 2 && desk.counts.buried == 1)
    }

    @Test func aLostProcessIsAFailureWhereTheRulesSaySo() {
        var desk = WorkerDesk.with(rules: .add { $0.returnsWhenLost = false })
        #expect(desk.run(.number(1), at: 0) == true)
        #expect(desk.ended(1, .lost, now: time(1)) == [.settle(1, .fail(.workerLost))])
    }

    @Test func retriesAreBoundedAndFailuresRetryWhereTheRulesSaySo() {
        var desk = WorkerDesk.with(rules: .add {
            $0.retry.maximumRetries = 2
            $0.retry.retriesFailures = true
        })
        #expect(desk.run(.number(1) { $0.retries = 2 }, at: 0) == true)
        #expect(desk.ended(1, .retry(after: nil), now: time(0)) == [.settle(1, .fail(.retriesExceeded))])
        #expect(desk.run(.number(2) { $0.retries = 2 }, at: 0) == true)
        #expect(desk.ended(2, .failed, now: time(0)) == [.settle(2, .fail(.raised))])
        #expect(desk.run(.number(3) { $0.retries = 1 }, at: 0) == true)
        guard case .settle(3, .retry(retries: 2, let eta)) = desk.ended(3, .failed, now: time(0)).first else {
            Issue.record("it is not tried again")
            return
        }
        #expect((wall(0)...wall(360)).contains(eta))
    }

    @Test func aMessagesOwnBoundOnRetriesHolds() {
        var desk = WorkerDesk.with(rules: .add { $0.retry.maximumRetries = 9 })
        let bounded: (inout TaskArrival) -> Void = {
            $0.retries = 2
            $0.maximumRetries = 2
        }
        #expect(desk.run(.number(1, bounded), at: 0) == true)
        #expect(desk.ended(1, .retry(after: nil), now: time(0)) == [.settle(1, .fail(.retriesExceeded))])
    }

    @Test func aDelayWithoutEndDoesNotWrap() {
        var desk = WorkerDesk.with()
        #expect(desk.run(.number(1), at: 0) == true)
        let now = TaskTime(at(1), wall: .max - 5)
        #expect(desk.ended(1, .retry(after: .seconds(60)), now: now) == [.settle(1, .retry(retries: 1, eta: .max))])
    }

    // MARK: Early acknowledgement

    @Test func withoutLateAcknowledgementItIsAcknowledgedBeforeItsRun() {
        var desk = WorkerDesk.with(rules: .add { $0.acksLate = false })
        #expect(desk.take([.number(1)], at: 0) == [.acknowledge(1)])
        // It has the slot already.
        #expect(desk.pull(now: time(0)) == nil)
        #expect(desk.acknowledged(1, isOurs: true, now: time(0)) == [.run(1)])
        // Nobody else can have it: there is no lease to lose, and nothing to go back.
        #expect(desk.lost([1], now: time(1)) == [])
        #expect(desk.ended(1, .lost, now: time(1)) == [.settle(1, .fail(.workerLost))])
    }

    @Test func whatIsSomebodyElsesByThenIsNotRun() {
        var desk = WorkerDesk.with(rules: .add { $0.acksLate = false })
        _ = desk.take([.number(1)], at: 0)
        #expect(desk.acknowledged(1, isOurs: false, now: time(0)) == [.forget(1)])
        #expect(desk.inHand == 0 && desk.running == 0 && desk.counts.abandoned == 1)
    }

    @Test func whatIsRevokedWhileItIsAcknowledgedIsNotRun() {
        var desk = WorkerDesk.with(rules: .add { $0.acksLate = false })
        _ = desk.take([.number(1)], at: 0)
        #expect(desk.revoke(["t1"], terminate: true, now: time(0)) == [])
        let revoke = Settlement.revoke(expired: false, terminated: false)
        #expect(desk.acknowledged(1, isOurs: true, now: time(0)) == [.settle(1, revoke)])
        #expect(desk.running == 0)
    }

    // MARK: Time limits

    @Test func theSoftLimitIsToldAndTheHardOneEndsTheRun() {
        var desk = WorkerDesk.with(rules: .add {
            $0.softLimit = 5
            $0.hardLimit = 8
        })
        #expect(desk.take([.number(1)], at: 0) == [.run(1)])
        // They count from the start.
        desk.started(1, now: time(2))
        #expect(desk.woken(now: time(6.9)).contains(.soft(1)) == false)
        #expect(desk.woken(now: time(7)) == [.soft(1)])
        #expect(desk.woken(now: time(9.9)).contains(.kill(1, .timeLimit(8))) == false)
        #expect(desk.woken(now: time(10)).contains(.kill(1, .timeLimit(8))))
        #expect(desk.woken(now: time(12)) == [])
        #expect(desk.ended(1, .stopped, now: time(12)) == [.settle(1, .fail(.timeLimit(8)))])
    }

    @Test func aMessagesOwnLimitsComeBeforeItsTasksAndThoseBeforeTheWorkers() {
        func limit(message: Double?, task: Double?) -> Instant {
            var desk = WorkerDesk.with(rules: .add { $0.hardLimit = task }) {
                $0.hardLimit = 30
            }
            _ = desk.run(.number(1) { $0.hardLimit = message }, at: 0)
            return desk.nextWake(now: time(0))
        }
        #expect(limit(message: 10, task: 20) == at(10))
        #expect(limit(message: nil, task: 20) == at(20))
        #expect(limit(message: nil, task: nil) == at(30))
        // Zero is no limit.
        #expect(limit(message: 0, task: 20) > at(1000))
    }

    @Test func anEndThatComesBeforeTheKillCountsAsItIs() {
        var desk = WorkerDesk.with(rules: .add { $0.hardLimit = 3 })
        #expect(desk.run(.number(1), at: 0) == true)
        #expect(desk.woken(now: time(3)) == [.kill(1, .timeLimit(3))])
        #expect(desk.ended(1, .succeeded, now: time(3)) == [.settle(1, .succeed)])
    }

    @Test func aTimeLimitReturnsTheTaskWhereTheRulesSaySo() {
        var desk = WorkerDesk.with(rules: .add {
            $0.hardLimit = 3
            $0.acksOnTimeout = false
        })
        #expect(desk.run(.number(1), at: 0) == true)
        _ = desk.woken(now: time(3))
        #expect(desk.ended(1, .lost, now: time(3)) == [.settle(1, .giveBack(atHead: false))])
    }

    @Test func limitsOfRunsThatAreOverAreForgotten() {
        var desk = WorkerDesk.with(rules: .add { $0.hardLimit = 3600 })
        for number in 1...1000 as ClosedRange<UInt64> {
            #expect(desk.run(.number(number), at: 0) == true)
            _ = desk.ended(DeliveryID(number), .succeeded, now: time(0))
            desk.settled(DeliveryID(number), isCommitted: true)
        }
        #expect(desk.rememberedLimits < 100)
    }
}
