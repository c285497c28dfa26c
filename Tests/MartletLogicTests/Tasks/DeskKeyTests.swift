import MartletBase
import MartletLogic
import Testing

/// Tasks of whose key all workers together run so many.
@Suite struct DeskKeyTests {
    private func keyed(_ number: UInt64, _ key: String = "k", limit: Int = 1) -> TaskArrival {
        .number(number) {
            $0.key = key
            $0.keyConcurrency = limit
        }
    }

    private func wish(_ number: UInt64, _ key: String = "k", limit: Int = 1) -> KeyWish {
        KeyWish(id: DeliveryID(number), key: key, limit: limit)
    }

    @Test func nothingBeginsWithoutAPlaceAndOthersGoOn() {
        var desk = WorkerDesk.with(slots: 1)
        #expect(desk.take([keyed(1), .number(2)], at: 0) == [.enter([wish(1)]), .run(2)])
        #expect(desk.reserved.map(\.phase) == [.waitsForPlace])
        #expect(desk.woken(now: time(0)) == [], "it is asked once")
        #expect(desk.entered([wish(1)], [false], now: time(0)) == [])
        _ = desk.ended(2, .succeeded, now: time(0))
        #expect(desk.nextWake(now: time(0)) == at(0.05))
        #expect(desk.woken(now: time(0.05)) == [.enter([wish(1)])])
        #expect(desk.entered([wish(1)], [true], now: time(0.05)) == [.run(1)])
    }

    @Test func aTaskWithoutAKeyOrALimitAsksNobody() {
        var desk = WorkerDesk.with(slots: 3)
        let arrivals = [TaskArrival.number(1), .number(2) { $0.key = "k" }, .number(3) { $0.keyConcurrency = 1 }]
        let actions = desk.take(arrivals, at: 0)
        #expect(actions.count == 3)
        for id in [1, 2, 3] as [DeliveryID] { #expect(actions.contains(.run(id))) }
    }

    @Test func theBrokerIsAskedMoreSeldomTheLongerItSaysNo() {
        var desk = WorkerDesk.with()
        _ = desk.take([keyed(1)], at: 0)
        var now = 0.0
        for pause in [0.05, 0.1, 0.2, 0.25, 0.25] {
            #expect(desk.entered([wish(1)], [false], now: time(now)) == [])
            #expect(desk.nextWake(now: time(now)) == time(now).instant + .milliseconds(Int(pause * 1000)))
            now += pause + 0.001
            #expect(desk.woken(now: time(now)) == [.enter([wish(1)])])
        }
    }

    @Test func whoWaitsHereIsTriedAgainWhenOneOfItsKeyIsOver() {
        var desk = WorkerDesk.with(slots: 2)
        _ = desk.take([keyed(1, limit: 2), keyed(2, limit: 2)], at: 0)
        #expect(desk.entered([wish(1, limit: 2), wish(2, limit: 2)], [true, false], now: time(0)) == [
            .enter([wish(2, limit: 2)]), .run(1),
        ])
        #expect(desk.entered([wish(2, limit: 2)], [false], now: time(0)) == [])
        _ = desk.ended(1, .succeeded, now: time(0.01))
        #expect(desk.nextWake(now: time(0.01)) > at(0.01), "its lease still stands")
        desk.settled(1, isCommitted: true)
        #expect(desk.nextWake(now: time(0.01)) == at(0.01))
        #expect(desk.woken(now: time(0.01)) == [.enter([wish(2, limit: 2)])])
    }

    @Test func anAnswerThatWasOvertakenByAnEndIsNotWaitedFor() {
        var desk = WorkerDesk.with(slots: 2)
        _ = desk.take([keyed(1), keyed(2)], at: 0)
        _ = desk.entered([wish(1)], [true], now: time(0))
        #expect(desk.ended(1, .succeeded, now: time(1)) == [.settle(1, .succeed), .enter([wish(2)])])
        desk.settled(1, isCommitted: true)
        #expect(desk.entered([wish(2)], [false], now: time(1)) == [.enter([wish(2)])])
    }

    @Test func aBrokerThatCannotBeAskedIsAskedAgainLater() {
        var desk = WorkerDesk.with()
        _ = desk.take([keyed(1)], at: 0)
        #expect(desk.entered([wish(1)], nil, now: time(0)) == [])
        #expect(desk.woken(now: time(0.5)) == [])
        #expect(desk.woken(now: time(1)) == [.enter([wish(1)])])
    }

    @Test func allKeysAreAskedForAtOnce() {
        var desk = WorkerDesk.with(slots: 2)
        let actions = desk.take([keyed(1, "b"), keyed(2, "a")], at: 0)
        #expect(actions == [.enter([wish(2, "a"), wish(1, "b")])])
    }

    @Test func noPlaceIsAskedForWithoutASlot() {
        var desk = WorkerDesk.with(slots: 1)
        let actions = desk.take([keyed(1, "b"), keyed(2, "a"), keyed(3, "a", limit: 2)], at: 0)
        #expect(actions == [.enter([wish(2, "a")])], "there is one slot")
        #expect(desk.entered([wish(2, "a")], [true], now: time(0)) == [.run(2)])
        #expect(desk.woken(now: time(1)) == [])
        #expect(desk.nextWake(now: time(1)) > time(1).instant)
        #expect(desk.ended(2, .succeeded, now: time(2)).last == .enter([wish(1, "b")]), "by turns")
    }

    @Test func whoLeavesWhileItWaitsIsNotRun() {
        var desk = WorkerDesk.with(slots: 2)
        _ = desk.take([keyed(1, limit: 2), keyed(2, limit: 2)], at: 0)
        _ = desk.revoke(["t1"], terminate: false, now: time(0))
        let wishes = [wish(1, limit: 2), wish(2, limit: 2)]
        #expect(desk.entered(wishes, [true, true], now: time(0)) == [.run(2)])
        #expect(desk.waiting == 0)
    }

    @Test func aWorkerThatDrainsGivesBackWhoWaits() {
        var desk = WorkerDesk.with()
        _ = desk.take([keyed(1)], at: 0)
        #expect(desk.drain(until: at(9), now: time(0)) == [.settle(1, .giveBack(atHead: true))])
        #expect(desk.entered([wish(1)], [true], now: time(0)) == [])
        #expect(desk.waiting == 0)
    }
}
