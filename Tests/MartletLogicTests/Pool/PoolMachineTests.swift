import MartletBase
import MartletLogic
import Testing

@Suite struct PoolMachineTests {
    private let a = TargetID(1)
    private let b = TargetID(2)

    private func pool(
        _ count: Int = 1, maxInflight: Int? = 1, _ change: (inout PoolPolicy) -> Void = { _ in }
    ) -> PoolMachine {
        var pool = PoolMachine(policy: .with(change), seed: 1)
        let policy = TargetPolicy.with { $0.maxInflight = maxInflight }
        for number in 1...count {
            _ = pool.add(TargetID(UInt32(number)), policy: policy, key: UInt64(number), now: at(0))
        }
        return pool
    }

    @Test func anEmptyPoolRefuses() {
        var pool = PoolMachine(policy: PoolPolicy(), seed: 1)
        #expect(pool.pick(.number(1), now: at(0)).refusal == .noTarget)
    }

    @Test func aTargetThatIsOnItsWayIsWaitedFor() {
        var pool = PoolMachine(policy: PoolPolicy(), seed: 1)
        #expect(pool.expect(true, now: at(0)) == [])
        #expect(pool.pick(.number(1), now: at(0)) == .queued)
        var elsewhere = PickRequest.number(2)
        elsewhere.mayExpect = false
        #expect(pool.pick(elsewhere, now: at(0)).refusal == .noTarget, "it has another pool to go to")
        #expect(pool.tick(now: at(1)) == TickResult())
        let grants = pool.add(a, policy: TargetPolicy(), key: 1, now: at(2))
        #expect(grants == [Grant(waiter: WaiterID(1), target: a)])
    }

    @Test func aTargetThatDoesNotComeIsWaitedForNoLongerThanForAnyOther() {
        var pool = PoolMachine(policy: PoolPolicy(), seed: 1)
        _ = pool.expect(true, now: at(0))
        #expect(pool.pick(.number(1, deadline: at(30)), now: at(0)) == .queued)
        #expect(pool.tick(now: at(31)).expired == [WaiterID(1)])
    }

