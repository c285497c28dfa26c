import MartletBase
import Testing

@testable import MartletLogic

@Suite struct WaitQueueTests {
    private func waiter(
        _ number: UInt64, _ priority: PriorityClass = .interactive, deadline: Instant = .never
    ) -> WaitQueue.Waiter {
        WaitQueue.Waiter(
            id: WaiterID(number), priority: priority, deadline: deadline, hashKey: nil, excluding: [])
    }

    private func queue(_ waiters: WaitQueue.Waiter..., limit: Int = 100) -> WaitQueue {
        var queue = WaitQueue(limit: limit)
        for waiter in waiters { #expect(queue.join(waiter, now: at(0)) == true) }
        return queue
    }

    private func grants(_ queue: inout WaitQueue, _ count: Int = .max) -> [UInt64] {
        var order: [UInt64] = []
        while order.count < count, let next = queue.next {
            order.append(next.id.rawValue)
            queue.grantNext(now: at(1))
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
        for number in 1...20 as ClosedRange<UInt64> { #expect(queue.join(waiter(number), now: at(0)) == true) }
        #expect(grants(&queue) == [1, 2, 3, 4, 5, 6, 7, 100, 8, 9, 10, 11, 12, 13, 14, 101, 15, 16, 17, 18, 19, 20])
    }

    @Test func grantsWithoutALowerClassWaitingAreNoDebt() {
        var queue = queue(waiter(1), waiter(2), waiter(3), waiter(4), waiter(5), waiter(6), waiter(7), waiter(8))
        #expect(grants(&queue, 7).count == 7)
        #expect(queue.join(waiter(100, .batch), now: at(1)) == true)
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
        #expect(queue.join(waiter(2), now: at(0)) == false)
        #expect(queue.join(waiter(3), now: at(0)) == true)
        #expect(queue.isFull)
        #expect(queue.join(waiter(4), now: at(0)) == false)
        #expect(queue.count == 3)
    }

    @Test func deadlinesExpireInOrderWhateverTheOrderOfJoining() {
        var queue = queue(
            waiter(1, deadline: at(30)), waiter(2, deadline: at(10)), waiter(3, .batch, deadline: at(20)))
        #expect(queue.earliestDeadline == at(10))
        #expect(queue.expire(now: at(9.9)) == [])
        #expect(queue.expire(now: at(20)) == [WaiterID(2), WaiterID(3)])
        #expect(queue.earliestDeadline == at(30))
        #expect(grants(&queue) == [1])
        #expect(queue.earliestDeadline == nil)
    }

    @Test func aGrantedWaiterNeverExpires() {
        var queue = queue(waiter(1, deadline: at(10)), waiter(2, deadline: at(20)))
        #expect(grants(&queue, 1) == [1])
        #expect(queue.earliestDeadline == at(20))
        #expect(queue.expire(now: at(30)) == [WaiterID(2)])
    }

    @Test func aPlaceUsedAgainDoesNotInheritADeadline() {
        var queue = queue(waiter(1, deadline: at(10)), waiter(2, deadline: at(20)))
        #expect(queue.leave(WaiterID(2)) == true)
        #expect(queue.join(waiter(3, deadline: at(40)), now: at(0)) == true)
        #expect(queue.expire(now: at(30)) == [WaiterID(1)])
        #expect(queue.earliestDeadline == at(40))
    }

    @Test func waitersThatComeAndGoLeaveNoDeadlinesBehind() {
        var queue = queue(waiter(0, deadline: at(1)), limit: 10)
        for number in 1...10_000 as ClosedRange<UInt64> {
            #expect(queue.join(waiter(number, deadline: at(30)), now: at(0)) == true)
            #expect(queue.leave(WaiterID(number)) == true)
        }
        #expect(queue.rememberedDeadlines < 100)
    }

    @Test func theWaitIsPredictedFromTheRateOfGrants() {
        var queue = WaitQueue(limit: 100)
        for number in 0..<20 as Range<UInt64> { #expect(queue.join(waiter(number), now: at(0)) == true) }
        #expect(queue.predictedWait(.interactive, now: at(0)) == .zero)
        for grant in 1...10 { queue.grantNext(now: at(Double(grant) * 0.5)) }
        #expect(queue.predictedWait(.interactive, now: at(5)) == .milliseconds(5_500))
        #expect(queue.join(waiter(99, .batch), now: at(5)) == true)
        #expect(queue.predictedWait(.interactive, now: at(5)) == .milliseconds(5_500))
        #expect(queue.predictedWait(.background, now: at(5)) == .milliseconds(6_000))
    }

    @Test func targetsThatHangMakeThePredictionGrow() {
        var queue = WaitQueue(limit: 100)
        for number in 0..<5 as Range<UInt64> { #expect(queue.join(waiter(number), now: at(0)) == true) }
        queue.grantNext(now: at(1))
        #expect(queue.predictedWait(.interactive, now: at(11)) == .seconds(50))
    }

    @Test func anEmptyQueueNeverPredictsAWait() {
        var queue = queue(waiter(1))
        queue.grantNext(now: at(1000))
        #expect(queue.predictedWait(.interactive, now: at(2000)) == .zero)
    }
}
