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

    /// The group ends ten requests a second, and whoever comes now waits for `wait` seconds; nobody is idle.
    private func late(_ now: Double, by wait: Double, isStarting: Bool = false) -> GroupScaler.Load {
        .init(waiting: Int(wait * 10), served: Int(now * 10), idle: 0, isStarting: isStarting)
    }

    private let idle = GroupScaler.Load(waiting: 0, served: 0, idle: 1, isStarting: false)
    private let busy = GroupScaler.Load(waiting: 0, served: 0, idle: 0, isStarting: false)

    /// Workers after each second from `start` to `end`.
    private func live(
        _ scaler: inout GroupScaler, _ seconds: ClosedRange<Int>, _ load: (Double) -> GroupScaler.Load
    ) -> [Int] {
        seconds.map { scaler.observe(load(Double($0)), now: at(Double($0))) }
    }

    @Test func itGrowsWhenItemsWaitTooLongForAWhile() {
        var scaler = scaler()
        #expect(live(&scaler, 0...5) { late($0, by: 2) } == [1, 1, 1, 1, 2, 2])
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
        #expect(workers.firstIndex(of: 2) == 4)
        #expect(workers.firstIndex(of: 3) == 14)
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

    @Test func oneThatWaitsBehindALongCallIsLate() {
        var scaler = scaler()
        let stuck = GroupScaler.Load(waiting: 1, served: 7, idle: 0, isStarting: false)
        #expect(live(&scaler, 0...4) { _ in stuck } == [1, 1, 1, 1, 2])
    }

    @Test func theLastOneStays() {
        var scaler = scaler(min: 1)
        #expect(live(&scaler, 0...200) { _ in idle }.last == 1)
    }

    @Test func whereThereMayBeNoneTheFirstRequestBringsOneAtOnce() {
        var scaler = scaler(min: 0)
        #expect(scaler.isResting)
        let nothing = GroupScaler.Load(waiting: 0, served: 0, idle: 0, isStarting: false)
        #expect(live(&scaler, 0...20) { _ in nothing }.allSatisfy { $0 == 0 })
        let first = GroupScaler.Load(waiting: 1, served: 0, idle: 0, isStarting: false)
        #expect(scaler.observe(first, now: at(21)) == 1)
        #expect(live(&scaler, 22...23) { _ in idle } == [1, 1])
    }

    @Test func whereThereMayBeNoneTheLastOneGoesWhenNothingWasServedForAWhile() {
        var scaler = scaler(min: 0)
        _ = scaler.observe(.init(waiting: 1, served: 0, idle: 0, isStarting: false), now: at(0))
        // Idle whenever one looks, and yet of use.
        let served = live(&scaler, 1...200) { .init(waiting: 0, served: Int($0) / 30, idle: 1, isStarting: false) }
        #expect(served.allSatisfy { $0 == 1 })
        let workers = live(&scaler, 201...300) { _ in .init(waiting: 0, served: 6, idle: 1, isStarting: false) }
        #expect(workers.firstIndex(of: 0) == 40 && workers.last == 0)
        // It is wanted again before any cooldown.
        let next = GroupScaler.Load(waiting: 1, served: 6, idle: 0, isStarting: false)
        #expect(scaler.observe(next, now: at(300.1)) == 1)
    }

    @Test func otherBoundsHoldAtOnce() {
        var scaler = scaler()
        var policy = scaler.policy
        policy.min = 2
        scaler.adopt(policy)
        #expect(scaler.workers == 2)
        policy.min = 1
        policy.max = 1
        scaler.adopt(policy)
        #expect(scaler.workers == 1)
    }
}