    @Test func whoWaitsForATargetThatIsNotToComeAnyMoreIsToldSo() {
        var pool = pool()
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2), now: at(0)) == .queued)
        #expect(pool.expect(true, now: at(0)) == [])
        #expect(pool.expect(false, now: at(0)) == [], "there is one, only busy")
        #expect(pool.remove(a, now: at(1)) == false)
        #expect(pool.expect(true, now: at(1)) == [])
        #expect(pool.pick(.number(3, .batch), now: at(1)) == .queued)
        #expect(Set(pool.expect(false, now: at(2))) == [WaiterID(2), WaiterID(3)])
        #expect(pool.leave(WaiterID(2), now: at(2)) == false)
        #expect(pool.pick(.number(4), now: at(2)).refusal == .noTarget)
    }

    /// The pace of the target that is gone foretells nothing: the next one may take them all at once.
    @Test func whoWaitsForATargetOnItsWayIsBoundedByRoomAndDeadlineAlone() {
        var pool = pool(maxInflight: nil) { $0.queue.length = 50 }
        for second in stride(from: 0, to: 100.0, by: 5) {
            _ = pool.pick(.number(0), now: at(second))
            _ = pool.release(a, .success, now: at(second + 5))
        }
        #expect(pool.pick(.number(0), now: at(100)) == .target(a))
        _ = pool.expect(true, now: at(100))
        #expect(pool.remove(a, now: at(100)) == false)
        #expect(pool.release(a, .failure(.reset), now: at(100)).isEmptied)
        for number in 1...50 as ClosedRange<UInt64> {
            #expect(pool.pick(.number(number, deadline: at(110)), now: at(100)) == .queued)
        }
        #expect(pool.pick(.number(51, deadline: at(110)), now: at(100)).refusal == .queueFull)
        for second in [100.1, 101, 102, 103] { #expect(pool.tick(now: at(second)) == TickResult()) }
        #expect(pool.add(b, policy: TargetPolicy(), key: 2, now: at(103)).count == 50)
    }

    @Test func theQueueIsBounded() {
        var pool = pool { $0.queue.length = 1 }
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2), now: at(0)) == .queued)
        #expect(pool.pick(.number(3), now: at(0)).refusal == .queueFull)
    }

    @Test func workThatCannotStartInTimeIsRefusedAtOnce() {
        var pool = pool()
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        for number in 2...6 as ClosedRange<UInt64> { #expect(pool.pick(.number(number), now: at(0)) == .queued) }
        _ = pool.release(a, .success, now: at(10))
        // Four wait, and one starts every ten seconds.
        #expect(pool.pick(.number(7, deadline: at(55)), now: at(10)) == .refused(.tooLate, retryAfter: .seconds(50)))
        #expect(pool.pick(.number(8, deadline: at(65)), now: at(10)) == .queued)
        #expect(pool.pick(.number(9, deadline: at(10)), now: at(10)).refusal == .tooLate)
    }

    @Test func workThatCannotBeOverInTimeIsNotBegun() {
        var pool = pool()
        for second in stride(from: 0, to: 400.0, by: 10) {
            _ = pool.pick(.number(1), now: at(second))
            _ = pool.release(a, .success, now: at(second + 10))
        }
        #expect(pool.pick(.number(1), now: at(400)) == .target(a))
        // Its turn comes after ten seconds, and it takes ten.
        #expect(pool.pick(.number(2), now: at(400)) == .queued)
        #expect(pool.pick(.number(3, finish: at(425)), now: at(400)).refusal == .tooLate)
        #expect(pool.pick(.number(4, finish: at(450)), now: at(400)) == .queued)
        // A caller that allows less than the usual has a short request.
        #expect(pool.pick(.number(5, deadline: at(404), finish: at(404)), now: at(400)).refusal == .tooLate)
        #expect(pool.leave(WaiterID(2), now: at(400)) == true)
        #expect(pool.leave(WaiterID(4), now: at(400)) == true)
        #expect(pool.pick(.number(6, deadline: at(404), finish: at(404)), now: at(400)) == .queued)
        // What could not be over any more is not begun, although its own time is not up.
        #expect(pool.pick(.number(7, finish: at(460)), now: at(400)) == .queued)
        #expect(pool.tick(now: at(441)).expired == [WaiterID(6), WaiterID(7)])
    }

    @Test func aFirstWaveThatCannotBeServedIsToldAsSoonAsThatIsKnown() {
        var pool = pool { $0.queue.length = 1000 }
        #expect(pool.pick(.number(0), now: at(0)) == .target(a))
        for number in 1...500 as ClosedRange<UInt64> {
            #expect(pool.pick(.number(number, deadline: at(30)), now: at(0)) == .queued)
        }
        #expect(pool.release(a, .success, now: at(1)).grants.count == 1)
        // One a second: the first thirty have hope, and as many again may turn out to.
        let told = pool.tick(now: at(1)).hopeless
        #expect((400...470).contains(told.count), "\(told.count)")
        #expect(pool.pick(.number(501, deadline: at(31)), now: at(1)).refusal == .tooLate)
        #expect(pool.pick(.number(502, .interactive, deadline: at(200)), now: at(1)) == .queued)
    }

    @Test func aFullQueueGivesTheYoungestOfTheLowestUpForAHigherClass() {
        var pool = pool { $0.queue.length = 2 }
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2, .batch), now: at(0)) == .queued)
        #expect(pool.pick(.number(3, .background), now: at(0)) == .queued)
        #expect(pool.pick(.number(4, .background), now: at(0)).refusal == .queueFull)
        #expect(pool.pick(.number(5), now: at(0)) == .queuedInPlaceOf([WaiterID(3)]))
        #expect(pool.leave(WaiterID(3), now: at(0)) == false)
        #expect(pool.status(now: at(0)).queued.total == 2)
        #expect(pool.release(a, .success, now: at(1)).grants == [Grant(waiter: WaiterID(5), target: a)])
    }

    @Test func theBytesOfTheQueueAreBounded() {
        var pool = pool { $0.queue.bytes = 100 }
        #expect(pool.pick(.number(1, bytes: 1000), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2, bytes: 80), now: at(0)) == .queued)
        #expect(pool.pick(.number(3, bytes: 30), now: at(0)).refusal == .queueFull)
        #expect(pool.pick(.number(4, bytes: 20), now: at(0)) == .queued)
        #expect(pool.status(now: at(0)).queuedBytes == 100)
    }

    /// Both were at a target that died: the second to notice may go elsewhere as well.
    @Test func aFailureAtATargetThatIsOutAlreadySaysSo() {
        var pool = pool(2, maxInflight: nil)
        for number in 1...4 as ClosedRange<UInt64> { _ = pool.pick(.number(number), now: at(0)) }
        let first = pool.release(a, .failure(.reset), now: at(1))
        #expect(first.isOut && first.change != nil)
        let second = pool.release(a, .failure(.reset), now: at(1))
        #expect(second.isOut && second.change == nil)
        #expect(!pool.release(b, .success, now: at(1)).isOut)
        #expect(!pool.release(b, .neutral, now: at(1)).isOut)
    }

    @Test func aNewcomerDoesNotOvertakeItsOwnClass() {
        var pool = pool()
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2, .batch), now: at(0)) == .queued)
        #expect(pool.pick(.number(3), now: at(0)) == .queued)
        #expect(pool.release(a, .success, now: at(1)).grants == [Grant(waiter: WaiterID(3), target: a)])
        #expect(pool.release(a, .success, now: at(2)).grants == [Grant(waiter: WaiterID(2), target: a)])
    }

    @Test func roomThatTimeMadeIsGivenToThoseWhoWaitFirst() {
        var pool = pool()
        _ = pool.pick(.number(1), now: at(0))
        _ = pool.release(a, .failure(.status429, retryAfter: .seconds(5)), now: at(0))
        #expect(pool.pick(.number(2), now: at(1)) == .queued)
        #expect(pool.pick(.number(3), now: at(6)) == .queued)
        #expect(pool.tick(now: at(6)).grants == [Grant(waiter: WaiterID(2), target: a)])
    }

    @Test func aHigherClassOvertakesWhenThereIsRoom() {
        var pool = pool()
        _ = pool.pick(.number(1), now: at(0))
        _ = pool.release(a, .failure(.status429, retryAfter: .seconds(5)), now: at(0))
        #expect(pool.pick(.number(2, .batch), now: at(1)) == .queued)
        #expect(pool.pick(.number(3, .interactive), now: at(6)) == .target(a))
    }

    @Test func waitersExpireAndAreNotGranted() {
        var pool = pool()
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2, deadline: at(3)), now: at(0)) == .queued)
        #expect(pool.tick(now: at(3)) == TickResult(expired: [WaiterID(2)], grants: []))
        #expect(pool.leave(WaiterID(2), now: at(3)) == false)
        #expect(pool.release(a, .success, now: at(4)) == ReleaseResult())
    }

    @Test func aClientThatLeavesWhileQueuedGivesItsPlaceBack() {
        var pool = pool { $0.queue.length = 1 }
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2), now: at(0)) == .queued)
        #expect(pool.leave(WaiterID(2), now: at(1)) == true)
        #expect(pool.leave(WaiterID(2), now: at(1)) == false)
        #expect(pool.pick(.number(3), now: at(1)) == .queued)
        #expect(pool.status(now: at(1)).queued.total == 1)
    }

    @Test func aRetryWaitsForAnotherTargetRatherThanTakingTheSameAgain() {
        var pool = pool(2)
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2), now: at(0)) == .target(b))
        _ = pool.release(a, .failure(.deadline), now: at(1))
        #expect(pool.pick(.number(3, excluding: [a]), now: at(1)) == .queued)
        #expect(pool.release(b, .success, now: at(2)).grants == [Grant(waiter: WaiterID(3), target: b)])
        #expect(pool.pick(.number(4, excluding: [a]), now: at(2)) == .queued)
        #expect(pool.tick(now: at(2.1)).grants == [Grant(waiter: WaiterID(4), target: a)], "better than none")
    }

    @Test func aTargetThatIsAddedServesThoseWhoWait() {
        var pool = pool()
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2), now: at(0)) == .queued)
        #expect(
            pool.add(b, policy: TargetPolicy(), key: 2, now: at(1)) == [Grant(waiter: WaiterID(2), target: b)])
    }

    @Test func aDrainedTargetRunsEmptyAndSaysSo() {
        var pool = pool(2, maxInflight: nil)
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        pool.drain(a, now: at(1))
        #expect(!pool.isEmpty(a))
        for number in 2...5 as ClosedRange<UInt64> { #expect(pool.pick(.number(number), now: at(1)) == .target(b)) }
        #expect(pool.release(a, .success, now: at(2)).isEmptied)
        #expect(pool.isEmpty(a))
        #expect(pool.undrain(a, now: at(3)) == [])
        #expect(pool.pick(.number(6), now: at(3)) == .target(a))
    }

    /// Two targets of four places, one second for each request; `number` is the next free one.
    private func busyPool() -> (pool: PoolMachine, number: UInt64) {
        var pool = pool(2, maxInflight: 4)
        for second in 0...5 {
            for target in [a, b] where second > 0 {
                for _ in 1...4 { _ = pool.release(target, .success, now: at(Double(second))) }
            }
            for number in 1...8 { _ = pool.pick(.number(UInt64(second * 8 + number)), now: at(Double(second))) }
        }
        for number in 100..<140 as Range<UInt64> { _ = pool.pick(.number(number), now: at(5)) }
        return (pool, 140)
    }

    @Test func whatATargetThatDrainsStillHoldsIsNoPlaceForThoseWhoWait() {
        var (pool, number) = busyPool()
        let before = pool.retryAfter(.interactive, now: at(5)).inSeconds
        #expect(abs(before - 41 / 8) < 1.5, "forty before it, eight at a time, a second each: \(before)")
        pool.drain(a, now: at(5))
        let after = pool.retryAfter(.interactive, now: at(5)).inSeconds
        #expect(abs(after - 2 * before) < 0.5, "half of the places are left: \(after), was \(before)")
        // A pick that finds no room learns how many places there are, and does not count those again.
        number += 1
        _ = pool.pick(.number(number), now: at(5))
        #expect(pool.retryAfter(.interactive, now: at(5)).inSeconds > 1.8 * before)
        #expect(pool.status(now: at(5)).active == 8, "all the same they are in flight")
        for _ in 1...4 { #expect(pool.release(a, .success, now: at(5.1)).grants == []) }
        #expect(pool.retryAfter(.interactive, now: at(5.1)).inSeconds > 1.8 * before, "their ends free no place")
        #expect(pool.status(now: at(5.1)).active == 4)
        _ = pool.undrain(a, now: at(5.2))
        #expect(abs(pool.retryAfter(.interactive, now: at(5.2)).inSeconds - before) < 1)
        #expect(pool.impossible.count == 0)
    }

    @Test func aTargetThatIsTakenBackInCountsWithWhatItHolds() {
        var (pool, _) = busyPool()
        let before = pool.retryAfter(.interactive, now: at(5)).inSeconds
        pool.drain(a, now: at(5))
        _ = pool.undrain(a, now: at(5))
        #expect(abs(pool.retryAfter(.interactive, now: at(5)).inSeconds - before) < 0.1)
        #expect(pool.remove(a, now: at(5)) == false)
        for _ in 1...4 { _ = pool.release(a, .neutral, now: at(6)) }
        for _ in 1...4 { _ = pool.release(b, .success, now: at(6)) }
        #expect(pool.status(now: at(6)).active == 4, "what left counts no more, those who waited do")
    }

    @Test func aRemovedTargetIsForgottenWithItsLastRequest() {
        var pool = pool(2, maxInflight: nil)
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.remove(a, now: at(1)) == false)
        #expect(pool.remove(b, now: at(1)) == true)
        #expect(pool.undrain(a, now: at(1)) == [])
        #expect(pool.pick(.number(2), now: at(1)).refusal == .noTarget)
        #expect(pool.release(a, .neutral, now: at(2)).isEmptied)
        #expect(pool.status(now: at(2)).targets.isEmpty)
        #expect(pool.status(now: at(2)).active == 0)
    }

    @Test func nonsenseIsCountedAndChangesNothing() {
        var pool = pool()
        #expect(pool.release(a, .success, now: at(0)) == ReleaseResult())
        #expect(pool.release(TargetID(99), .success, now: at(0)) == ReleaseResult())
        #expect(pool.add(a, policy: TargetPolicy(), key: 1, now: at(0)) == [])
        #expect(pool.remove(TargetID(99), now: at(0)) == true)
        pool.drain(TargetID(99), now: at(0))
        pool.endRetry()
        #expect(pool.impossible.count == 6)
        #expect(pool.probe(TargetID(99), passed: true, now: at(0)) == ReleaseResult())
        #expect(pool.leave(WaiterID(99), now: at(0)) == false)
        #expect(pool.impossible.count == 6)
        #expect(pool.pick(.number(1), now: at(0)) == .target(a))
        #expect(pool.pick(.number(2), now: at(0)) == .queued)
        #expect(pool.pick(.number(2), now: at(0)).refusal == .queueFull)
        #expect(pool.impossible.count == 7)
    }

    @Test func aTargetInSlowStartTakesLess() {
        var pool = PoolMachine(policy: .with { $0.balance = .roundRobin }, seed: 1)
        let policy = TargetPolicy.with { $0.slowStart = .seconds(100) }
        for id in [a, b] { _ = pool.add(id, policy: policy, key: 1, now: at(0)) }
        for passed in [false, false, true] { _ = pool.probe(a, passed: passed, now: at(1)) }
        var picks = [a: 0, b: 0]
        for number in 0..<110 as Range<UInt64> {
            guard let target = pool.pick(.number(number), now: at(1)).target else { continue }
            picks[target, default: 0] += 1
            _ = pool.release(target, .success, now: at(1))
        }
        #expect(picks == [a: 10, b: 100])
        for number in 0..<100 as Range<UInt64> {
            guard let target = pool.pick(.number(number), now: at(102)).target else { continue }
            picks[target, default: 0] += 1
            _ = pool.release(target, .success, now: at(102))
        }
        #expect(abs((picks[a] ?? 0) - 60) <= 1, "\(picks)")
    }

    @Test func theBreakerOpensOnAShareOfFailuresAndClosesThroughATrial() {
        var pool = pool(2, maxInflight: nil) { $0.balance = .roundRobin }
        _ = pool.remove(b, now: at(0))
        let tolerant = TargetPolicy.with { $0.maxFails = 0 }
        _ = pool.add(TargetID(3), policy: tolerant, key: 3, now: at(0))
        for number in 0..<20 as Range<UInt64> {
            _ = pool.pick(.number(number, excluding: [a]), now: at(0))
            _ = pool.release(TargetID(3), .failure(.status5xx), now: at(0))
        }
        let open = pool.status(now: at(1)).targets.first { $0.id == TargetID(3) }
        #expect(open?.breaker == .open)
        #expect(open?.state == .down(.breaker))
        #expect(open?.until == at(30))
        #expect(open?.failures[.status5xx] == 20)
        #expect(pool.pick(.number(1), now: at(1)) == .target(a))
        _ = pool.pick(.number(2, excluding: [a]), now: at(30))
        let answered = pool.answered(TargetID(3), now: at(30))
        #expect(answered.change == TargetChange(target: TargetID(3), from: .down(.breaker), to: .up))
    }

    @Test func retriesStayWithinTheBudgetOfTheRequestsInProgress() {
        var pool = pool(1, maxInflight: nil)
        for number in 0..<50 as Range<UInt64> { _ = pool.pick(.number(number), now: at(0)) }
        var begun = 0
        while pool.beginRetry() { begun += 1 }
        #expect(begun == 10)
        pool.endRetry()
        #expect(pool.beginRetry() == true)
        #expect(pool.status(now: at(0)).retriesInProgress == 10)
    }

    @Test func hashKeepsAKeyOnOneTarget() {
        var pool = pool(4, maxInflight: nil) { $0.balance = .hash }
        var targets: Set<TargetID> = []
        for number in 0..<20 as Range<UInt64> {
            guard let target = pool.pick(.number(number, key: 77), now: at(0)).target else { continue }
            targets.insert(target)
            _ = pool.release(target, .success, now: at(0))
        }
        #expect(targets.count == 1)
    }

    @Test func aLimitThatGrowsServesThoseWhoWait() {
        var pool = pool(1, maxInflight: nil) { $0.limit = .adaptive }
        var picked = 0
        while pool.pick(.number(UInt64(picked)), now: at(0)) == .target(a) { picked += 1 }
        #expect(picked == pool.status(now: at(0)).targets[0].limit)
        var grants: [Grant] = []
        for step in 1...20 {
            grants += pool.firstByte(a, after: Interval(.milliseconds(100)), now: at(Double(step)))
        }
        #expect(grants == [Grant(waiter: WaiterID(UInt64(picked)), target: a)])
        #expect(pool.status(now: at(30)).targets[0].limit ?? 0 > picked)
    }

    @Test func aFixedLimitLearnsNothing() {
        var pool = pool(1, maxInflight: 2)
        for step in 0..<50 { #expect(pool.firstByte(a, after: Interval(.seconds(1)), now: at(Double(step))) == []) }
        #expect(pool.status(now: at(60)).targets[0].limit == nil)
    }
}
