import MartletBase
import MartletLogic
import Testing

/// Five times as much comes as the targets can serve, in simulated time.
@Suite struct OverloadTests {
    /// Callers that come at a steady rate to four targets of eight places each; every answer takes 100 to 300 ms.
    private struct Rush {
        static let perSecondAtMost = 160.0
        var pool = PoolMachine(
            policy: .with {
                $0.queue.length = 1000
                $0.timeouts.queue = .seconds(5)
            }, seed: 1)
        private var random = SplitMix64(seed: 3)
        /// When callers give up, after they came; nil: `timeouts.queue` alone bounds them.
        let patience: Double?
        /// Whether callers say so.
        let isStated: Bool
        private var came: [Double] = []
        private var classes: [PriorityClass] = []
        private var ends: [(at: Double, request: Int, target: TargetID)] = []
        private(set) var served = 0
        private(set) var wasted = 0
        private(set) var times: [PriorityClass: [Double]] = [:]

        init(patience: Double?, isStated: Bool) {
            self.patience = patience
            self.isStated = isStated
            for number in 1...4 as ClosedRange<UInt32> {
                let policy = TargetPolicy.with { $0.maxInflight = 8 }
                _ = pool.add(TargetID(number), policy: policy, key: UInt64(number), now: at(0))
            }
        }

        /// `perSecond` callers a second, from `start` to `end`.
        mutating func run(_ perSecond: Double, from start: Double, to end: Double) {
            var nextTick = start
            for number in 0..<Int((end - start) * perSecond) {
                let time = start + Double(number) / perSecond
                while nextTick < time {
                    finish(until: nextTick)
                    grant(pool.tick(now: at(nextTick)).grants, nextTick)
                    nextTick += 0.1
                }
                finish(until: time)
                come(time)
            }
        }

        private mutating func come(_ time: Double) {
            let request = came.count
            came.append(time)
            classes.append(request % 10 == 0 ? .interactive : request % 10 < 6 ? .batch : .background)
            let finish = isStated ? patience.map { at(time + $0) } ?? .never : .never
            let wanted = PickRequest(
                waiter: WaiterID(UInt64(request)), priority: classes[request], deadline: min(at(time + 5), finish),
                finish: finish)
            if case .target(let target) = pool.pick(wanted, now: at(time)) { begin(request, target, time) }
        }

        private mutating func begin(_ request: Int, _ target: TargetID, _ time: Double) {
            let duration = 0.1 + 0.2 * Double(random.next() >> 11) * 0x1p-53
            ends.append((time + duration, request, target))
        }

        private mutating func grant(_ grants: [Grant], _ time: Double) {
            for grant in grants { begin(Int(grant.waiter.rawValue), grant.target, time) }
        }

        private mutating func finish(until time: Double) {
            while let index = ends.indices.min(by: { ends[$0].at < ends[$1].at }), ends[index].at <= time {
                let end = ends.remove(at: index)
                let took = end.at - came[end.request]
                if took <= patience ?? .infinity { served += 1 } else { wasted += 1 }
                times[classes[end.request], default: []].append(took)
                grant(pool.release(end.target, .success, now: at(end.at)).grants, end.at)
            }
        }

        func slowest(_ priority: PriorityClass) -> Double {
            let sorted = (times[priority] ?? []).sorted()
            return sorted.isEmpty ? .infinity : sorted[sorted.count * 99 / 100]
        }
    }

    @Test(
        "nearly all that can be served is served in time, whether callers say how long they wait or not",
        arguments: [(Optional(1.0), true), (nil, false), (Optional(6.0), false), (Optional(0.5), true)])
    func goodput(patience: Double?, isStated: Bool) {
        var rush = Rush(patience: patience, isStated: isStated)
        rush.run(5 * Rush.perSecondAtMost, from: 0, to: 30)
        let share = Double(rush.served) / (30 * Rush.perSecondAtMost)
        #expect(share > 0.95, "\(rush.served) served in time, \(rush.wasted) in vain")
        #expect(rush.pool.impossible.count == 0)
    }

    @Test("the highest class hardly notices")
    func highestClass() {
        var quiet = Rush(patience: nil, isStated: false)
        quiet.run(0.3 * Rush.perSecondAtMost, from: 0, to: 30)
        var rush = Rush(patience: nil, isStated: false)
        rush.run(5 * Rush.perSecondAtMost, from: 0, to: 30)
        let (alone, crowded) = (quiet.slowest(.interactive), rush.slowest(.interactive))
        #expect(crowded < 1.5 * alone, "\(crowded) s instead of \(alone) s")
        #expect(rush.times[.interactive]?.count ?? 0 > 2_300, "every one of them is served")
        #expect(rush.times[.background]?.count ?? 0 > 100, "the lowest class is not starved")
    }
}
