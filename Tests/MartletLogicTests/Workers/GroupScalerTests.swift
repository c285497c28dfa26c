import MartletBase
import MartletLogic
import Testing

@Suite struct GroupScalerTests {
    /// 1 to 3 workers; late after 1 s, for 3 s; idle for 60 s; 10 s between changes.
    private func scaler(min: Int = 1) -> GroupScaler {
        var policy = ScalePolicy()
        policy.min = min
        policy.max = 3
        policy.wait = .seconds(1)
        policy.sustained = .seconds(3)
        policy.idle = .seconds(60)
        policy.cooldown = .seconds(10)
        return GroupScaler(policy: policy)
    }

    /// An item that came `wait` seconds ago waits; nobody is idle.
    private func late(_ now: Double, by wait: Double, isStarting: Bool = false) -> GroupScaler.Load {
        .init(oldestArrival: at(now) - .seconds(wait), idle: 0, isStarting: isStarting)
    }

    private let idle = GroupScaler.Load(oldestArrival: nil, idle: 1, isStarting: false)
    private let busy = GroupScaler.Load(oldestArrival: nil, idle: 0, isStarting: false)

    /// Workers after each second from `start` to `end`.
    private func live(
        _ scaler: inout GroupScaler, _ seconds: ClosedRange<Int>, _ load: (Double) -> GroupScaler.Load
    ) -> [Int] {
        seconds.map { scaler.observe(load(Double($0)), now: at(Double($0))) }
    }

    @Test func itGrowsWhenItemsWaitTooLongForAWhile() {
        var scaler = scaler()
        #expect(live(&scaler, 0...4) { late($0, by: 2) } == [1, 1, 1, 2, 2])
    }

    @Test func aShortWaitOrAMomentaryOneIsNoReason() {
        var scaler = scaler()
        #expect(live(&scaler, 0...20) { late($0, by: 0.9) }.allSatisfy { $0 == 1 })
        #expect(live(&scaler, 21...40) { $0.truncatingRemainder(dividingBy: 3) == 0 ? busy : late($0, by: 2) }
            .allSatisfy { $0 == 1 })
    }

    @Test func betweenTwoChangesThereIsTimeAndNeverMoreThanTheMost() {
        var scaler = scaler()
        let workers = live(&scaler, 0...60) { late($0, by: 5) }
        #expect(workers.firstIndex(of: 2) == 3)
        #expect(workers.firstIndex(of: 3) == 13)
        #expect(workers.max() == 3)
    }

    @Test func whileAWorkerLoadsNoOtherIsAskedFor() {
        var scaler = scaler()
        #expect(live(&scaler, 0...60) { late($0, by: 5, isStarting: true) }.allSatisfy { $0 == 1 })
    }

    @Test func itShrinksOneByOneWhenIdleAndNeverBelowTheLeast() {
        var scaler = scaler()
        _ = live(&scaler, 0...20) { late($0, by: 5) }
        #expect(scaler.workers == 3)
        let workers = live(&scaler, 21...400) { _ in idle }
        #expect(workers.firstIndex(of: 2) == 60)
        #expect(workers.firstIndex(of: 1) == 121)
        #expect(workers.min() == 1)
    }

    @Test func whoIsBusyIsNotRetired() {
        var scaler = scaler()
        _ = live(&scaler, 0...5) { late($0, by: 5) }
        #expect(live(&scaler, 6...400) { Int($0) % 50 == 0 ? busy : idle }.allSatisfy { $0 == 2 })
    }

    @Test func fromNoneTheFirstItemAsksForOneAtOnce() {
        var scaler = scaler(min: 0)
        #expect(scaler.observe(busy, now: at(0)) == 0)
        #expect(scaler.observe(late(1, by: 0), now: at(1)) == 1)
        #expect(live(&scaler, 2...70) { _ in idle }.last == 0)
    }

    @Test func otherBoundsHoldAtOnce() {
        var scaler = scaler()
        var policy = scaler.policy
        policy.min = 2
        scaler.adopt(policy)
        #expect(scaler.workers == 2)
        policy.min = 0
        policy.max = 1
        scaler.adopt(policy)
        #expect(scaler.workers == 1)
    }
}
