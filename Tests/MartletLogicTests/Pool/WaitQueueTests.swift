import MartletBase
import Testing

@testable import MartletLogic

@Suite struct WaitQueueTests {
    private func waiter(
        _ number: UInt64, _ priority: PriorityClass = .interactive, deadline: Instant = .never, bytes: Int = 0
    ) -> WaitQueue.Waiter {
        WaitQueue.Waiter(
            id: WaiterID(number), priority: priority, deadline: deadline, hashKey: nil, excluding: [], bytes: bytes)
    }

    private func queue(_ waiters: WaitQueue.Waiter..., limit: Int = 100, byteLimit: Int = .max) -> WaitQueue {
        var queue = WaitQueue(limit: limit, byteLimit: byteLimit)
        for waiter in waiters { #expect(queue.join(waiter) == true) }
        return queue
    }

    private func grants(_ queue: inout WaitQueue, _ count: Int = .max) -> [UInt64] {
        var order: [UInt64] = []
        while order.count < count, let next = queue.next {
            order.append(next.id.rawValue)
            queue.grantNext()
        }
        return order
    }

    @Test func withinAClassTheFirstComeIsServedFirst() {
        var queue = queue(waiter(1), waiter(2), waiter(3))
        #expect(grants(&queue) == [1, 2, 3])
        #expect(queue.isEmpty)
    }

    @Test func theHighestClassGoesFirst() {
        var queue = queue(waiter(1, .background), waiter(2, .batch), waiter(3), waiter(4, .batch), waiter(5))
        #expect(grants(&queue) == [3, 5, 2, 4, 1])
    }

    @Test func everyEighthGrantGoesToTheOldestOfTheLowerClasses() {
        var queue = queue(waiter(100, .background), waiter(101, .batch))
        for number in 1...20 as ClosedRange<UInt64> { #expect(queue.join(waiter(number)) == true) }
        #expect(grants(&queue) == [1, 2, 3, 4, 5, 6, 7, 100, 8, 9, 10, 11, 12, 13, 14, 101, 15, 16, 17, 18, 19, 20])
    }

    @Test func grantsWithoutALowerClassWaitingAreNoDebt() {
        var queue = queue(waiter(1), waiter(2), waiter(3), waiter(4), waiter(5), waiter(6), waiter(7), waiter(8))
        #expect(grants(&queue, 7).count == 7)
        #expect(queue.join(waiter(100, .batch)) == true)
        #expect(grants(&queue) == [8, 100])
    }

    @Test func whoLeavesIsNotServed() {
        var queue = queue(waiter(1), waiter(2), waiter(3))
        #expect(queue.leave(WaiterID(2)) == true)
        #expect(queue.leave(WaiterID(2)) == false)
        #expect(queue.leave(WaiterID(9)) == false)
        #expect(grants(&queue) == [1, 3])
        #expect(queue.depths == QueueDepths())
    }

    @Test func theLimitHoldsAndAnIdWaitsOnce() {
        var queue = queue(waiter(1), waiter(2), limit: 3)
        #expect(queue.join(waiter(2)) == false)
        #expect(queue.join(waiter(3)) == true)
        #expect(!queue.hasRoom(for: 0))
        #expect(queue.join(waiter(4)) == false)
        #expect(queue.count == 3)
    }

    @Test func deadlinesExpireInOrderWhateverTheOrderOfJoining() {
        var queue = queue(
            waiter(1, deadline: at(30)), waiter(2, deadline: at(10)), waiter(3, .batch, deadline: at(20)))
        #expect(queue.expire(now: at(9.9)) == [])
        #expect(queue.expire(now: at(20)) == [WaiterID(2), WaiterID(3)])
        #expect(grants(&queue) == [1])
    }

    @Test func aGrantedWaiterNeverExpires() {
        var queue = queue(waiter(1, deadline: at(10)), waiter(2, deadline: at(20)))
        #expect(grants(&queue, 1) == [1])
        #expect(queue.expire(now: at(30)) == [WaiterID(2)])
    }

    @Test func aPlaceUsedAgainDoesNotInheritADeadline() {
        var queue = queue(waiter(1, deadline: at(10)), waiter(2, deadline: at(20)))
        #expect(queue.leave(WaiterID(2)) == true)
        #expect(queue.join(waiter(3, deadline: at(40))) == true)
        #expect(queue.expire(now: at(30)) == [WaiterID(1)])
        #expect(queue.expire(now: at(40)) == [WaiterID(3)])
    }

    @Test func whatArrivesWhileARequestWaitsIsCounted() {
        var queue = WaitQueue(limit: 10, byteLimit: 100)
        queue.join(WaitQueue.Waiter(id: WaiterID(1), priority: .batch, deadline: at(9), excluding: [], bytes: 10))
        #expect(queue.holds(90, WaiterID(1)) == true)
        #expect(queue.holds(20, WaiterID(1)) == true, "it gave nothing back")
        #expect(queue.bytes == 90)
        #expect(!queue.hasRoom(for: 20))
        #expect(queue.holds(130, WaiterID(1)) == false, "one piece more than there is room for")
        #expect(queue.hasRoom(for: 0), "a request without a body is still welcome")
        #expect(queue.holds(500, WaiterID(2)) == true, "who does not wait holds nothing here")
        #expect(queue.leave(WaiterID(1)) == true)
        #expect(queue.bytes == 0)
    }

    @Test func waitersThatComeAndGoLeaveNoDeadlinesBehind() {
        var queue = queue(waiter(0, deadline: at(1)), limit: 10)
        for number in 1...10_000 as ClosedRange<UInt64> {
            #expect(queue.join(waiter(number, deadline: at(30))) == true)
            #expect(queue.leave(WaiterID(number)) == true)
        }
        #expect(queue.rememberedDeadlines < 100)
    }

    @Test func theBytesOfThoseWhoWaitAreBounded() {
        var queue = queue(waiter(1, bytes: 60), waiter(2, bytes: 30), byteLimit: 100)
        #expect(queue.join(waiter(3, bytes: 11)) == false)
        #expect(queue.join(waiter(4, bytes: 10)) == true)
        #expect(queue.bytes == 100)
        #expect(queue.leave(WaiterID(2)) == true)
        #expect(queue.join(waiter(3, bytes: 11)) == true)
        #expect(grants(&queue) == [1, 4, 3])
        #expect(queue.bytes == 0)
    }

    @Test func theYoungestOfTheLowestClassLosesItsPlaceToAHigherOne() {
        var queue = queue(
            waiter(1, .background), waiter(2, .batch), waiter(3, .background), waiter(4), waiter(5, .batch), limit: 5)
        #expect(queue.evict(for: .background, bytes: 0) == [])
        #expect(queue.evict(for: .interactive, bytes: 0) == [WaiterID(3)])
        #expect(queue.join(waiter(6)) == true)
        #expect(queue.evict(for: .batch, bytes: 0) == [WaiterID(1)])
        #expect(queue.join(waiter(7, .batch)) == true)
        #expect(queue.evict(for: .batch, bytes: 0) == [])
        #expect(queue.evict(for: .interactive, bytes: 0) == [WaiterID(7)])
        #expect(grants(&queue) == [4, 6, 2, 5])
    }

    @Test func asManyLoseTheirPlacesAsTheBytesNeedAndNobodyInVain() {
        var queue = queue(
            waiter(1, .batch, bytes: 30), waiter(2, .background, bytes: 20), waiter(3, bytes: 50), byteLimit: 100)
        #expect(queue.evict(for: .interactive, bytes: 51) == [])
        #expect(queue.evict(for: .interactive, bytes: 40) == [WaiterID(2), WaiterID(1)])
        #expect(queue.bytes == 50)
    }

    @Test func aRequestWithoutABodyTakesAPlaceHoweverMuchTheOthersHold() {
        var queue = queue(waiter(1), waiter(2, .batch), limit: 2, byteLimit: 100)
        #expect(queue.holds(130, WaiterID(1)) == false)
        #expect(queue.evict(for: .interactive, bytes: 0) == [WaiterID(2)])
        #expect(queue.join(waiter(3)) == true)
    }

    @Test func aClassWaitsForItsOwnAndForTheHigherOnes() {
        let queue = queue(waiter(1), waiter(2, .batch), waiter(3, .batch), waiter(4, .background))
        #expect(queue.turns(before: .interactive) == 1)
        #expect(queue.turns(before: .batch) == 3)
        #expect(queue.turns(before: .background) == 4)
    }

    @Test func aLowerClassCountsOnTheShareThatItIsGiven() {
        var queue = queue(waiter(1), waiter(2), limit: 1000)
        for number in 1000..<1060 as Range<UInt64> { #expect(queue.join(waiter(number, .batch)) == true) }
        #expect(queue.turns(before: .batch) == 62)
        for number in 3...100 as ClosedRange<UInt64> {
            #expect(queue.join(waiter(number)) == true)
            queue.grantNext()
        }
        // There is always somebody of the higher class: it gets one of eight.
        #expect(queue.turns(before: .interactive) < 20)
        #expect(queue.turns(before: .batch) > 300)
    }

    @Test func thoseWhoHaveNoHopeAreTakenFromTheTail() {
        var queue = queue(waiter(1, deadline: at(10)), waiter(2, deadline: at(10)), waiter(3, deadline: at(10)))
        // One grant every four seconds.
        let isHopeless = { (deadline: Instant, turns: Double) in at(4 * (turns + 1)) > deadline }
        #expect(queue.shed(where: isHopeless) == [WaiterID(3)])
        #expect(queue.shed(where: isHopeless) == [])
        #expect(grants(&queue) == [1, 2])
    }
}
