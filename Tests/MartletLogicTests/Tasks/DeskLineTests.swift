import MartletBase
import MartletLogic
import Testing

/// Who goes first among those that wait here.
@Suite struct DeskLineTests {
    /// The order in which one slot serves them.
    private func order(of arrivals: [TaskArrival], rules: TaskRules = .add()) -> [DeliveryID] {
        var desk = WorkerDesk.with(rules: rules)
        var waiting = desk.take(arrivals, at: 0)
        var order: [DeliveryID] = []
        while !waiting.isEmpty {
            let action = waiting.removeFirst()
            guard case .run(let id) = action else { continue }
            order.append(id)
            waiting += desk.ended(id, .succeeded, now: time(0))
        }
        return order
    }

    @Test func urgentOnesGoFirstByCelerysSteps() {
        let priorities = [9, 8, 5, 2, 0, 3, 6, -1, 100]
        let arrivals = priorities.enumerated().map { index, priority in
            TaskArrival.number(UInt64(index)) { $0.priority = priority }
        }
        // The first one has the slot before the others are looked at.
        #expect(order(of: [.number(99)] + arrivals) == [99, 3, 4, 7, 2, 5, 1, 6, 0, 8])
    }

    @Test func keysTakeTurnsWhoeverBringsMore() {
        let flood = (1...5).map { number in TaskArrival.number(number) { $0.key = "x" } }
        let others = [6, 7].map { number in TaskArrival.number(number) { $0.key = "y" } }
        #expect(order(of: [.number(99)] + flood + others) == [99, 1, 6, 2, 7, 3, 4, 5])
    }

    @Test func aKeyOfTwiceTheWeightIsServedTwiceAsOften() {
        let heavy = (1...4).map { number in
            TaskArrival.number(number) {
                $0.key = "x"
                $0.weight = 2
            }
        }
        let light = (5...6).map { number in TaskArrival.number(number) { $0.key = "y" } }
        #expect(order(of: [.number(99)] + heavy + light) == [99, 1, 5, 2, 3, 6, 4])
    }

    @Test func noMoreOfAKeyRunThanMay() {
        var desk = WorkerDesk.with(slots: 9, rules: .add { $0.keyConcurrency = 2 })
        let arrivals = (1...6).map { number in TaskArrival.number(number) { $0.key = number < 5 ? "x" : "y" } }
        #expect(desk.take(arrivals, at: 0) == [.run(1), .run(5), .run(2), .run(6)])
        #expect(desk.ended(2, .failed, now: time(1)) == [.settle(2, .fail(.raised)), .run(3)])
        // Those whose process is lost, and those that wait and leave, make room as well.
        #expect(desk.ended(1, .lost, now: time(1)).contains(.run(4)))
    }

    @Test func aMessagesOwnLimitHoldsForItsKeyWhateverTheTask() {
        var desk = WorkerDesk.with(slots: 9)
        let arrivals = ["add", "other", "add"].enumerated().map { index, name in
            TaskArrival.number(UInt64(index), name: name) {
                $0.key = "x"
                $0.keyConcurrency = 1
            }
        }
        let wishes = (0...1).map { KeyWish(id: DeliveryID($0), key: "x", limit: 1) }
        #expect(desk.take(arrivals, at: 0) == [.enter([wishes[0]])])
        #expect(desk.reserved.map(\.phase) == [.waitsForPlace, .waitsForKey, .waitsForKey])
        #expect(desk.entered([wishes[0]], [true], now: time(0)) == [.run(0)])
        #expect(desk.ended(0, .succeeded, now: time(1)) == [.settle(0, .succeed), .enter([wishes[1]])])
    }

    @Test func aRatesTokenIsNotSpentOnWhoHasNoSlot() {
        var desk = WorkerDesk.with(slots: 1, rules: .add { $0.rateLimit = RateLimit(1, per: .minute) })
        #expect(desk.run(.number(1, name: "other"), at: 0) == true)
        #expect(desk.take([.number(2), .number(3)], at: 0) == [])
        #expect(desk.reserved.map(\.phase) == [.waitsForRate, .waitsForRate])
        #expect(desk.nextWake(now: time(100)) > at(1000))
        #expect(desk.ended(1, .succeeded, now: time(100)) == [.settle(1, .succeed), .run(2)])
        #expect(desk.ended(2, .succeeded, now: time(101)) == [.settle(2, .succeed)])
        #expect(desk.nextWake(now: time(101)) == at(160))
        #expect(desk.woken(now: time(160)) == [.run(3)])
    }

    @Test func oneThatIsHandedBackMakesRoomForItsKey() {
        var desk = WorkerDesk.with(rules: .add { $0.keyConcurrency = 1 }) { $0.ahead = .milliseconds(50) }
        _ = desk.take([.number(1, name: "other"), .number(2), .number(3)], at: 0)
        #expect(desk.reserved.map(\.phase) == [.ready, .waitsForKey])
        let head = Settlement.giveBack(atHead: true)
        #expect(desk.woken(now: time(1)) == [.settle(2, head), .settle(3, head)])
        #expect(desk.ended(1, .succeeded, now: time(2)) == [.settle(1, .succeed)])
        #expect(desk.take([.number(4)], at: 3) == [.run(4)])
    }

    @Test func whatIsInHandIsSeen() {
        var desk = WorkerDesk.with(rules: .add { $0.keyConcurrency = 1 })
        _ = desk.take([.number(1), .number(2), .number(3) { $0.eta = wall(9) }, .number(4, name: "other")], at: 0)
        desk.started(1, now: time(0.5))
        #expect(desk.active.map(\.id) == [1] && desk.active.first?.startedAt == time(0.5))
        #expect(desk.reserved.map(\.id) == [2, 4])
        #expect(desk.scheduledTasks.map(\.id) == [3])
        #expect(desk.tasks(of: ["t4", "t1", "t9"]).map(\.id) == [1, 4])
        #expect(desk.totals == ["add": 3, "other": 1])
        #expect(desk.counts.taken == 4 && desk.counts.started == 1)
        #expect(desk.inHand == 4 && desk.waiting == 2 && desk.running == 1)
    }
}
